"""SQLite: a safe journal, and transactions that lose no update.

SQLite loses updates with Python's default transactions (a read takes no lock, the write comes
later), so ours begin explicitly: writers with ``BEGIN IMMEDIATE``, readers with ``BEGIN``.
"""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError, OperationalError

from course.errors import LettercourseError
from worker.errors import DatabaseFault

BUSY_TIMEOUT = 30.0
"""Seconds a transaction waits for the one writer that SQLite allows."""


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


class SqliteDatabase:
    """One SQLite file; every use of it is a transaction that reads or one that writes."""

    def __init__(self, url: str, driver: Driver | None = None) -> None:
        """Prepare, without touching the file.

        Raises:
            LettercourseError: a URL that names no file.
        """
        parsed = _file(url)
        self.path = Path(parsed.database or "")
        self.where = str(self.path)
        self.driver = driver or choose_driver()
        self.engine = create_engine(
            parsed.set(drivername="sqlite+pysqlite"),
            module=self.driver.module,
            connect_args={"timeout": BUSY_TIMEOUT},
            hide_parameters=True,  # an error's text may be logged, an address may not
        )
        self._one_writer = Lock()
        _listen(self.engine, self.driver)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Hold one snapshot; takes no write lock."""
        with _one_line_faults(self.path), self.engine.begin() as connection:
            connection.exec_driver_sql("BEGIN")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Be the only writer; durable at the end, undone by an exception.

        Threads queue here in order, rather than poll SQLite's lock against each other.
        """
        with self._turn(), _one_line_faults(self.path), self.engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def exists(self) -> bool:
        """Tell whether the file is there."""
        return self.path.exists()

    def prepare(self) -> None:
        """Make the folder that the file will lie in."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            reason = fault.strerror or "the folder cannot be made"
            raise DatabaseFault(reason, where=str(self.path.parent)) from fault

    def clock(self) -> None:
        """Return ``None``: the file lies on this machine and has no clock of its own."""

    def file(self) -> str:
        """Return which file lies at the path; another one put in its place differs."""
        try:
            found = self.path.stat()
        except OSError:
            return "none"
        return f"{found.st_dev}:{found.st_ino}"

    def scrub(self) -> None:
        """Write the file anew, so that no free page or old journal keeps what was deleted.

        ``secure_delete`` alone leaves bytes behind where SQLite moved rows between pages. Writers
        wait meanwhile; it needs room for a second copy.

        Raises:
            DatabaseFault: the database is busy or the disk is full; nothing is lost.
        """
        with self._turn(), _one_line_faults(self.path), self.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            try:
                driver.execute("VACUUM")
                busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except self.driver.module.OperationalError as fault:
                raise DatabaseFault(str(fault), where=str(self.path)) from fault
        if busy:
            raise DatabaseFault("somebody reads it for long", where=str(self.path))

    def copy_to(self, file: Path) -> None:
        """Copy the database as it is at this moment into a new file.

        Raises:
            DatabaseFault: the disk is full; the file is not whole then.
        """
        with _one_line_faults(self.path), self.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            copy = self.driver.module.connect(file)
            try:
                driver.backup(copy)
            except self.driver.module.DatabaseError as fault:
                raise DatabaseFault(str(fault), where=str(file)) from fault
            finally:
                copy.close()

    def make_single(self) -> None:
        """Leave nothing of the database outside of its file, until it is opened the next time."""
        with _one_line_faults(self.path), self.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA journal_mode=DELETE")
        self.close()

    def close(self) -> None:
        """Close every connection; the database may be used again afterwards."""
        self.engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Be the only thread that writes; whoever waits too long gives up."""
        if not self._one_writer.acquire(timeout=BUSY_TIMEOUT):
            raise DatabaseFault(
                "another transaction writes for long", where=self.where, remedy="try again"
            )
        try:
            yield
        finally:
            self._one_writer.release()


def _file(url: str) -> URL:
    parsed = make_url(url)
    if parsed.database in (None, "", ":memory:"):
        raise LettercourseError(
            "a database in memory would forget who got what",
            where="LETTERCOURSE_DATABASE_URL",
            remedy="name a file: sqlite:////path/file.db",
        )
    return parsed


def _listen(engine: Engine, driver: Driver) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing of its own accord
        cursor = connection.cursor()
        for pragma in (*driver.pragmas, "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


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
