"""A mail server that answers as it is told, in whatever pieces, and remembers what it did."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

DROP = "drop"
"""Instead of an answer: close the connection; behind one: answer, then close."""

USUAL: Mapping[str, str] = {
    "connect": "220 here",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    "content": "250 taken",
    "RSET": "250 ok",
    "NOOP": "250 ok",
    "QUIT": "221 bye",
}


@dataclass
class Seen:
    """What happened to one letter, over all connections.

    Attributes:
        leaves: how often leave for its content was given.
        begun: how often any of it came.
        answers: to its content, in full; empty text where the connection was closed instead.
    """

    leaves: int = 0
    begun: int = 0
    answers: list[tuple[str, bytes]] = field(default_factory=list)


class Script:
    """A server on loopback.

    Args:
        answers: by verb, ``connect`` and ``content``, in turn over all connections; then as usual.
        pipelining: whether it is offered.
        merged: answers wait until there is nothing more to read, and come in one packet.
        split: each byte of an answer is a packet of its own.
        reluctant: so many letters are answered only once the next one's envelope is there.
    """

    def __init__(
        self,
        answers: Mapping[str, Sequence[str]],
        *,
        pipelining: bool = True,
        merged: bool = False,
        split: bool = False,
        reluctant: int = 0,
    ) -> None:
        self.reluctant = reluctant
        self.seen: dict[str, Seen] = {}
        self.connections = 0
        self._answers = {verb: list(turns) for verb, turns in answers.items()}
        extension = "250-PIPELINING\r\n" if pipelining else ""
        self._hello = f"250-here\r\n{extension}250 SIZE 10000000"
        self._merged = merged
        self._split = split
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Stop, and wait until nothing more can be seen."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def next(self, verb: str) -> str:
        with self._lock:
            turns = self._answers.get(verb)
            return turns.pop(0) if turns else USUAL.get(verb, "500 what?")

    def letter(self, recipient: str) -> Seen:
        with self._lock:
            return self.seen.setdefault(recipient, Seen())

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                self._open.append(connection)
                thread = threading.Thread(target=self._serve, args=[connection], daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), connection:
            _Conversation(self, connection, self._hello, self._merged, self._split).hold()


class _Conversation:
    def __init__(
        self, script: Script, connection: socket.socket, hello: str, merged: bool, split: bool
    ) -> None:
        self._script = script
        self._connection = connection
        self._hello = hello
        self._merged = merged
        self._split = split
        self._came = b""
        self._unsaid = b""
        self._in_transaction = False

    def hold(self) -> None:
        self._say(self._script.next("connect"))
        recipient = ""
        while True:
            line = self._line().decode()
            verb = line[:4].upper()
            if verb == "MAIL" and self._in_transaction:
                self._say("503 5.5.1 nested MAIL")
                continue
            answer = self._hello if verb == "EHLO" else self._script.next(verb)
            if verb in {"MAIL", "RSET"}:
                recipient = ""
                self._in_transaction = verb == "MAIL" and answer.startswith("2")
            if verb == "RCPT" and answer.startswith("2"):
                recipient = line.partition("<")[2].partition(">")[0]
            takes = verb == "DATA" and answer.startswith("3")
            seen = self._script.letter(recipient) if recipient else Seen()
            if takes:
                seen.leaves += 1
            self._say(answer)
            if takes:
                self._take(seen)
                self._in_transaction = False
                recipient = ""
            if verb == "QUIT":
                raise EOFError

    def _take(self, seen: Seen) -> None:
        content, line = b"", self._line()
        seen.begun += 1
        while line != b".\r\n":
            content += line.removeprefix(b".")
            line = self._line()
        answer = self._script.next("content")
        said = answer.partition(DROP)[0]
        if self._script.reluctant:
            self._script.reluctant -= 1
            self._await_line()
        # Noted before it is said: whoever reads the answer may look here at once.
        seen.answers.append((said, content))
        self._say(answer)

    def _await_line(self) -> None:
        while b"\n" not in self._came:
            self._flush()
            more = self._connection.recv(1 << 16)
            if not more:
                raise EOFError
            self._came += more

    def _line(self) -> bytes:
        self._await_line()
        line, end, self._came = self._came.partition(b"\n")
        return line + end

    def _say(self, answer: str) -> None:
        text, drop, _ = answer.partition(DROP)
        if text:
            self._unsaid += f"{text}\r\n".encode()
        if drop:
            self._flush()
            raise EOFError
        if not self._merged:
            self._flush()

    def _flush(self) -> None:
        unsaid, self._unsaid = self._unsaid, b""
        if not self._split:
            self._connection.sendall(unsaid)
            return
        for byte in unsaid:
            self._connection.sendall(bytes([byte]))


@contextlib.contextmanager
def script(answers: Mapping[str, Sequence[str]], **how: Any) -> Iterator[Script]:
    """Run a server; see :class:`Script`."""
    server = Script(answers, **how)
    try:
        yield server
    finally:
        server.close()
