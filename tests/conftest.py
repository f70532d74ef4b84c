"""Servers that more than one room's tests use; each test process starts its own, once."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.servers.postgresql import PostgresqlServer
from worker.store import open_store


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A running PostgreSQL; what is written to it does not outlive a power cut."""
    folder = Path(mkdtemp())
    folder.chmod(0o755)
    server = PostgresqlServer(folder / "postgresql")
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def migrated_template(postgresql: PostgresqlServer) -> str:
    """The name of a migrated database that nobody uses, to be copied."""
    name = postgresql.create()
    store = open_store(postgresql.url(name))
    store.migrate()
    store.close()
    return name


@pytest.fixture
def postgresql_url(postgresql: PostgresqlServer, migrated_template: str) -> Iterator[str]:
    """The address of a migrated database for one test alone."""
    name = postgresql.create(migrated_template)
    yield postgresql.url(name)
    postgresql.drop(name)


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Whatever a test lets be logged, and where to, is as it was when it ends."""
    loggers = [logging.getLogger(name) for name in (None, "worker", "course", "sqlalchemy")]
    before = [(each, each.level, each.handlers[:]) for each in loggers]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers
