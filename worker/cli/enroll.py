"""``enroll``: everybody on a list begins the course; what cannot be read is given back."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar

import click
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from course.errors import LettercourseError
from worker.cli.operating import operating, published
from worker.cli.output import json_option, margin, note, print_json, say
from worker.lists import RejectedRow, read_people, rejected_path, write_rejected
from worker.model import EnrollResult, Person

BATCH = 500
"""Rows a transaction: few enough that letters go out in between."""

T = TypeVar("T")


@click.command()
@click.argument("course")
@click.argument("people", metavar="LIST.csv", type=click.Path(path_type=Path, allow_dash=True))
@json_option
def enroll(course: str, people: Path, *, as_json: bool) -> int:
    """Enroll everybody on a list.

    LIST.csv has a header row with a column email, and may have name or first_name, timezone,
    send_at and start; - reads standard input. Exports of Kit, Mailchimp and Substack go in as they
    are. Rejected rows are written beside the list with their reasons, and exit with 1; running a
    list again changes nothing.
    """
    listed = str(people) != "-"
    leftover = rejected_path(people) if listed else None
    if leftover:
        refuse_to_replace(leftover)
    results: Counter[EnrollResult] = Counter()
    rejected: list[RejectedRow] = []
    with operating() as installation, opened(people) as stream, progress(stream) as move:
        target = published(installation, course)
        for rows in batches(read_people(stream, str(people) if listed else "standard input")):
            persons = [row for row in rows if isinstance(row, Person)]
            rejected += (row for row in rows if isinstance(row, RejectedRow))
            results.update(installation.store.enroll(target, persons, installation.now()))
            move()
    if leftover and rejected:
        write_rejected(leftover, rejected)
    elif leftover:
        leftover.unlink(missing_ok=True)
    counts = {
        result.value: results[result] for result in (EnrollResult.ENROLLED, EnrollResult.ALREADY)
    }
    counts |= {"rejected": len(rejected), "suppressed": results[EnrollResult.SUPPRESSED]}
    if not listed:
        for row in rejected:
            note(f"line {row.line}: {row.reason}")
    if as_json:
        print_json(counts | {"rejected_file": str(leftover) if leftover and rejected else None})
    else:
        say(
            ", ".join(f"{number} {name}" for name, number in counts.items() if number)
            or "0 enrolled"
        )
        if leftover and rejected:
            say(f"Why: {leftover}. Mend it there, then: lettercourse enroll {course} {leftover}")
    return 1 if rejected else 0


def refuse_to_replace(path: Path) -> None:
    """Let only our own leftovers of an earlier run be replaced.

    Raises:
        LettercourseError: somebody else's file lies where rejected rows would go.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        start = file.read(20).removeprefix(b"\xef\xbb\xbf").replace(b'"', b"")
    if not start.startswith((b"line,reason", b"line;reason", b"line\treason")):
        raise LettercourseError(
            "rejected rows would be written here, over a file that is not ours",
            where=str(path),
            remedy="move it away",
        )


@contextmanager
def opened(people: Path) -> Iterator[BinaryIO]:
    """Open a list, or standard input for ``-``."""
    if str(people) == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = people.open("rb")
    except OSError as fault:
        raise LettercourseError(
            f"the list cannot be read: {fault.strerror}", where=str(people), remedy="check its path"
        ) from fault
    with stream:
        yield stream


def batches(rows: Iterable[T]) -> Iterator[list[T]]:
    """Yield ``rows`` by the transaction."""
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch


@contextmanager
def progress(stream: BinaryIO) -> Iterator[Callable[[], None]]:
    """Show on a terminal how far a list was read; yields what moves the bar."""
    console = margin()
    if not console.is_terminal or not stream.seekable():
        yield lambda: None
        return
    size = stream.seek(0, 2)
    stream.seek(0)
    columns = TextColumn("enrolling"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=size)
        yield lambda: bar.update(task, completed=stream.tell())
