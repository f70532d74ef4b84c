"""Servers that measurements need, each a process of its own on a free port of loopback."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from bench.programs import module
from tests.servers.ports import free_port
from tests.servers.postgresql import PostgresqlServer
from tests.servers.valkey import start_valkey


@dataclass(frozen=True)
class Servers:
    """A running PostgreSQL that syncs every commit to the disk, and a running Valkey."""

    postgresql: PostgresqlServer
    valkey_port: int
    valkey_pid: int

    @property
    def broker(self) -> str:
        """Return Valkey's address as the settings take it."""
        return f"redis://127.0.0.1:{self.valkey_port}/0"

    def listeners(self) -> int:
        """Return how many workers wait for a doorbell at this moment."""
        with Redis(port=self.valkey_port) as client:
            return sum(each["cmd"] == "brpop" for each in client.client_list())

    @property
    def pids(self) -> dict[str, int]:
        """Return who they are, to be asked what they cost."""
        return {"postgresql": self.postgresql.pid, "valkey": self.valkey_pid}


@contextmanager
def folder() -> Iterator[Path]:
    """Lend a folder that everybody may look into, as PostgreSQL does not run as root."""
    with tempfile.TemporaryDirectory(prefix="lettercourse-bench-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def postgresql(place: Path) -> Iterator[PostgresqlServer]:
    """Run a PostgreSQL with everything that makes a commit outlive a power cut."""
    server = PostgresqlServer(place / "postgresql", durable=True)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def servers(place: Path) -> Iterator[Servers]:
    """Run a PostgreSQL and a Valkey."""
    with postgresql(place) as database:
        broker = start_valkey(place / "valkey")
        try:
            with Redis(port=broker.port) as client:
                pid = int(client.info("server")["process_id"])
            yield Servers(database, broker.port, pid)
        finally:
            broker.stop()


@contextmanager
def far(port: int, milliseconds: float, place: Path) -> Iterator[int]:
    """Put a round trip of so long before a port; yield the port that has it."""
    near = free_port()
    with module("bench.delay", near, port, milliseconds, log=place / "delay.log") as started:
        started.wait_for("ready")
        yield near
