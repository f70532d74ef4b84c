"""The floor: one letter's bytes, again and again, by a client that does nothing else.

``python -m bench.plain_client PORT CONNECTIONS COUNT FILE`` says ``ready`` once it is connected,
begins at a line on its standard input, and ends with that, so that its cost can be read first.
One thread a connection with plain blocking sockets. MAIL, RCPT and DATA go out together, behind the
final dot of the letter before (RFC 2920): a letter costs one round trip, and of each connection one
letter at most is without an answer.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

ENVELOPE = b"MAIL FROM:<ada@example.org>\r\nRCPT TO:<person%d@example.org>\r\nDATA\r\n"
ANSWERS = 3
"""To an envelope; one more to a letter."""


def connect(port: int) -> socket.socket:
    """Return a connection that has said hello."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _replies(connection, 1)
    connection.sendall(b"EHLO bench.example.org\r\n")
    while b"250 " not in connection.recv(4096):
        pass
    return connection


def send(connection: socket.socket, numbers: Iterator[int], content: bytes) -> None:
    """Hand over one copy for every number that is left."""
    number = next(numbers, None)
    if number is None:
        return
    connection.sendall(ENVELOPE % number)
    _replies(connection, ANSWERS)
    while number is not None:
        number = next(numbers, None)
        envelope = b"" if number is None else ENVELOPE % number
        connection.sendall(content + envelope)
        _replies(connection, 1 if number is None else 1 + ANSWERS)


def _replies(connection: socket.socket, count: int) -> None:
    """Read so many replies of one line each; all of them are good ones."""
    answer = b""
    while answer.count(b"\n") < count:
        piece = connection.recv(4096)
        assert piece, "the sink hung up"
        answer += piece
    assert all(line[:1] in b"23" for line in answer.splitlines()), answer


def main() -> None:
    port, width, count = (int(argument) for argument in sys.argv[1:4])
    mime = Path(sys.argv[4]).read_bytes()
    content = mime.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n"
    numbers = iter(range(count))
    connections = [connect(port) for _ in range(width)]
    print("ready", flush=True)
    sys.stdin.readline()
    threads = [Thread(target=send, args=[each, numbers, content]) for each in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdin.read()


if __name__ == "__main__":
    main()
