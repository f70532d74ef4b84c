"""One host's journal, shared by all its processes: appended to, synced, and never changed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from threading import Lock

from worker.errors import JournalFault
from worker.group_commit import GroupCommit
from worker.journal.entries import Entry, Header, line
from worker.journal.segments import (
    BEGINNING,
    Mark,
    begin_segment,
    header_of,
    read_segments,
    segment_path,
    segments,
    sync_folder,
)

SEGMENT_BYTES = 16 * 1024 * 1024
"""A segment that has grown so large is not written to any more."""

_MOST_OWED = 1024 * 1024
"""Bytes kept for the next append after the disk refused them."""

_OTHERS = "others"
"""The file that names other hosts' journals."""

_sync = getattr(os, "fdatasync", os.fsync)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a host keeps its journal.

    Attributes:
        folder: made when the journal is begun.
        host: the host's name, for people to read.
    """

    folder: Path
    host: str


class Journal:
    """A journal that is there; threads may share it, forks may not.

    Attributes:
        header: of its newest segment: whose it is.
        is_new: it was begun by this object.
        appended: bytes that this object wrote so far.
    """

    def __init__(
        self,
        place: Place,
        header: Header,
        *,
        is_new: bool = False,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.folder = place.folder
        self.header = header
        self.is_new = is_new
        self.appended = 0
        self._segment_bytes = segment_bytes
        self._file: int | None = None
        self._writer = Lock()
        self._owed = b""
        self._append = GroupCommit(self._append_all)

    @property
    def id(self) -> str:
        """Return the journal's id, which stands in the database too."""
        return self.header.journal

    @property
    def owes(self) -> bool:
        """Whether the disk refused the last entries; the next ones are written behind them."""
        return bool(self._owed)

    def append(self, entries: Sequence[Entry]) -> None:
        """Write entries; durable on return.

        Threads that come while the disk is busy are written together, with one sync.

        Raises:
            JournalFault: the disk refused; the entries are kept and go before the next ones.
        """
        try:
            self._append(b"".join(map(line, entries)))
        except OSError as fault:
            raise _fault(fault, self.folder) from fault

    def read(self, since: Mark, damaged: Callable[[str], None]) -> Iterator[tuple[Mark, Entry]]:
        """Yield what stands behind a mark, each entry with the mark behind it.

        Args:
            since: where an earlier reading ended; ``BEGINNING`` for all.
            damaged: told of every line that cannot be read, as one phrase with the place.
        """
        return read_segments(self.folder, since, damaged)

    def end(self) -> Mark:
        """Return the mark behind everything that was written."""
        newest = segments(self.folder)[-1]
        return Mark(newest, segment_path(self.folder, newest).stat().st_size)

    def others(self) -> dict[str, str]:
        """Return the journals of other hosts that were met, by id, with their hosts."""
        try:
            met = (self.folder / _OTHERS).read_text("utf-8")
        except FileNotFoundError:
            return {}
        return dict(each.split(" ", 1) for each in met.splitlines())

    def meet(self, others: Mapping[str, str]) -> None:
        """Remember journals of other hosts, so that a database that forgot them is found out.

        Raises:
            JournalFault: the disk refused.
        """
        try:
            with _locked(self.folder):
                known = self.others()
                new = {each: host for each, host in others.items() if each not in known}
                if new:
                    draft = self.folder / f"{_OTHERS}.draft"
                    with draft.open("w", encoding="utf-8") as file:
                        file.writelines(f"{each} {host}\n" for each, host in (known | new).items())
                        file.flush()
                        os.fsync(file.fileno())
                    draft.rename(self.folder / _OTHERS)
                    sync_folder(self.folder)
        except OSError as fault:
            raise _fault(fault, self.folder) from fault

    def close(self) -> None:
        """Let go of the file; the journal may be used again afterwards."""
        with self._writer:
            self._let_go()

    def _append_all(self, texts: Sequence[bytes]) -> Sequence[None]:
        with self._writer:
            text = self._owed + b"".join(texts)
            try:
                self._write(text)
            except OSError:
                self._owed = text if len(text) <= _MOST_OWED else self._owed
                self._let_go()
                raise
            self._owed = b""
            self.appended += len(text)
        return [None] * len(texts)

    def _write(self, text: bytes) -> None:
        with _locked(self.folder):
            file = self._newest()
            size = _mend(file)
            written = os.write(file, text)
            if written < len(text):
                os.ftruncate(file, size)
                raise OSError(28, os.strerror(28))  # ENOSPC: a short write says no more
        _sync(file)

    def _newest(self) -> int:
        """Return the open segment to write to; a full one is followed by the next."""
        number = self.header.segment
        if self._file is not None and os.fstat(self._file).st_nlink == 0:
            self._let_go()  # somebody moved the folder away
        while segment_path(self.folder, number + 1).exists():
            number += 1
        path = segment_path(self.folder, number)
        if number == self.header.segment and self._file is not None:
            size = os.fstat(self._file).st_size
        else:
            size = path.stat().st_size
        if size >= self._segment_bytes:
            number += 1
            begin_segment(self.folder, _numbered(self.header, number))
        if number != self.header.segment:
            self._let_go()
            self.header = _numbered(self.header, number)
        if self._file is None:
            path = segment_path(self.folder, number)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        return self._file

    def _let_go(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def open_journal(place: Place, installation: str, *, segment_bytes: int = SEGMENT_BYTES) -> Journal:
    """Return the journal of this host, begun where there is none.

    Args:
        place: where it lies.
        installation: whose it is if it has to be begun.
        segment_bytes: see ``SEGMENT_BYTES``.

    Raises:
        JournalFault: the folder cannot be used, or what lies there is no journal.
    """
    try:
        place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(place.folder):
            present = segments(place.folder)
            if not present:
                header = Header(token_hex(16), installation, place.host, BEGINNING.segment)
                begin_segment(place.folder, header)
                return Journal(place, header, is_new=True, segment_bytes=segment_bytes)
            newest = segment_path(place.folder, present[-1])
            found = header_of(newest)
    except OSError as fault:
        raise _fault(fault, place.folder) from fault
    if found is None:
        raise JournalFault(
            "the journal's first line cannot be read",
            where=str(newest),
            remedy="restore the file, or move the folder away and run: lettercourse doctor",
        )
    return Journal(place, found, segment_bytes=segment_bytes)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Be the only process of this host that writes to the journal."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _mend(file: int) -> int:
    """Cut off an unfinished line, which nobody has acted on; return the size then."""
    size = os.fstat(file).st_size
    if os.pread(file, 1, size - 1) == b"\n":
        return size
    end = size
    while end:
        start = max(end - 65536, 0)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    os.ftruncate(file, end)
    return end


def _numbered(header: Header, segment: int) -> Header:
    return Header(header.journal, header.installation, header.host, segment)


def _fault(fault: OSError, folder: Path) -> JournalFault:
    return JournalFault(
        f"the journal cannot be written: {fault.strerror or type(fault).__name__}",
        where=str(folder),
        remedy="make room or give this user write access; nothing is sent meanwhile",
    )
