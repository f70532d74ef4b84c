"""Read what an author points at: an article file, a folder, or a ``course.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from course.errors import LettercourseError, ManifestError, SourceError
from course.manifest import read_manifest
from course.model import Finding, Level

MANIFEST_NAME = "course.toml"
ARTICLE_NAME = "article.md"
ARTICLE_SUFFIXES = (".md", ".markdown")
MAX_BYTES = 2_000_000
_ONE_ARTICLE = "give the path of a Markdown file, or of a folder whose course.toml names one"


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of an article and the text of its manifest.

    Attributes:
        article: the file as it lies there, valid UTF-8, perhaps with a BOM.
        article_file: its path as the author named it.
        folder: the article's folder, where its pictures are looked for.
        manifest: the text of ``course.toml``; ``None`` without one.
        manifest_file: its path likewise; empty without one.
    """

    article: bytes
    article_file: str
    folder: Path
    manifest: str | None
    manifest_file: str


def read_source(path: Path) -> Source:
    """Read the article that ``path`` means, and the manifest where there is one.

    Args:
        path: a folder, a manifest (``.toml``), or an article file, which then stands alone.

    Raises:
        SourceError: there is no single readable article of at most 2 MB.
        ManifestError: the manifest cannot be used, or the article it names is not there.
    """
    try:
        if path.is_dir():
            manifest = path / MANIFEST_NAME
            return _by_manifest(manifest) if manifest.exists() else _alone(_only_article(path))
        if not path.exists():
            raise SourceError("no such file or folder", where=str(path), remedy=_ONE_ARTICLE)
    except OSError as error:
        raise _unreadable(SourceError, path, error) from error
    return _by_manifest(path) if path.suffix == ".toml" else _alone(path)


def _by_manifest(file: Path) -> Source:
    text = _read(file, ManifestError).decode("utf-8-sig")
    course = read_manifest(text, str(file)).course
    article = file.parent / course.article if course.article else _only_article(file.parent)
    if not article.is_file():
        missing = Finding(
            "missing-article",
            Level.ERROR,
            str(file),
            course.article_line,
            f'the article "{course.article}" is not there',
            "write its path as seen from the manifest's folder",
        )
        raise ManifestError.of((missing,))
    return Source(_read(article, SourceError), str(article), article.parent, text, str(file))


def _alone(article: Path) -> Source:
    return Source(_read(article, SourceError), str(article), article.parent, None, "")


def _only_article(folder: Path) -> Path:
    named = folder / ARTICLE_NAME
    if named.is_file():
        return named
    found = sorted(p for p in folder.iterdir() if p.suffix in ARTICLE_SUFFIXES and p.is_file())
    if not found:
        raise SourceError("no article in this folder", where=str(folder), remedy=_ONE_ARTICLE)
    if len(found) > 1:
        names = ", ".join(p.name for p in found[:4]) + (" ..." if len(found) > 4 else "")
        raise SourceError(
            f"several articles in this folder: {names}", where=str(folder), remedy=_ONE_ARTICLE
        )
    return found[0]


def _read(file: Path, fault: type[LettercourseError]) -> bytes:
    where = str(file)
    try:
        if not file.is_file():
            raise fault("not a file", where=where, remedy=_ONE_ARTICLE)
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(fault, file, error) from error
    if len(content) > MAX_BYTES:
        raise fault("over 2 MB", where=where, remedy="split it into several courses")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise fault("not UTF-8 text", where=f"{where}:{line}", remedy="save it as UTF-8") from error
    if "\0" in text:
        raise fault("binary, not text", where=where, remedy="give a Markdown file in UTF-8")
    return content


def _unreadable(fault: type[LettercourseError], file: Path, error: OSError) -> LettercourseError:
    return fault(
        f"cannot be read: {error.strerror}", where=str(file), remedy="check its path and rights"
    )
