"""The article's local pictures, named by their content, and why others cannot be had."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

from course.letters.addresses import absolute
from course.letters.passages import placed
from course.letters.rawhtml import raw_tags
from course.model import Asset, Course, MissingPicture, Pictures
from course.pictures import UnusablePicture, fitted

LIMIT = 25_000_000
"""Bytes of one file at most, as it came from a camera."""

_REMOTE = frozenset({"http", "https"})


def collect_assets(
    course: Course, folder: Path, made: MutableMapping[str, Asset] | None = None
) -> Pictures:
    """Read every picture that the letters show and that lies beside the article, fit for a letter.

    Remote pictures, and root-relative ones of a known site, stay where they are. Nothing outside
    ``folder`` is read, whatever a path or a symbolic link says.

    Args:
        course: whose letters show them.
        folder: the article's.
        made: what files became before, by the SHA-256 of their bytes; grows.
    """
    made = {} if made is None else made
    found: dict[str, Asset] = {}
    missing: list[MissingPicture] = []
    for source, line in sorted(_shown(course), key=lambda shown: shown[1]):
        if source in found or absolute(source, course.site, _REMOTE):
            continue
        try:
            found[source] = _asset(_located(source, folder), made)
        except UnusablePicture as fault:
            missing.append(MissingPicture(source, line, str(fault)))
    return Pictures(found, tuple(missing))


def picture_files(course: Course, folder: Path) -> tuple[Path, ...]:
    """Return where the local pictures of the letters lie, or would lie if they were there."""
    found: dict[Path, None] = {}
    for source, _ in _shown(course):
        if absolute(source, course.site, _REMOTE) is None:
            try:
                found[_path(source, folder)] = None
            except UnusablePicture:
                continue
    return tuple(found)


def _shown(course: Course) -> Iterator[tuple[str, int]]:
    """Yield address and line of each picture in the letters; of the logo, whose line is 0."""
    if course.brand.logo:
        yield course.brand.logo, 0
    for token, line in placed(course):
        if token.type == "image":
            yield str(token.attrGet("src") or ""), line
        elif token.type in {"html_block", "html_inline"}:
            for tag in raw_tags([token]):
                if tag.name == "img":
                    yield tag.get("src"), line


def _located(source: str, folder: Path) -> Path:
    file = _path(source, folder)
    try:
        present = file.is_file()
    except OSError as fault:
        raise UnusablePicture("its address is no path") from fault
    if not present:
        raise UnusablePicture("there is no such file")
    return file


def _path(source: str, folder: Path) -> Path:
    path = unquote(source.partition("#")[0].partition("?")[0])
    if not path:
        raise UnusablePicture("it has no address")
    if source.lower().startswith("data:"):
        raise UnusablePicture("mail programs do not show pictures written into the article as data")
    if path.startswith("/"):
        raise UnusablePicture("it belongs to a site, and the article does not say which")
    root = folder.resolve()
    try:
        file = (root / path).resolve()
    except (OSError, ValueError) as fault:
        raise UnusablePicture("its address is no path") from fault
    if not file.is_relative_to(root):
        raise UnusablePicture("it lies outside the article's folder")
    return file


def _asset(file: Path, made: MutableMapping[str, Asset]) -> Asset:
    try:
        with file.open("rb") as stream:
            content = stream.read(LIMIT + 1)
    except OSError as fault:
        raise UnusablePicture("the file cannot be read") from fault
    if len(content) > LIMIT:
        raise UnusablePicture(f"the file is over {LIMIT // 1_000_000} MB")
    source = sha256(content).hexdigest()
    if source not in made:
        picture = fitted(content)
        digest = sha256(picture.content).hexdigest()
        made[source] = Asset(
            digest=digest,
            name=f"{digest}.{picture.extension}",
            media_type=picture.media_type,
            content=picture.content,
            width=picture.width,
            height=picture.height,
        )
    return made[source]
