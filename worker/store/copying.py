"""Copying a whole database of either kind into an empty one: by tables, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Table, func, insert, inspect, select, text

from worker.errors import Refused
from worker.store.engine import move_ids_on
from worker.store.schema import metadata

ROWS_AT_ONCE = 1000

Report = Callable[[str, int, int], None]
"""Told of progress: a table's name, how many of its rows are copied, and how many there are."""


def quietly(_table: str, _done: int, _rows: int) -> None:
    """Tell nobody."""


def rows_in(connection: Connection) -> dict[str, int]:
    """Count the rows of every table."""
    return {
        table.name: connection.scalar(select(func.count()).select_from(table)) or 0
        for table in metadata.sorted_tables
    }


def is_empty(connection: Connection) -> bool:
    """Tell whether a database has no tables of ours yet, or nobody and nothing in them."""
    if not inspect(connection).has_table("courses"):
        return True
    counts = rows_in(connection)
    return not any(rows for table, rows in counts.items() if table != "meta")


def clear(connection: Connection) -> None:
    """Delete every row, those that refer to others first."""
    tables = list(reversed(metadata.sorted_tables))
    if connection.dialect.name == "postgresql":  # as fast with millions of rows as with none
        connection.execute(text(f"TRUNCATE {', '.join(table.name for table in tables)}"))
        return
    for table in tables:
        connection.execute(table.delete())


def copy_rows(source: Connection, target: Connection, report: Report = quietly) -> int:
    """Copy every row with its id; the target is migrated and empty. Return how many there are.

    Args:
        source: one snapshot.
        target: a writing transaction.
        report: told of progress.

    Raises:
        Refused: the target does not hold as many rows afterwards; undo the transaction.
    """
    expected = rows_in(source)
    for table in metadata.sorted_tables:
        _copy(source, target, table, expected[table.name], report)
    move_ids_on(target)
    arrived = rows_in(target)
    if arrived != expected:
        different = next(name for name in expected if arrived[name] != expected[name])
        raise Refused(
            f"{expected[different]} rows became {arrived[different]}",
            where=different,
            remedy="nothing was changed; try again",
        )
    return sum(expected.values())


def _copy(source: Connection, target: Connection, table: Table, rows: int, report: Report) -> None:
    report(table.name, 0, rows)
    done = 0
    everything = select(table).order_by(*table.primary_key)
    reading = source.execution_options(yield_per=ROWS_AT_ONCE).execute(everything)
    for some in reading.mappings().partitions(ROWS_AT_ONCE):
        copied: list[dict[str, Any]] = [dict(row) for row in some]
        target.execute(insert(table), copied)
        done += len(copied)
        report(table.name, done, rows)
