"""The files of a journal: numbered, each with a header, of bounded size, read from a mark on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from worker.journal.entries import Entry, Header, line, read_line

_SUFFIX = ".journal"


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place between two lines: a segment's number and the bytes of it that lie before."""

    segment: int
    offset: int

    def __str__(self) -> str:
        return f"{self.segment}:{self.offset}"

    @classmethod
    def of(cls, text: str) -> Mark:
        """Read what ``str`` wrote."""
        segment, _, offset = text.partition(":")
        return cls(int(segment), int(offset))


BEGINNING = Mark(1, 0)
"""The mark before everything."""


def segment_path(folder: Path, number: int) -> Path:
    """Return where a segment lies."""
    return folder / f"{number:08}{_SUFFIX}"


def segments(folder: Path) -> list[int]:
    """Return the numbers of the segments that are there, in order."""
    names = (path.name.removesuffix(_SUFFIX) for path in folder.glob(f"*{_SUFFIX}"))
    return sorted(int(name) for name in names if name.isdigit())


def begin_segment(folder: Path, header: Header) -> None:
    """Make a segment with its header: whole and durable, or not at all."""
    path = segment_path(folder, header.segment)
    draft = path.with_suffix(".draft")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, line(header))
        os.fsync(handle)
    finally:
        os.close(handle)
    draft.rename(path)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make durable which files a folder has."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def header_of(path: Path) -> Header | None:
    """Return a segment's header; ``None`` where it cannot be read."""
    with path.open("rb") as file:
        first = file.readline()
    read = read_line(first.removesuffix(b"\n"))
    return read if isinstance(read, Header) else None


def read_segments(
    folder: Path, since: Mark, damaged: Callable[[str], None]
) -> Iterator[tuple[Mark, Entry]]:
    """Yield entries behind a mark, each with the mark behind it.

    An unfinished line at the very end was torn by a crash, or is being written: nobody has acted on
    it, so it is passed over. Any other line that cannot be read, and any segment that is not there,
    is told to ``damaged`` as one phrase that names the place.
    """
    present = segments(folder)
    expected = since.segment
    for number in (each for each in present if each >= since.segment):
        if number != expected:
            damaged(f"segments {expected} to {number - 1} are not there")
        expected = number + 1
        start = since.offset if number == since.segment else 0
        yield from _read(folder, number, start, damaged, is_last=number == present[-1])
    if present and present[-1] < since.segment:
        damaged(f"segment {since.segment} is not there")


def _read(
    folder: Path, number: int, start: int, damaged: Callable[[str], None], *, is_last: bool
) -> Iterator[tuple[Mark, Entry]]:
    path = segment_path(folder, number)
    with path.open("rb") as file:
        if start > os.fstat(file.fileno()).st_size:
            damaged(f"{path.name} is shorter than it was")
            return
        file.seek(start)
        place = start
        for text in file:
            before, place = place, place + len(text)
            if not text.endswith(b"\n"):
                if not is_last:
                    damaged(f"{path.name}, line {_line_at(path, before)}, is cut off")
                return
            entry = read_line(text[:-1])
            if entry is None:
                damaged(f"{path.name}, line {_line_at(path, before)}, is damaged")
            elif not isinstance(entry, Header):
                yield Mark(number, place), entry


def _line_at(path: Path, offset: int) -> int:
    with path.open("rb") as file:
        return file.read(offset).count(b"\n") + 1
