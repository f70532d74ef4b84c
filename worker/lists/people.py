"""A list's bytes become people and rejected rows, in the list's order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from course.errors import LettercourseError, one_line
from worker.lists.columns import find_columns, marks
from worker.lists.person import read_person
from worker.lists.table import SEPARATORS, Lines, Record, records
from worker.model import Person

_NOTHING = Record(0, ())


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that nobody was enrolled from.

    Attributes:
        line: 1-based number of its first line in the list.
        header: the list's own column titles.
        cells: as they stand in the list.
        reason: why, in one line.
    """

    line: int
    header: tuple[str, ...]
    cells: tuple[str, ...]
    reason: str


def read_people(source: BinaryIO | bytes, name: str = "the list") -> Iterator[Person | RejectedRow]:
    """Yield every row of a list that is not blank, as a person or rejected with the reason.

    Columns may stand in any order under the names in ``worker.lists.columns``; ``email`` is the
    one that is needed. A person who stands in the list twice is yielded twice. The list is read
    as it is consumed and may be larger than memory; its header is read before this returns.

    Args:
        source: the list's bytes, with or without BOM; a stream need not be seekable.
        name: what the list is called in faults, such as its path.

    Raises:
        LettercourseError: nothing in the list can be read, such as without a column of addresses.
    """
    rows, header = open_table(source, name)
    return _read_rows(rows, header)


def open_table(source: BinaryIO | bytes, name: str) -> tuple[Iterator[Record], tuple[str, ...]]:
    """Return a list's rows as cells, and its titles, among which is one for addresses.

    Raises:
        LettercourseError: it is empty, or has no column of addresses.
    """
    lines = Lines(BytesIO(source) if isinstance(source, bytes) else source, name)
    rows = records(lines, _separator(lines))
    header = tuple(title.strip() for title in next(rows, _NOTHING).cells)
    if not header:
        raise LettercourseError(
            "the list is empty", where=name, remedy="give it a header row with a column email"
        )
    if "email" not in find_columns(header):
        seen = ", ".join(title for title in header if title)
        raise LettercourseError(
            f"no column of email addresses; the first row has {seen[:200]}",
            where=name,
            remedy="give the list a header row with a column email",
        )
    return rows, header


def _separator(lines: Lines) -> str:
    """Return what separates the cells: what Excel's first line says, or what the titles show."""
    text = next((line for line in lines if line.strip()), "")
    if text.casefold().startswith("sep=") and text[4:5] in SEPARATORS:
        return text[4]
    lines.give_back(0)

    def likelihood(separator: str) -> tuple[bool, int]:
        titles = next(records(lines, separator), _NOTHING).cells
        lines.give_back(0)
        return "email" in find_columns(titles), len(titles)

    return max(SEPARATORS, key=likelihood)


def _read_rows(rows: Iterator[Record], header: tuple[str, ...]) -> Iterator[Person | RejectedRow]:
    columns = find_columns(header)
    for row in rows:
        reasons = [row.fault] if row.fault else _excess(row, header) + marks(header, row.cells)
        if not reasons:
            cells = {
                column: row.cells[place]
                for column, place in columns.items()
                if place < len(row.cells)
            }
            try:
                yield read_person(cells)
                continue
            except LettercourseError as fault:
                reasons.append(str(fault))
        yield RejectedRow(row.line, header, row.cells, one_line("; ".join(reasons)))


def _excess(row: Record, header: tuple[str, ...]) -> list[str]:
    """Return a reason for cells under no title: a separator inside a cell that has no quotes."""
    if any(cell.strip() for cell in row.cells[len(header) :]):
        return [f"{len(row.cells)} cells under {len(header)} columns"]
    return []
