"""A mail server that misbehaves on demand and remembers every letter that it took."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedRWPair


@dataclass(frozen=True)
class Drop:
    """Cut the connection; in answer to content after so many lines of it."""

    after_lines: int | None = None


@dataclass(frozen=True)
class Stall:
    """Say nothing more until the server closes."""


@dataclass(frozen=True)
class Drip:
    """Send the answer's first bytes one by one, for ever, in time for any one socket time-out."""

    pause: float


@dataclass(frozen=True)
class Hold:
    """Set ``held`` and give this answer once ``release`` is called."""

    answer: str


Answer = str | Drop | Stall | Drip | Hold
USUAL: Mapping[str, str] = {
    "connect": "220 sink",
    "EHLO": "250-sink\r\n250 SIZE 10000000",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    "content": "250 2.0.0 taken",
    "RSET": "250 ok",
    "NOOP": "250 ok",
    "QUIT": "221 bye",
}


@dataclass(frozen=True)
class Taken:
    """One letter that was answered with 250."""

    sender: str
    recipient: str
    content: bytes


class _Cut(Exception):
    pass


@dataclass
class Sink:
    """Answers ``script[verb]`` in turn, then as usual; verbs count over all connections."""

    script: Mapping[str, Sequence[Answer]] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    verbs: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self._closing = threading.Event()
        self._released = threading.Event()
        self.held = threading.Event()
        self._asked: dict[str, int] = {}
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()

    def release(self) -> None:
        self._released.set()

    def hang_up(self) -> None:
        """Cut every connection, as a server does that was idle for too long."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with self._lock:
                    self.connections += 1
                    self._open.add(connection)
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # Closing flushes, which fails too where the client has hung up.
        with contextlib.suppress(OSError, ValueError, _Cut), connection:
            try:
                with connection.makefile("rwb") as lines:
                    self._talk(lines)
            finally:
                with self._lock:
                    self._open.discard(connection)
                connection.shutdown(socket.SHUT_RDWR)

    def _talk(self, lines: BufferedRWPair) -> None:
        self._answer("connect", lines)
        sender = recipient = ""
        for line in iter(lines.readline, b""):
            text = line.decode().strip()
            verb = text[:4].upper()
            self.verbs.append(verb)
            code = self._answer(verb, lines)
            if verb == "MAIL":
                sender = text.partition("<")[2].partition(">")[0]
            elif verb == "RCPT":
                recipient = text.partition("<")[2].partition(">")[0]
            elif verb == "DATA" and code == "354":
                self._take(sender, recipient, lines)
            elif verb == "QUIT":
                return

    def _take(self, sender: str, recipient: str, lines: BufferedRWPair) -> None:
        answer = self._next("content")
        content = b""
        for number, line in enumerate(iter(lines.readline, b"")):
            if isinstance(answer, Drop) and number == answer.after_lines:
                raise _Cut
            if line == b".\r\n":
                break
            content += line.removeprefix(b".")
        else:
            raise _Cut  # without its final dot nothing is a letter
        code = answer.answer if isinstance(answer, Hold) else answer
        if isinstance(code, str) and code.startswith("2"):
            self.taken.append(Taken(sender, recipient, content))
        self._say(answer, lines)

    def _answer(self, verb: str, lines: BufferedRWPair) -> str:
        return self._say(self._next(verb), lines)

    def _next(self, verb: str) -> Answer:
        with self._lock:
            turn = self._asked.get(verb, 0)
            self._asked[verb] = turn + 1
        script = self.script.get(verb, ())
        return script[turn] if turn < len(script) else USUAL.get(verb, "500 what?")

    def _say(self, answer: Answer, lines: BufferedRWPair) -> str:
        match answer:
            case Drop():
                raise _Cut
            case Stall():
                self._closing.wait(60)
                raise _Cut
            case Drip(pause):
                while not self._closing.wait(pause):
                    lines.write(b"2")
                    lines.flush()
                raise _Cut
            case Hold(text):
                self.held.set()
                self._released.wait(60)
                return self._say(text, lines)
            case text:
                lines.write(text.encode() + b"\r\n")
                lines.flush()
                return text[:3]


@contextlib.contextmanager
def sink(**script: Sequence[Answer]) -> Iterator[Sink]:
    """Run a sink on loopback; keywords are verbs, ``connect`` and ``content``."""
    server = Sink(script)
    try:
        yield server
    finally:
        server.close()
