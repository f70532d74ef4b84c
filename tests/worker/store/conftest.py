"""What tests of the store share beside the databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.store.going_back import House


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """An installation of each kind whose hosts keep journals."""
    built = House(database_url, tmp_path)
    yield built
    built.stop()
