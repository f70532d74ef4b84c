"""POSTs over kept connections, each with one deadline over everything and no second try."""

from __future__ import annotations

import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpcore

from course.errors import LettercourseError, one_line

_FRESH = 4.0
"""Seconds that connecting may take before the gate of a letter is too old for its first byte."""

_IDLE = 15.0
"""Seconds after which an unused connection is not trusted any more."""

_CHUNK = 16_384
_LONGEST_ANSWER = 1 << 18
_KEY = re.compile("[!-~]+")
_FAULTS = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.ConnectionNotAvailable,
)


class NotSent(Exception):
    """The service cannot have the letter: no byte of the request's body was sent."""


class Lost(Exception):
    """The service may have the letter: its answer never came, or made no sense."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case, the body cut off when it is very long."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Posts JSON to one address with one key.

    Thread-safe: each post takes an idle connection or makes one. Connections belong to the
    process that made them; one that was forked off makes its own.

    Args:
        url: where to, ``https`` or ``http``.
        api_key: goes along as bearer token, and nowhere else.
        deadline: seconds that one post may take in all.
    """

    def __init__(self, url: str, api_key: str, *, deadline: float) -> None:
        if not _KEY.fullmatch(api_key):
            raise LettercourseError(
                "the API key holds what no key holds",
                where="LETTERCOURSE_SENDGRID_API_KEY",
                remedy="copy it again, without quotes and spaces",
            )
        self._url = url
        self._api_key = api_key
        self._headers: list[tuple[bytes | str, bytes | str]] = [
            ("Host", urlsplit(url).netloc),
            ("Authorization", f"Bearer {api_key}"),
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
            ("User-Agent", "lettercourse"),
        ]
        self._deadline = deadline
        self._time = _Time()
        self._context = ssl.create_default_context()
        self._pool = self._new_pool()
        self._process = os.getpid()

    def post(self, body: bytes) -> Answer:
        """Post once; a redirect is an answer like any other.

        Raises:
            NotSent: nothing of ``body`` was sent.
            Lost: something of it was, and there is no answer.
        """
        if self._process != os.getpid():
            self._pool, self._process = self._new_pool(), os.getpid()
        started = time.monotonic()
        self._time.connected_by = started + min(_FRESH, self._deadline)
        self._time.done_by = started + self._deadline
        content = _Body(body)
        headers = [*self._headers, ("Content-Length", str(len(body)))]
        try:
            request = httpcore.Request("POST", self._url, headers=headers, content=content)
            response = self._pool.handle_request(request)
        except _FAULTS as fault:
            if content.begun:
                raise Lost(f"after the content: {_fault_name(fault)}") from None
            raise NotSent(f"before the content: {_fault_name(fault)}") from None
        try:
            said = _read(response.stream)
        finally:
            response.close()
        said = said.replace(self._api_key.encode(), b"<key>")
        return Answer(response.status, _texts(response.headers), said)

    def close(self) -> None:
        """Let go of idle connections; the transport may be used again afterwards."""
        pool, self._pool = self._pool, self._new_pool()
        pool.close()

    def _new_pool(self) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=self._context,
            max_connections=None,
            keepalive_expiry=_IDLE,
            network_backend=_Backend(self._time),
        )


class _Time(threading.local):
    """Until when this thread's present post has time, on the monotonic clock, in seconds."""

    connected_by = 0.0
    done_by = 0.0


class _Body:
    """A request's content that knows whether anybody began to send it."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.begun = False

    def __iter__(self) -> Iterator[bytes]:
        self.begun = True
        yield self._content


class _Backend(httpcore.NetworkBackend):
    """Connects within the time left, whichever of a name's addresses do not answer."""

    def __init__(self, until: _Time) -> None:
        self._until = until
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - ours is over everything
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as fault:
            raise httpcore.ConnectError(fault) from fault
        refused: Exception = httpcore.ConnectError("no address")
        for *_, address in found:
            try:
                left = _left(self._until.connected_by, httpcore.ConnectTimeout)
                stream = self._sockets.connect_tcp(
                    str(address[0]), port, left, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as fault:
                refused = fault
            else:
                return _Stream(stream, self._until)
        raise refused


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline, however slowly the other side drips."""

    def __init__(self, stream: httpcore.NetworkStream, until: _Time) -> None:
        self._stream = stream
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        left = _left(self._until.done_by, httpcore.ReadTimeout)
        return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        for start in range(0, len(buffer), _CHUNK):
            left = _left(self._until.done_by, httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + _CHUNK], left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        left = _left(self._until.connected_by, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(until: float, late: Callable[[str], Exception]) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise late("deadline passed")
    return left


def _read(stream: Any) -> bytes:
    """Return the body as far as it comes: the status has said already what counts."""
    said = b""
    try:
        for chunk in stream:
            said += chunk
            if len(said) > _LONGEST_ANSWER:
                break
    except _FAULTS:
        pass
    return said


def _texts(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def _fault_name(fault: Exception) -> str:
    """Name a fault of the network in words that hold nothing of the letter."""
    cause = fault.args[0] if fault.args and isinstance(fault.args[0], Exception) else fault
    match cause:
        case ssl.SSLCertVerificationError(verify_message=str(reason)):
            return one_line(reason)[:120]
        case OSError(strerror=str(reason)) if reason:
            return one_line(reason)[:120]
        case TimeoutError() | httpcore.TimeoutException():
            return "no answer in time"
        case httpcore.RemoteProtocolError():
            return "the answer makes no sense, or the connection was closed"
    return type(cause).__name__
