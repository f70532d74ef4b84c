"""Letters to a mail server; what its answers mean for promise 2 (nobody gets a letter twice)."""

from __future__ import annotations

import contextlib
import re
import smtplib
import threading
import time
from collections.abc import Collection, Sequence

from course.errors import one_line
from worker.model import Message, Outcome, Verdict
from worker.providers.smtp_session import Session, connect, read_server, trusted_certificates
from worker.providers.words import without_people
from worker.refusals import blames_the_address

_FAULTS = (OSError, smtplib.SMTPException)
_IDLE = 5.0
"""Seconds after which a kept connection is asked whether it is still there."""

_FRESH = 4.0
"""Seconds that connecting may take before the gate of a letter is too old for its first byte."""

_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


class _Turned(Exception):
    """The server's definite no to a command; nothing of the letter was handed over."""

    def __init__(self, verb: str, code: int, text: bytes) -> None:
        super().__init__(verb, code)
        self.verb = verb
        self.code = code
        self.text = text

    def is_about_the_connection(self) -> bool:
        """Whether a new connection may do better: it was idle or served enough letters."""
        return self.code == 421 or (self.verb == "MAIL" and self.code < 500)


class SmtpProvider:
    """Hands letters to one mail server over connections that are kept and used again.

    Thread-safe: each letter takes an idle connection or makes one, so there are never more than
    threads that send at once. Connections belong to the process that made the provider.

    Args:
        url: see :func:`worker.providers.smtp_session.read_server`.
        deadline: seconds that one letter may take in all; less than the lease of a delivery.
    """

    reaches_people = True
    at_once = 1

    def __init__(self, url: str, *, deadline: float = 25.0) -> None:
        self._server = read_server(url)
        self._context = trusted_certificates(self._server)
        self._deadline = deadline
        self._idle: list[tuple[float, Session]] = []
        self._lock = threading.Lock()

    def send(self, message: Message) -> Outcome:
        """Hand over one letter.

        Until the first byte of content every fault is definite. From there to the server's
        answer a broken connection is ``UNKNOWN``: the server may have taken the letter
        (RFC 5321, 4.2.5 and 6.1). What follows a 250 changes nothing.
        """
        if not (_can_be_named(message.sender) and _can_be_named(message.recipient)):
            whose = "sender" if _can_be_named(message.recipient) else "recipient"
            return Outcome(
                Verdict.REFUSED,
                f"SMTP cannot name the {whose}",
                address_at_fault=whose == "recipient",
            )
        started = time.monotonic()
        reused = self._take(started + self._deadline)
        if reused is not None:
            try:
                _announce(reused, message)
            except _Turned as no:
                if not no.is_about_the_connection():
                    return self._turned(reused, no, message)
                reused.close()
            except _FAULTS:
                reused.close()
            else:
                return self._hand_over(reused, message)
        return self._send_afresh(message, started)

    def send_all(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Hand over letters one after the other."""
        return [self.send(message) for message in messages]

    def forget(self, delivery_ids: Collection[str]) -> None:
        """Do nothing: no copy is kept here."""

    def close(self) -> None:
        """Say goodbye on every idle connection; whatever is answered does not matter."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, session in idle:
            session.until = time.monotonic() + 1.0
            with contextlib.suppress(*_FAULTS):
                session.docmd("QUIT")
            session.close()

    def _send_afresh(self, message: Message, started: float) -> Outcome:
        try:
            session = connect(self._server, self._context, started + self._deadline)
        except _FAULTS as fault:
            return Outcome(Verdict.DEFERRED, f"connecting: {_fault_name(fault)}")
        if time.monotonic() - started > _FRESH:
            # The person may have left since the gate: the row is gated anew, on this connection.
            self._keep(session)
            return Outcome(Verdict.DEFERRED, "connecting took too long")
        try:
            _announce(session, message)
        except _Turned as no:
            return self._turned(session, no, message)
        except _FAULTS as fault:
            session.close()
            return Outcome(Verdict.DEFERRED, f"before the content: {_fault_name(fault)}")
        return self._hand_over(session, message)

    def _hand_over(self, session: Session, message: Message) -> Outcome:
        """Send the content and read the one answer that counts."""
        end = b".\r\n" if message.mime.endswith(b"\r\n") else b"\r\n.\r\n"
        try:
            session.send(_LEADING_DOT.sub(b"..", message.mime) + end)
            code, text = session.getreply()
        except _FAULTS as fault:
            session.close()
            return Outcome(Verdict.UNKNOWN, f"after the content: {_fault_name(fault)}")
        if not 200 <= code < 600 or code == 421 or 300 <= code < 400:
            session.close()
        else:
            self._keep(session)
        if 200 <= code < 300:
            return Outcome(Verdict.ACCEPTED, _words(code, text, message))
        if 400 <= code < 600:
            return _no(_Turned("content", code, text), message)
        return Outcome(Verdict.UNKNOWN, f"after the content: answer {code}")

    def _turned(self, session: Session, no: _Turned, message: Message) -> Outcome:
        """Make the connection ready for the next letter, if it can be, and say what happened."""
        try:
            ready = no.code != 421 and session.rset()[0] == 250
        except _FAULTS:
            ready = False
        if ready:
            self._keep(session)
        else:
            session.close()
        return _no(no, message)

    def _take(self, until: float) -> Session | None:
        """Return an idle connection, asked whether it is alive if it idled for long."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                since, session = self._idle.pop()
            session.until = until
            if time.monotonic() - since < _IDLE:
                return session
            session.until = min(until, time.monotonic() + 1.0)
            with contextlib.suppress(*_FAULTS):
                if session.noop()[0] == 250:
                    session.until = until
                    return session
            session.close()

    def _keep(self, session: Session) -> None:
        with self._lock:
            self._idle.append((time.monotonic(), session))


def _announce(session: Session, message: Message) -> None:
    """Say who writes to whom, up to the server's leave to begin with the content.

    Raises:
        _Turned: the server said no.
        OSError, smtplib.SMTPException: the connection is of no use any more.
    """
    size = [f"SIZE={len(message.mime)}"] if session.has_extn("size") else []
    _expect("MAIL", 200, session.mail(message.sender, size))
    _expect("RCPT", 200, session.rcpt(message.recipient))
    _expect("DATA", 300, session.docmd("DATA"))


def _expect(verb: str, wanted: int, reply: tuple[int, bytes]) -> None:
    code, text = reply
    if 400 <= code < 600:
        raise _Turned(verb, code, text)
    if not wanted <= code < wanted + 100:
        raise smtplib.SMTPException("the server's answer makes no sense")


def _no(no: _Turned, message: Message) -> Outcome:
    verdict = Verdict.DEFERRED if no.code < 500 else Verdict.REFUSED
    words = _words(no.code, no.text, message)
    return Outcome(verdict, f"{no.verb}: {words}", address_at_fault=_blames_the_address(no))


def _blames_the_address(no: _Turned) -> bool:
    words = no.text.decode("utf-8", "replace")
    return blames_the_address(no.code, words, of_recipient=no.verb == "RCPT")


def _words(code: int, text: bytes, message: Message) -> str:
    """Return the server's words without the person: they often repeat the address."""
    said = text.decode("utf-8", "replace")
    return without_people(f"{code} {said}", [message.recipient])


def _fault_name(fault: Exception) -> str:
    """Name a fault of the network in words that hold nothing of the letter."""
    match fault:
        case smtplib.SMTPAuthenticationError():
            return f"the login was refused ({fault.smtp_code})"
        case smtplib.SMTPResponseException():
            return f"answer {fault.smtp_code}"
        case smtplib.SMTPServerDisconnected() | smtplib.SMTPNotSupportedError():
            return one_line(str(fault))[:120]
        case OSError(strerror=str(reason)) if reason:
            return one_line(reason)[:120]
    return type(fault).__name__


def _can_be_named(address: str) -> bool:
    """Whether the address fits an ordinary envelope (RFC 5321, 4.1.2): printable ASCII."""
    return address.isascii() and address.isprintable() and not set(address) & set("<> ")
