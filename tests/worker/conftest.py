"""Every store keeps the same contract: tests of it run once for each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.postgresql import PostgresqlServer
from tests.worker.databases import Databases, PostgresqlDatabases, SqliteDatabases
from tests.worker.ledger import MONDAY, World, edition
from worker.store import Store, open_store


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql_databases(
    postgresql: PostgresqlServer, migrated_template: str
) -> PostgresqlDatabases:
    return PostgresqlDatabases(postgresql, migrated_template)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """What makes databases of each kind."""
    made: Databases = request.getfixturevalue(f"{request.param}_databases")
    return made


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """The address of an empty database of each kind, migrated."""
    with databases.lent() as address:
        yield address


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An empty store of each kind."""
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def world(store: Store) -> World:
    """A course of four letters, published on a Monday at 07:00 UTC; nobody takes it yet."""
    store.publish(edition(), MONDAY)
    return World(store)
