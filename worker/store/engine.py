"""The databases' common door: what a store needs of one, and what differs between their dialects.

Every use of a database is a transaction that reads or one that writes. Whoever writes about a
person locks that person's row first (:mod:`worker.store.locking`): SQLite's one writer holds
everything anyway, PostgreSQL holds what was locked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, Row, Select, Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from course.errors import LettercourseError
from worker.store.postgresql import PostgresqlDatabase
from worker.store.sqlite import SqliteDatabase

CHUNK = 500
"""Values in one ``IN``: SQLite may be built for no more than 999."""

T = TypeVar("T")


class Database(Protocol):
    """Where the ledger lies.

    Attributes:
        where: names it in faults and reports, without a password.
        engine: SQLAlchemy's, for whoever looks on; every use of it goes through here.
    """

    where: str
    engine: Engine

    def reading(self) -> AbstractContextManager[Connection]:
        """Hold one snapshot; takes no write lock."""

    def writing(self) -> AbstractContextManager[Connection]:
        """Write in one transaction; durable at the end, undone by an exception."""

    def exists(self) -> bool:
        """Tell whether there is a database to read; makes none."""

    def prepare(self) -> None:
        """Make room for the database, before its first revision."""

    def clock(self) -> datetime | None:
        """Return the database's own instant; ``None`` where it goes by this machine's."""

    def file(self) -> str:
        """Return which file this is, another one at the same place included; empty: none."""

    def scrub(self) -> None:
        """Write anew what was deleted from, so that no byte of it is left."""

    def close(self) -> None:
        """Close every connection; the database may be used again afterwards."""


def open_database(url: str) -> Database:
    """Return the database behind a URL; nothing is read or made yet.

    Args:
        url: of SQLAlchemy's form: ``sqlite:///file`` or ``postgresql://user:password@host/name``.

    Raises:
        LettercourseError: the URL names no database that can be used.
    """
    where = "LETTERCOURSE_DATABASE_URL"
    remedy = "write sqlite:////absolute/path/to/file.db or postgresql://user:password@host/name"
    try:
        kind = make_url(url).get_backend_name()
    except ArgumentError as fault:
        raise LettercourseError("this is no database URL", where=where, remedy=remedy) from fault
    if kind == "sqlite":
        return SqliteDatabase(url)
    if kind == "postgresql":
        return PostgresqlDatabase(url)
    raise LettercourseError(f"{kind} databases cannot be used", where=where, remedy=remedy)


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; those that a unique constraint knows already stay as they are."""
    if rows:
        connection.execute(new_into(table, connection.dialect.name), rows)


def insert_if_new(connection: Connection, table: Table, row: dict[str, Any]) -> int | None:
    """Insert a row and return its id; ``None`` where a unique constraint knows it already."""
    insertion = new_into(table, connection.dialect.name).values(row)
    made: int | None = connection.scalar(insertion.returning(table.c.id))
    return made


def new_into(table: Table, dialect: str) -> postgresql.Insert | sqlite.Insert:
    """Return an insert that passes over rows that are known."""
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def move_ids_on(connection: Connection) -> None:
    """Let the ids that rows get by themselves be above every one that was given by hand.

    SQLite takes the next one after the greatest anyway.
    """
    if connection.dialect.name != "postgresql":
        return
    counted = connection.execute(_COUNTED).all()
    for table, column, sequence in counted:
        connection.execute(
            text(
                f'SELECT setval(:sequence, greatest(max("{column}"), nextval(:sequence)))'  # noqa: S608
                f' FROM "{table}"'
            ),
            {"sequence": sequence},
        )


_COUNTED = text(
    "SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_name), column_name)"
    " FROM information_schema.columns WHERE table_schema = current_schema()"
    " AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL"
)
"""Tables whose ids come from a sequence: names of our own."""


def rows_of(
    connection: Connection, statement: Select[Any], ids: Sequence[Any]
) -> Iterator[Row[Any]]:
    """Yield what a statement with the parameter ``ids`` finds, for any number of them."""
    for some in chunks(ids):
        yield from connection.execute(statement, {"ids": some}).all()


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield ``values`` in runs short enough for one ``IN``."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
