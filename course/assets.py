"""The article's local pictures, named by their content, and why others cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

from course.letters.addresses import absolute
from course.letters.passages import placed
from course.letters.rawhtml import raw_tags
from course.model import Asset, Course, MissingPicture, Pictures

LIMIT = 10_000_000
"""Bytes of one picture at most."""

_REMOTE = frozenset({"http", "https"})


class _Unusable(Exception):
    """Why a picture cannot be put into a letter, in one clause."""


def collect_assets(course: Course, folder: Path) -> Pictures:
    """Read every picture that the letters show and that lies beside the article.

    Remote pictures, and root-relative ones of a known site, stay where they are. Nothing outside
    ``folder`` is read, whatever a path or a symbolic link says.
    """
    found: dict[str, Asset] = {}
    missing: list[MissingPicture] = []
    for source, line in sorted(_shown(course), key=lambda shown: shown[1]):
        if source in found or absolute(source, course.site, _REMOTE):
            continue
        try:
            found[source] = _asset(_located(source, folder))
        except _Unusable as fault:
            missing.append(MissingPicture(source, line, str(fault)))
    return Pictures(found, tuple(missing))


def _shown(course: Course) -> Iterator[tuple[str, int]]:
    """Yield address and line of each picture in the letters."""
    for token, line in placed(course):
        if token.type == "image":
            yield str(token.attrGet("src") or ""), line
        elif token.type in {"html_block", "html_inline"}:
            for tag in raw_tags([token]):
                if tag.name == "img":
                    yield tag.get("src"), line


def _located(source: str, folder: Path) -> Path:
    path = unquote(source.partition("#")[0].partition("?")[0])
    if not path:
        raise _Unusable("it has no address")
    if source.lower().startswith("data:"):
        raise _Unusable("mail programs do not show pictures written into the article as data")
    if path.startswith("/"):
        raise _Unusable("it belongs to a site, and the article does not say which")
    root = folder.resolve()
    try:
        file = (root / path).resolve()
        inside = file.is_relative_to(root)
        present = inside and file.is_file()
    except (OSError, ValueError) as fault:
        raise _Unusable("its address is no path") from fault
    if not inside:
        raise _Unusable("it lies outside the article's folder")
    if not present:
        raise _Unusable("there is no such file")
    return file


def _asset(file: Path) -> Asset:
    try:
        with file.open("rb") as stream:
            content = stream.read(LIMIT + 1)
    except OSError as fault:
        raise _Unusable("the file cannot be read") from fault
    if len(content) > LIMIT:
        raise _Unusable(f"the file is over {LIMIT // 1_000_000} MB")
    extension, media_type = _kind(content)
    digest = sha256(content).hexdigest()
    return Asset(digest, f"{digest}.{extension}", media_type, content)


def _kind(content: bytes) -> tuple[str, str]:
    """Return extension and media type by the first bytes, as mail programs show them."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png", "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "jpg", "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "gif", "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp", "image/webp"
    if b"<svg" in content[:2000].lower():
        raise _Unusable("most mail programs do not show SVG: save it as PNG")
    raise _Unusable("it is no PNG, JPEG, GIF or WebP picture")
