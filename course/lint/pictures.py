"""Pictures that some or all readers will not see."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from course.lint.clients import CLIENTS_WITHOUT, GMAIL, listed
from course.lint.rule import Checked, Example, Spot, rule
from course.model import Level


@rule(
    "missing-image",
    Level.WARNING,
    "A picture that cannot be put into the letter",
    why="No such file, not a picture or a damaged one, too large, outside the article's folder, or "
    "its address starts with `/` and no `site` is set. Readers see its description.",
    remedy="put the file there, mend the path, or set site for paths that start with /",
    example=Example("![A loaf on a board](loaf.png)\n"),
)
def missing_image(checked: Checked) -> Iterator[Spot]:
    """The gathering of pictures has found them, and says why; the logo is the manifest's."""
    for picture in checked.pictures.missing:
        message = f"the picture {picture.source} is missing: {picture.reason}"
        if picture.line:
            yield Spot(picture.line, message)
        else:
            line = checked.course.manifest_lines.get("brand.logo", 0)
            yield Spot(line, message, in_manifest=True)


@rule(
    "missing-alt",
    Level.WARNING,
    "A picture without a description",
    why="Many mail programs show no pictures until they are asked to, and some readers never see "
    'any (WCAG 2.2, 1.1.1). In HTML, `alt=""` says that a picture is mere decoration.',
    remedy="say in the brackets what it shows: `![A loaf on a board](loaf.png)`",
    example=Example("![](https://bakery.example/loaf.png)\n"),
)
def missing_alt(checked: Checked) -> Iterator[Spot]:
    """Markdown's pictures with empty brackets, HTML's without the attribute."""
    for picture in checked.shown.pictures:
        if picture.alt is None:
            yield Spot(picture.line, f"the picture {picture.source} has no description")


@rule(
    "picture-format",
    Level.WARNING,
    "A picture in a format that mail programs do not show",
    why="Which do not is known from [caniemail.com](https://www.caniemail.com/). An info where "
    "Gmail does show it. Pictures that lie beside the article are put right or named by "
    "`missing-image`; this is about those that are fetched from elsewhere.",
    remedy="use a PNG or JPEG",
    also=(Level.INFO,),
    example=Example("![How it rises](https://bakery.example/chart.svg)\n"),
)
def picture_format(checked: Checked) -> Iterator[Spot]:
    """By the ending of a remote picture's path."""
    for picture in checked.shown.pictures:
        kind = _ending(picture.source)
        without = CLIENTS_WITHOUT.get(f"image-{kind}", ())
        if without and picture.source not in checked.pictures.found:
            who = listed(without)
            message = f"{who} do{'' if len(without) > 1 else 'es'} not show {kind.upper()} pictures"
            yield Spot(picture.line, message, None if GMAIL in without else Level.INFO)


def _ending(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https", ""}:
        return ""
    name = parts.path.rpartition("/")[2]
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    return {"tif": "tiff", "heic": "heif"}.get(ending, ending)
