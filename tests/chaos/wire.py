"""A wire to PostgreSQL that loses the answers to chosen commits: done there, unknown here."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

GATE = b"INSERT INTO attempts"
SETTLE = b"UPDATE attempts"
COMMITTED = b"COMMIT\0"
"""The server's word for it: CommandComplete's tag (PostgreSQL's manual, 54.7)."""


class Wire:
    """Passes bytes on in both directions, until a commit's answer is one to be lost.

    Attributes:
        port: of loopback, where it stands for the server.
        lost: how many answers it lost so far; the commits were made.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._phrase = b""
        self._left = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, phrase: bytes, times: int) -> None:
        """Lose the answers to the next commits of transactions in which ``phrase`` was said."""
        with self._lock:
            self._phrase, self._left = phrase, times

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                talk = _Talk(self, client, server)
                for pump in (talk.ask, talk.answer):
                    threading.Thread(target=pump, daemon=True).start()

    def _is_to_be_lost(self, said: bytes) -> bool:
        """Tell whether this transaction's commit gets no answer, and count it if so."""
        with self._lock:
            chosen = self._left > 0 and self._phrase in said
            self._left -= chosen
            self.lost += chosen
            return chosen


class _Talk:
    """One connection of a client to the server."""

    def __init__(self, wire: Wire, client: socket.socket, server: socket.socket) -> None:
        self._wire = wire
        self._client = client
        self._server = server
        self._said = b""

    def ask(self) -> None:
        with contextlib.suppress(OSError):
            while asked := self._client.recv(1 << 16):
                self._said = (self._said + asked)[-(1 << 20) :]
                self._server.sendall(asked)
        self._cut()

    def answer(self) -> None:
        with contextlib.suppress(OSError):
            while answered := self._server.recv(1 << 16):
                if COMMITTED in answered:
                    said, self._said = self._said, b""
                    if self._wire._is_to_be_lost(said):
                        break
                self._client.sendall(answered)
        self._cut()

    def _cut(self) -> None:
        for each in (self._client, self._server):
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def wire(server_port: int) -> Iterator[Wire]:
    made = Wire(server_port)
    try:
        yield made
    finally:
        made.close()
