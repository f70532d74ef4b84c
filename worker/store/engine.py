"""The database's door: driver, durability and transactions, chosen once and visible here.

SQLite loses updates with Python's default transactions (a read takes no lock, the write comes
later), so ours begin explicitly: writers with ``BEGIN IMMEDIATE``, readers with ``BEGIN``.
"""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, Select, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from course.errors import LettercourseError
from worker.errors import DatabaseFault

BUSY_TIMEOUT = 30.0
"""Seconds a transaction waits for the one writer that SQLite allows."""

CHUNK = 500
"""Values in one ``IN``: SQLite may be built for no more than 999."""

T = TypeVar("T")

_BEGIN = "lettercourse_begin"


@dataclass(frozen=True, slots=True)
class Driver:
    """A SQLite library and how its connections are set up.

    Attributes:
        pragmas: what makes a commit outlive a power cut with this library.
    """

    module: Any
    version: tuple[int, ...]
    pragmas: tuple[str, ...]


def driver_for(module: Any) -> Driver:
    """Return a SQLite library with the fastest journal that is safe with it."""
    version = tuple(module.sqlite_version_info)
    if wal_is_safe(version):
        return Driver(module, version, ("journal_mode=WAL", "synchronous=FULL"))
    return Driver(module, version, ("journal_mode=DELETE", "synchronous=EXTRA"))


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Tell whether a SQLite library is free of the WAL-reset bug, which can lose commits.

    The bug is in 3.7.0 to 3.51.2; it was fixed in 3.51.3 and in the series 3.50 and 3.44
    (https://sqlite.org/wal.html#walresetbug).
    """
    fixed_in_series = {(3, 44): 6, (3, 50): 7}
    series, patch = (version[0], version[1]), version[2]
    return version >= (3, 51, 3) or patch >= fixed_in_series.get(series, patch + 1)


def choose_driver() -> Driver:
    """Return the standard library's SQLite, or ``pysqlite3`` where only that one is safe."""
    standard = driver_for(sqlite3)
    if wal_is_safe(standard.version):
        return standard
    try:
        bundled = driver_for(importlib.import_module("pysqlite3.dbapi2"))
    except ImportError:
        return standard
    return bundled if wal_is_safe(bundled.version) else standard


class Database:
    """One SQLite file; every use of it is a transaction that reads or one that writes."""

    def __init__(self, url: str, driver: Driver | None = None) -> None:
        """Prepare, without touching the file.

        Raises:
            LettercourseError: a URL of another kind of database, or none at all.
        """
        parsed = _parse(url)
        self.path = Path(parsed.database or "")
        self.driver = driver or choose_driver()
        self._engine = create_engine(
            parsed.set(drivername="sqlite+pysqlite"),
            module=self.driver.module,
            connect_args={"timeout": BUSY_TIMEOUT},
            hide_parameters=True,  # an error's text may be logged, an address may not
        )
        self._reader = self._engine.execution_options(**{_BEGIN: "BEGIN"})
        self._writer = self._engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        self._one_writer = Lock()
        _listen(self._engine, self.driver)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Hold one snapshot; takes no write lock."""
        with _one_line_faults(self.path), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Be the only writer; durable at the end, undone by an exception.

        Threads queue here in order, rather than poll SQLite's lock against each other.
        """
        with self._one_writer, _one_line_faults(self.path), self._writer.begin() as connection:
            yield connection

    def make_folder(self) -> None:
        """Make the folder that the file will lie in."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            reason = fault.strerror or "the folder cannot be made"
            raise DatabaseFault(reason, where=str(self.path.parent)) from fault

    def scrub(self) -> None:
        """Write the file anew, so that no free page or old journal keeps what was deleted.

        ``secure_delete`` alone leaves bytes behind where SQLite moved rows between pages. Writers
        wait meanwhile; it needs room for a second copy.

        Raises:
            DatabaseFault: the database is busy or the disk is full; nothing is lost.
        """
        with self._one_writer, _one_line_faults(self.path), self._engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            try:
                driver.execute("VACUUM")
                busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except self.driver.module.OperationalError as fault:
                raise DatabaseFault(str(fault), where=str(self.path)) from fault
        if busy:
            raise DatabaseFault("somebody reads it for long", where=str(self.path))

    def close(self) -> None:
        """Close every connection; the database may be used again afterwards."""
        self._engine.dispose()


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; those that a unique constraint knows already stay as they are."""
    if rows:
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), rows)


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


def _parse(url: str) -> URL:
    where = "LETTERCOURSE_DATABASE_URL"
    try:
        parsed = make_url(url)
    except ArgumentError as fault:
        remedy = "write sqlite:////absolute/path/to/file.db"
        raise LettercourseError("this is no database URL", where=where, remedy=remedy) from fault
    if parsed.get_backend_name() != "sqlite":
        what = f"{parsed.get_backend_name()} databases cannot be used"
        raise LettercourseError(what, where=where, remedy="use a sqlite:/// URL")
    if parsed.database in (None, "", ":memory:"):
        what = "a database in memory would forget who got what"
        raise LettercourseError(what, where=where, remedy="name a file: sqlite:////path/file.db")
    return parsed


def _listen(engine: Engine, driver: Driver) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing of its own accord
        cursor = connection.cursor()
        for pragma in (*driver.pragmas, "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


@contextmanager
def _one_line_faults(path: Path) -> Iterator[None]:
    try:
        yield
    except DatabaseError as fault:
        if type(fault) not in (DatabaseError, OperationalError):
            raise  # a broken constraint or statement is our own bug
        reason = str(fault.orig)
        remedy = "run: lettercourse migrate" if "no such" in reason else _REMEDIES.get(reason, "")
        raise DatabaseFault(reason, where=str(path), remedy=remedy) from fault


_REMEDIES = {
    "unable to open database file": "the folder must exist and be writable",
    "file is not a database": "point LETTERCOURSE_DATABASE_URL at another file",
    "database is locked": "another process holds it for long; try again",
    "attempt to write a readonly database": "give this user write access to it",
    "database or disk is full": "make room on the disk",
}
