"""As many databases of each kind as tests need, made within milliseconds by copying one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from shutil import copyfile, rmtree
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import make_url

from tests.servers.postgresql import PostgresqlServer
from worker.pseudonyms import Pseudonyms
from worker.store import Store, open_store
from worker.store.engine import Database
from worker.store.sqlite import SqliteDatabase, choose_driver

HASTY = replace(choose_driver(), pragmas=("journal_mode=MEMORY", "synchronous=OFF"))
"""SQLite that waits for no disk: for tests in which workers die, not machines."""


class Databases(ABC):
    """Makes databases of one kind; ``kind`` is its name in SQLAlchemy."""

    kind: str

    @abstractmethod
    def copy(self, of: str | None = None) -> str:
        """Return the address of a copy of a database that nobody uses; by default an empty one.

        Every database is migrated.
        """

    @abstractmethod
    def bare(self) -> str:
        """Return the address of a new database in which there is nothing at all."""

    @abstractmethod
    def remove(self, address: str) -> None:
        """Remove a database."""

    @abstractmethod
    def away(self, address: str) -> AbstractContextManager[None]:
        """Let nobody reach a database for as long as the block takes; ends every connection."""

    @abstractmethod
    def content(self, address: str) -> bytes:
        """Return all that lies in a database's files; nobody is connected to it any more."""

    def hasty(self, address: str) -> Database:
        """Return a database that waits for no disk."""
        return open_store(address)._database

    def open(self, address: str, pseudonyms: Pseudonyms | None = None) -> Store:
        """Return a store that waits for no disk."""
        return Store(self.hasty(address), pseudonyms)

    @contextmanager
    def lent(self, of: str | None = None) -> Iterator[str]:
        """Lend a copy's address for as long as the block takes."""
        address = self.copy(of)
        try:
            yield address
        finally:
            self.remove(address)


class SqliteDatabases(Databases):
    """SQLite files, each in a folder of its own below one."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._empty = self._file()
        store = self.open(f"sqlite:///{self._empty}")
        store.migrate()
        store.close()

    def copy(self, of: str | None = None) -> str:
        file = self._file()
        copyfile(self._empty if of is None else Path(make_url(of).database or ""), file)
        return f"sqlite:///{file}"

    def bare(self) -> str:
        return f"sqlite:///{self._file()}"

    def remove(self, address: str) -> None:
        rmtree(Path(make_url(address).database or "").parent)

    def content(self, address: str) -> bytes:
        file = Path(make_url(address).database or "")
        return b"".join(each.read_bytes() for each in sorted(file.parent.glob(f"{file.name}*")))

    @contextmanager
    def away(self, address: str) -> Iterator[None]:
        file = Path(make_url(address).database or "")
        elsewhere = file.with_suffix(".away")
        file.rename(elsewhere)
        file.mkdir()
        try:
            yield
        finally:
            file.rmdir()
            elsewhere.rename(file)

    def hasty(self, address: str) -> Database:
        return SqliteDatabase(address, HASTY)

    def _file(self) -> Path:
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        return folder / "ledger.db"


class PostgresqlDatabases(Databases):
    """Databases on one server."""

    kind = "postgresql"

    def __init__(self, server: PostgresqlServer, empty: str) -> None:
        self._server = server
        self._empty = empty

    def copy(self, of: str | None = None) -> str:
        template = self._empty if of is None else make_url(of).database or ""
        return self._server.url(self._server.create(template))

    def bare(self) -> str:
        return self._server.url(self._server.create())

    def remove(self, address: str) -> None:
        self._server.drop(make_url(address).database or "")

    @contextmanager
    def away(self, address: str) -> Iterator[None]:
        name = make_url(address).database or ""
        self._server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        self._server.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        try:
            yield
        finally:
            self._server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')

    def content(self, address: str) -> bytes:
        return self._server.content(make_url(address).database or "")


def query(store: Store, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """Run a statement in SQL that every kind of database understands; return its rows, if any."""
    with store._database.writing() as connection:
        found = connection.execute(text(statement), values)
        return [tuple(row) for row in found] if found.returns_rows else []
