"""What ``build`` writes: every letter as three files, the answer for programs, and a gallery."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from course.codec import edition_answer, files_of
from course.compile import Compiled
from course.errors import LettercourseError
from course.fill import fill_html, fill_mime, fill_text
from course.gallery import Calendar, gallery_of, gallery_page, letters_in_order, sample_values

ANSWER = "edition.json"
INDEX = "index.html"


def write_build(
    compiled: Compiled, out: Path, calendar: Calendar | None = None
) -> tuple[Path, ...]:
    """Write a build to the folder ``out`` and return its files, the gallery's index first.

    The folder appears complete or not at all; an earlier build in its place is replaced.

    Args:
        compiled: what is written.
        out: a new folder, an empty one or an earlier build.
        calendar: who would get what when, for the gallery; made elsewhere, as no clock is here.

    Raises:
        LettercourseError: ``out`` is a file, or a folder that holds something else.
    """
    out = out.absolute()
    _refuse_foreign(out)
    partial = out.with_name(f".{out.name}.{compiled.edition.digest[:12]}.partial")
    former = out.with_name(f".{out.name}.former")
    try:
        _discard(partial)
        partial.mkdir(parents=True)
        names = [_written(partial / name, content) for name, content in _files(compiled, calendar)]
        _discard(former)
        if out.exists():
            out.rename(former)
        partial.rename(out)
        _discard(former)
    except OSError as fault:
        _discard(partial)
        raise LettercourseError(
            f"the build cannot be written: {fault.strerror or fault}",
            where=str(out),
            remedy="name a folder that can be written to",
        ) from fault
    return tuple(out / name.relative_to(partial) for name in names)


def _files(compiled: Compiled, calendar: Calendar | None) -> Iterator[tuple[str, bytes]]:
    edition = compiled.edition
    yield INDEX, gallery_page(gallery_of(compiled, calendar)).encode()
    yield ANSWER, f"{json.dumps(edition_answer(edition), indent=2, ensure_ascii=False)}\n".encode()
    for letter, _ in letters_in_order(edition):
        values, files = sample_values(edition, letter), files_of(letter)
        yield files["html"], fill_html(letter, values).encode()
        yield files["text"], fill_text(letter, values).encode()
        yield files["eml"], fill_mime(letter, values)
    for asset in edition.assets:
        yield f"assets/{asset.name}", asset.content


def _refuse_foreign(out: Path) -> None:
    if out.is_dir():
        ours = (out / ANSWER).is_file() and (out / INDEX).is_file()
        if ours or not any(out.iterdir()):
            return
        fault = "the folder holds something that is not a build"
    elif out.exists() or out.is_symlink():
        fault = "it is a file, not a folder"
    else:
        return
    raise LettercourseError(fault, where=str(out), remedy="name a new folder or an empty one")


def _written(file: Path, content: bytes) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    return file


def _discard(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
