"""The journal's files: what was appended is read, whatever was torn, damaged or done at once."""

from __future__ import annotations

import multiprocessing
import os
import resource
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.errors import JournalFault
from worker.journal import (
    BEGINNING,
    Entry,
    Erasure,
    Gate,
    Journal,
    Leave,
    Mark,
    Place,
    open_journal,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HASH = "ab" * 32

instants = st.datetimes(timezones=st.just(UTC))
ids = st.integers(0, 2**63 - 1)
words = st.text(max_size=20)
entries = st.one_of(
    st.builds(Gate, ids, words, ids, ids, ids, ids, words, words, ids, words, instants, words),
    st.builds(Leave, ids, ids, words, words, instants, words),
    st.builds(Erasure, ids, instants, words),
)


def gate(attempt: int) -> Gate:
    delivery = f"{attempt:032x}"
    return Gate(
        attempt, delivery, 1, 7, 7, 1, "bread", "goals", 3, "0" * 16,
        NOON + timedelta(seconds=attempt), HASH,
    )  # fmt: skip


def place(folder: Path | None = None) -> Place:
    return Place(folder or Path(mkdtemp()), "host-1")


def read(journal: Journal, since: Mark = BEGINNING) -> tuple[list[Entry], list[str]]:
    damaged: list[str] = []
    return [entry for _, entry in journal.read(since, damaged.append)], damaged


@given(st.lists(st.lists(entries, min_size=1, max_size=4), max_size=6))
@settings(max_examples=30)
def test_what_was_appended_is_read_as_it_was_from_any_mark(written: list[list[Entry]]) -> None:
    journal = open_journal(place(), "ours", segment_bytes=600)
    for batch in written:
        journal.append(batch)
    everything = [each for batch in written for each in batch]
    marked = list(journal.read(BEGINNING, pytest.fail))
    assert [entry for _, entry in marked] == everything
    for number, (mark, _) in enumerate(marked):
        assert read(journal, Mark.of(str(mark))) == (everything[number + 1 :], [])
    journal.close()


def test_a_line_that_was_torn_at_any_byte_is_cut_off_and_what_came_before_stands() -> None:
    where = place()
    journal = open_journal(where, "ours")
    journal.append([gate(1)])
    journal.close()
    (file,) = where.folder.glob("*.journal")
    before = file.stat().st_size
    journal.append([gate(2), gate(3)])
    journal.close()
    whole = file.read_bytes()
    for size in range(before, len(whole)):
        file.write_bytes(whole[:size])
        opened = open_journal(where, "ours")
        kept = 1 + whole[before:size].count(b"\n")
        assert read(opened) == ([gate(each) for each in range(1, kept + 1)], [])
        opened.append([gate(9)])
        assert read(opened) == ([*(gate(each) for each in range(1, kept + 1)), gate(9)], [])
        opened.close()


def test_zeros_that_a_power_cut_left_behind_are_cut_off() -> None:
    where = place()
    journal = open_journal(where, "ours")
    journal.append([gate(1)])
    (file,) = where.folder.glob("*.journal")
    with file.open("ab") as tail:
        tail.write(bytes(200_000))
    assert read(journal) == ([gate(1)], [])
    journal.append([gate(2)])
    assert read(journal) == ([gate(1), gate(2)], [])


@given(st.data())
@settings(max_examples=60)
def test_a_damaged_byte_is_reported_with_its_line_and_hides_no_other(data: st.DataObject) -> None:
    where = place()
    journal = open_journal(where, "ours")
    journal.append([gate(each) for each in range(5)])
    journal.close()
    (file,) = where.folder.glob("*.journal")
    lines = file.read_bytes().splitlines(keepends=True)
    hit = data.draw(st.integers(1, 5))
    at = data.draw(st.integers(0, len(lines[hit]) - 2))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte not in (lines[hit][at], 10)))
    lines[hit] = lines[hit][:at] + bytes([other]) + lines[hit][at + 1 :]
    file.write_bytes(b"".join(lines))
    found, damaged = read(open_journal(where, "ours"))
    assert found == [gate(each) for each in range(5) if each != hit - 1]
    assert damaged == [f"{file.name}, line {hit + 1}, is damaged"]


def test_a_segment_that_is_gone_is_reported_unless_it_lies_before_the_mark() -> None:
    where = place()
    journal = open_journal(where, "ours", segment_bytes=200)
    for each in range(6):
        journal.append([gate(each)])
    marked = list(journal.read(BEGINNING, pytest.fail))
    files = sorted(where.folder.glob("*.journal"))
    assert len(files) > 3
    files[0].unlink()
    assert read(journal)[1] == ["segments 1 to 1 are not there"]
    assert read(journal, marked[2][0]) == ([entry for _, entry in marked[3:]], [])


def test_a_journal_that_is_shorter_than_it_was_is_reported() -> None:
    where = place()
    journal = open_journal(where, "ours")
    journal.append([gate(1)])
    end = journal.end()
    (file,) = where.folder.glob("*.journal")
    os.truncate(file, end.offset - 10)
    assert read(journal, end) == ([], [f"{file.name} is shorter than it was"])


def write_some(folder: str, first: int) -> None:
    journal = open_journal(Place(Path(folder), "host-1"), "ours", segment_bytes=2000)
    for each in range(first, first + 50):
        journal.append([gate(each), gate(each + 1000)])


def test_processes_and_threads_append_at_once_and_no_line_is_lost() -> None:
    where = place()
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=write_some, args=(str(where.folder), each * 100))
        for each in range(3)
    ]
    journal = open_journal(where, "ours", segment_bytes=2000)

    def write(first: int) -> None:
        for number in range(40):
            journal.append([gate(first + number)])

    threads = [threading.Thread(target=write, args=(first,)) for first in (5000, 6000, 7000)]
    for process in processes:
        process.start()
    for thread in threads:
        thread.start()
    for process in processes:
        process.join(60)
    for thread in threads:
        thread.join(60)
    found, damaged = read(journal)
    assert damaged == []
    expected = [n * 100 + i + more for n in range(3) for i in range(50) for more in (0, 1000)]
    expected += [n + i for n in (5000, 6000, 7000) for i in range(40)]
    assert sorted(entry.attempt for entry in found if isinstance(entry, Gate)) == sorted(expected)
    assert len(list(where.folder.glob("*.journal"))) > 10


def test_processes_that_begin_at_once_begin_one_journal() -> None:
    where = place()
    opened: list[Journal] = []
    threads = [
        threading.Thread(target=lambda: opened.append(open_journal(where, "ours")))
        for _ in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({journal.id for journal in opened}) == 1
    assert [journal.is_new for journal in opened].count(True) == 1


def fill_the_disk(folder: str, said: multiprocessing.SimpleQueue[str]) -> None:
    journal = open_journal(Place(Path(folder), "host-1"), "ours")
    journal.append([gate(1)])
    limit = journal.end().offset + 100
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        journal.append([gate(2)])
    except JournalFault as fault:
        said.put(str(fault))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    journal.append([gate(3)])


def test_a_full_disk_is_one_line_and_what_it_refused_is_written_before_the_next() -> None:
    where = place()
    context = multiprocessing.get_context("spawn")
    said: multiprocessing.SimpleQueue[str] = context.SimpleQueue()
    process = context.Process(target=fill_the_disk, args=(str(where.folder), said))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert "the journal cannot be written" in said.get()
    found, damaged = read(open_journal(where, "ours"))
    assert (found, damaged) == ([gate(1), gate(2), gate(3)], [])


def test_a_header_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "00000001.journal").write_bytes(b"something else\n")
    with pytest.raises(JournalFault, match="first line cannot be read"):
        open_journal(place(tmp_path), "ours")


def test_nobody_else_may_read_a_journal(tmp_path: Path) -> None:
    open_journal(place(tmp_path / "journal"), "ours").append([gate(1)])
    assert (tmp_path / "journal").stat().st_mode & 0o077 == 0
    assert (tmp_path / "journal" / "00000001.journal").stat().st_mode & 0o077 == 0
