"""A bare HTTP/1.1 server on loopback that can misbehave on the wire as no framework lets one.

It knows requests with ``Content-Length``, keep-alive, and the faults below. What a request means
is the business of the function it is given.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """One request, read whole; header names in lower case.

    ``connection`` counts connections from 1, so that a test sees which requests shared one.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Peer", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True)
class CutBefore:
    """Reset the connection when a request's head has come; the request is not handled."""


@dataclass(frozen=True)
class CutAfter:
    """Handle the request, then cut the connection instead of answering; by default a reset."""

    reset: bool = True


@dataclass(frozen=True)
class Late:
    """Handle the request and answer so many seconds later."""

    seconds: float


@dataclass(frozen=True)
class Drip:
    """Handle the request and send the answer one byte at a time, with a pause before each."""

    pause: float


@dataclass(frozen=True)
class Stall:
    """Handle the request and never answer."""


@dataclass(frozen=True)
class Deaf:
    """Stop reading at the request's head: a body larger than the buffers never gets through."""


@dataclass(frozen=True)
class Say:
    """Answer with these bytes; the request is handled first if ``handled``."""

    raw: bytes
    handled: bool = False


@dataclass(frozen=True)
class Refuse:
    """Answer with this status and do not handle the request."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Fault = CutBefore | CutAfter | Late | Drip | Stall | Deaf | Say | Refuse


class Loopback:
    """Serves ``handle`` on a port of its own, in a thread, until it is stopped.

    Attributes:
        latency: seconds added to every answer.
        hang_up: close the connection right after each answer, without saying so before.
        connections: how many were ever made.
    """

    def __init__(self, handle: Callable[[Request], Answer]) -> None:
        self.latency = 0.0
        self.hang_up = False
        self.connections = 0
        self.port = 0
        self._handle = handle
        self._faults: deque[Fault | None] = deque()
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()
        self._listening.wait()

    def stop(self) -> None:
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def meet(self, *faults: Fault | None) -> None:
        """Let the next requests meet these, one each; ``None`` leaves one alone."""
        self._faults.extend(faults)

    def drop_idle(self) -> None:
        """Close every connection, as a server does that was idle for too long; return after it."""
        done = threading.Event()

        def close() -> None:
            for writer in tuple(self._open):
                writer.close()
            self._loop.call_later(0.02, done.set)

        self._loop.call_soon_threadsafe(close)
        done.wait()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        serve = asyncio.start_server(self._serve, sock=listener, limit=1 << 16)
        server = self._loop.run_until_complete(serve)
        self._listening.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for writer in tuple(self._open):
                writer.transport.abort()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        number = self.connections
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._exchange(reader, writer, number):
                pass
        self._open.discard(writer)
        writer.close()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> bool:
        """Read and answer one request; return whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fault = self._faults.popleft() if self._faults else None
        if isinstance(fault, CutBefore):
            _reset(writer)
            return False
        if isinstance(fault, Deaf):
            await asyncio.Event().wait()
        request = await _read(head, reader, number)
        if isinstance(fault, Refuse):
            answer = Answer(fault.status, fault.body, fault.headers)
        elif isinstance(fault, Say) and not fault.handled:
            answer = Answer(0)
        else:
            answer = self._handle(request)
        if isinstance(fault, CutAfter):
            if fault.reset:
                _reset(writer)
            return False
        return await self._answer(writer, answer, fault) and _stays(request, answer)

    async def _answer(
        self, writer: asyncio.StreamWriter, answer: Answer, fault: Fault | None
    ) -> bool:
        pause = fault.seconds if isinstance(fault, Late) else self.latency
        if pause:
            await asyncio.sleep(pause)
        match fault:
            case Stall():
                await asyncio.Event().wait()
            case Drip(between):
                for byte in answer.encode():
                    await asyncio.sleep(between)
                    writer.write(bytes([byte]))
                    await writer.drain()
            case Say(raw):
                writer.write(raw)
                await writer.drain()
                return False
            case _:
                writer.write(answer.encode())
                await writer.drain()
        return not self.hang_up


async def _read(head: str, reader: asyncio.StreamReader, number: int) -> Request:
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body, number)


def _stays(request: Request, answer: Answer) -> bool:
    return "close" not in (request.headers.get("connection"), answer.headers.get("Connection"))


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset instead of a goodbye."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
