from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.valkey import start_valkey


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """Run a real Valkey and return its address."""
    server = start_valkey(tmp_path / "valkey")
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop()
