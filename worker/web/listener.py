"""The mail door: LMTP (RFC 2033) or SMTP (RFC 5321) for a mail server that passes mail on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from course.errors import LettercourseError
from worker.inbound import InboundMail
from worker.inbound.authentication import authenticated_domains
from worker.installation import Installation
from worker.receiving import receive

LARGEST_MAIL = 31_457_280
"""Bytes of one mail; announced by SIZE (RFC 1870)."""

FILING = "filing a mail"
"""The name of a task that is waited for at the end."""

_STOP_WITHIN = 2.0
_FAULT = "451 4.3.0 try again later"

logger = logging.getLogger(__name__)


class Listener:
    """Takes mail in a thread that takes no signals; a mail is answered for once it is filed.

    Args:
        installation: stays open for as long as this listens.
        address: ``lmtp://host:port`` or ``smtp://host:port``.
    """

    title = "mail door"

    def __init__(self, installation: Installation, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "", parts.port or 0
        protocol = _Lmtp if parts.scheme == "lmtp" else _Smtp
        self._protocol = partial(protocol, _Desk(installation))
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, name="mail", daemon=True)
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's lines quote mail

    @property
    def port(self) -> int:
        """Return where it listens; real once it was started."""
        return self._port

    def start(self) -> None:
        """Listen, and take mail from now on.

        Raises:
            LettercourseError: somebody else listens there, or nobody can.
        """
        self._socket = _listen(self._host, self._port)
        self._port = self._socket.getsockname()[1]
        self._thread.start()

    def is_alive(self) -> bool:
        """Tell whether it still takes mail."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Take no new mail; those being filed have two seconds, and come again otherwise."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)

    def join(self, until: float) -> bool:
        """Wait for the end until the monotonic instant ``until``; tell whether it came."""
        if self._thread.is_alive():
            self._thread.join(max(until - time.monotonic(), 0.0))
        return not self._thread.is_alive()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        with self._socket:
            self._loop.run_until_complete(self._listen())
            self._loop.close()

    async def _listen(self) -> None:
        server = await self._loop.create_server(self._protocol, sock=self._socket)
        await self._stopping.wait()
        server.close()
        filing = [task for task in asyncio.all_tasks() if task.get_name() == FILING]
        if filing:
            await asyncio.wait(filing, timeout=_STOP_WITHIN)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class _Desk:
    """What is done with the commands of a session; aiosmtpd finds these methods by their names."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._domain = installation.settings.reply_domain

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Take only what is for us: nobody's mail is passed on."""
        if self._domain and address.rpartition("@")[2].lower() != self._domain:
            return "550 5.7.1 this is not where that address gets its mail"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_exception(self, fault: Exception) -> str:
        """Have a mail sent again when the fault is ours; its text may quote the mail."""
        logger.error("a mail session failed: %s", type(fault).__name__)
        return _FAULT

    async def take(self, envelope: Envelope, raw: bytes) -> str:
        """File a mail; return the answer to it."""
        mail = InboundMail(
            raw=raw,
            envelope_from=str(envelope.mail_from or "").strip("<>"),
            envelope_to=tuple(envelope.rcpt_tos),
            authenticated=authenticated_domains(raw, self._installation.settings.authserv_id),
        )
        try:
            await asyncio.to_thread(self._receive, mail)
        except Exception as fault:  # noqa: BLE001 - the mail is not ours until we say so
            logger.error("a mail was not filed: %s", type(fault).__name__)  # noqa: TRY400
            return _FAULT
        return "250 2.0.0 OK"

    def _receive(self, mail: InboundMail) -> None:
        receive(self._installation.receiver(), mail)


class _Smtp(SMTP):
    """One session; a mail's content is taken in one piece, so that odd lines cost nothing."""

    line_length_limit = LARGEST_MAIL + 8

    def __init__(self, desk: _Desk) -> None:
        super().__init__(
            desk,
            data_size_limit=LARGEST_MAIL,
            enable_SMTPUTF8=True,
            hostname="lettercourse",
            ident="mail",
            loop=asyncio.get_running_loop(),
        )
        self._desk = desk

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        """Take a mail and answer for it, once for each recipient in LMTP (RFC 2033, 4.2)."""
        if await self.check_helo_needed():
            return
        envelope = self.envelope
        if arg or envelope is None or not envelope.rcpt_tos:
            await self.push("501 5.5.4 no arguments" if arg else "503 5.5.1 need RCPT first")
            return
        # The line end before the content, so that a lone dot in its first line ends it too.
        self._reader.feed_data(b"\r\n")
        await self.push("354 end with a dot on a line of its own")
        content = await self._content()
        self.envelope = self._create_envelope()
        # A connection that breaks off now leaves the mail to be filed.
        await asyncio.shield(asyncio.create_task(self._finish(envelope, content), name=FILING))

    async def _finish(self, envelope: Envelope, content: bytes | None) -> None:
        """File a mail and answer for it."""
        if content is None:
            answer = "552 5.3.4 this mail is too large"
        else:
            answer = await self._desk.take(envelope, content)
        answers = len(envelope.rcpt_tos) if isinstance(self, LMTP) else 1
        with contextlib.suppress(OSError):
            await self.push("\r\n".join([answer] * answers))

    async def _content(self) -> bytes | None:
        """Return what stands before the lone dot, dots unstuffed; ``None`` when it is too large."""
        too_large, stuffed = False, None
        while stuffed is None:
            try:
                stuffed = await self._reader.readuntil(b"\r\n.\r\n")
            except asyncio.LimitOverrunError as overrun:
                too_large = True
                await self._reader.readexactly(overrun.consumed)
        content = stuffed[:-3].replace(b"\r\n.", b"\r\n")[2:]
        return None if too_large or len(content) > LARGEST_MAIL else content


class _Lmtp(_Smtp, LMTP):
    """The same with LHLO, for a mail server that keeps the queue."""


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise LettercourseError(
            f"the mail door cannot listen there: {reason}",
            where="LETTERCOURSE_INBOUND_LISTEN",
            remedy="choose another port, or stop what listens there",
        ) from None
