"""One connection to a mail server: where it is, TLS, login, and a deadline over everything."""

from __future__ import annotations

import io
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from course.errors import LettercourseError
from worker.providers.smtp_loop import READABLE, WRITABLE, Steps, Wait

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_CHUNK = 4096
_RECORD = 16_384


class Starttls(StrEnum):
    """When a plain connection is turned into an encrypted one."""

    OFFERED = "offered"
    REQUIRED = "required"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server as ``SMTP_URL`` names it.

    Attributes:
        tls: encrypted from the first byte (``smtps://``).
        starttls: what to do about encryption otherwise.
        cafile: certificates to trust instead of the system's; empty for the system's.
    """

    host: str
    port: int
    user: str = ""
    password: str = ""
    tls: bool = False
    starttls: Starttls = Starttls.OFFERED
    cafile: str = ""

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port})"


def read_server(url: str) -> Server:
    """Read ``smtp[s]://[user:password@]host[:port][?starttls=offered|required|never&cafile=PATH]``.

    Ports default to 465 (``smtps``), 587 (with a login) and 25. A login asks for encryption
    unless the server is this machine, so that nobody on the way can strip it and read the
    password (RFC 8314, section 3).

    Raises:
        LettercourseError: the address cannot be used; the password is not repeated.
    """
    try:
        return _parse(url)
    except ValueError:
        raise LettercourseError(
            "the mail server's address cannot be read",
            where="LETTERCOURSE_SMTP_URL",
            remedy="write smtp://user:password@host:port, in ASCII, with % escapes in the password",
        ) from None


def _parse(url: str) -> Server:
    parts = urlsplit(url)
    options = parse_qs(parts.query, strict_parsing=bool(parts.query))
    host, user, password = parts.hostname or "", parts.username or "", parts.password or ""
    host.encode("idna")
    login = (unquote(user), unquote(password))
    if not host or parts.scheme not in {"smtp", "smtps"} or not "".join(login).isascii():
        raise ValueError("scheme, host or login")
    if unknown := set(options) - {"starttls", "cafile"}:
        raise ValueError(unknown)
    guarded = Starttls.REQUIRED if user and not _is_this_machine(host) else Starttls.OFFERED
    return Server(
        host=host,
        port=parts.port or (465 if parts.scheme == "smtps" else 587 if user else 25),
        user=login[0],
        password=login[1],
        tls=parts.scheme == "smtps",
        starttls=Starttls(options.get("starttls", [guarded])[0]),
        cafile=options.get("cafile", [""])[0],
    )


class Session(smtplib.SMTP):
    """A connection whose every wait ends at ``until``, however slowly the server drips.

    Attributes:
        until: on the monotonic clock, in seconds; moved forward for each letter.
    """

    def __init__(self, server: Server, until: float, context: ssl.SSLContext | None = None) -> None:
        self.until = until
        tls = {"context": context} if context else {}
        super().__init__(
            server.host,
            server.port,
            local_hostname=_own_name(),
            timeout=self.remaining(),
            **tls,  # type: ignore[arg-type]
        )

    def remaining(self) -> float:
        """Return the seconds left, never none: a socket without time would not block at all."""
        return max(self.until - time.monotonic(), 0.001)

    def send(self, s: ReadableBuffer | str) -> None:
        """Send within the time left."""
        self.write(s.encode(self.command_encoding) if isinstance(s, str) else bytes(s))

    def write(self, data: bytes) -> None:
        """Send all of ``data`` within the time left; TLS would give each record that long."""
        sock = self._connected()
        step = _RECORD if isinstance(sock, ssl.SSLSocket) else len(data)
        for start in range(0, len(data), step):
            sock.settimeout(self._left())
            sock.sendall(data[start : start + step])

    def read(self) -> bytes:
        """Return what has come, at the latest when the time is over; nothing when it is shut."""
        sock = self._connected()
        sock.settimeout(self._left())
        return sock.recv(_CHUNK)

    def go_without_waiting(self) -> None:
        """Talk by :meth:`say` and :meth:`hear` from now on: nothing else waits rightly any more."""
        self._connected().settimeout(0)

    def say(self, data: bytes) -> Steps[None]:
        """Send all of ``data`` within the time left."""
        sock, rest = self._connected(), memoryview(data)
        while rest:
            self._hurry()
            try:
                rest = rest[sock.send(rest) :]
            except ssl.SSLWantReadError:
                yield Wait(sock.fileno(), READABLE, self.until)
            except (BlockingIOError, ssl.SSLWantWriteError):
                yield Wait(sock.fileno(), WRITABLE, self.until)

    def hear(self) -> Steps[bytes]:
        """Return what comes within the time left; nothing when the connection is shut."""
        sock = self._connected()
        if not (isinstance(sock, ssl.SSLSocket) and sock.pending()):
            yield Wait(sock.fileno(), READABLE, self.until)
        while True:
            self._hurry()
            try:
                return sock.recv(_CHUNK)
            except ssl.SSLWantWriteError:
                yield Wait(sock.fileno(), WRITABLE, self.until)
            except (BlockingIOError, ssl.SSLWantReadError):
                yield Wait(sock.fileno(), READABLE, self.until)

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply within the time left."""
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_TimedReader(self))
        return super().getreply()

    def send_at_once(self) -> None:
        """Have the kernel not wait for more before it sends the rest of a write."""
        self._connected().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _connected(self) -> socket.socket:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is shut")
        return self.sock

    def _left(self) -> float:
        self._hurry()
        return self.remaining()

    def _hurry(self) -> None:
        if time.monotonic() >= self.until:
            raise TimeoutError("deadline passed")


class TlsSession(Session, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


class _TimedReader(io.RawIOBase):
    def __init__(self, session: Session) -> None:
        self._session = session

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        came = self._session.read()
        memoryview(buffer)[: len(came)] = came
        return len(came)


def trusted_certificates(server: Server) -> ssl.SSLContext:
    """Return what certificates are verified against: always, and with the host's name.

    Raises:
        LettercourseError: ``cafile`` cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=server.cafile or None)
    except OSError as fault:
        raise LettercourseError(
            "the file of trusted certificates cannot be read",
            where=f"LETTERCOURSE_SMTP_URL cafile={server.cafile}",
            remedy=fault.strerror or "give a file of PEM certificates",
        ) from None


def connect(server: Server, context: ssl.SSLContext, until: float) -> Session:
    """Connect, encrypt and log in, until the monotonic instant ``until``.

    Raises:
        OSError: no connection, or no trust in the server's certificate.
        smtplib.SMTPException: the server turned us away.
    """
    if server.tls:
        session: Session = TlsSession(server, until, context)
    else:
        session = Session(server, until)
    try:
        session.ehlo_or_helo_if_needed()
        session.send_at_once()
        if not server.tls:
            _encrypt(session, server, context)
        if server.user:
            session.login(server.user, server.password)
    except BaseException:
        session.close()
        raise
    return session


def _encrypt(session: Session, server: Server, context: ssl.SSLContext) -> None:
    if server.starttls is Starttls.NEVER:
        return
    if session.has_extn("starttls"):
        session.starttls(context=context)
        session.ehlo_or_helo_if_needed()
    elif server.starttls is Starttls.REQUIRED:
        raise smtplib.SMTPNotSupportedError("the server does not offer STARTTLS")


def _own_name() -> str:
    """Name ourselves without asking the network, which may take seconds (RFC 5321, 4.1.3)."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
