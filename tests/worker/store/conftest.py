"""Every store keeps the same contract: tests of it run once for each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.ledger import MONDAY, World, edition
from worker.store import Store, open_store


@pytest.fixture(params=["sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind, migrated."""
    assert request.param == "sqlite"
    opened = open_store(f"sqlite:///{tmp_path}/ledger.db")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def world(store: Store) -> World:
    """A course of four letters, published on a Monday at 07:00 UTC; nobody takes it yet."""
    store.publish(edition(), MONDAY)
    return World(store)
