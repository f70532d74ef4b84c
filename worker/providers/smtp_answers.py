"""What a mail server's replies and silences mean for promise 2 (nobody gets a letter twice)."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass

from course.errors import one_line
from worker.model import Fault, Message, Outcome, Verdict
from worker.providers.words import without_people
from worker.refusals import blames_the_address

FAULTS = (OSError, smtplib.SMTPException)
"""What a broken connection, or a server that makes no sense, raises."""

_NO_LOGIN = frozenset({530, 534, 535, 538})
"""RFC 4954, 6: the server wants a login, another one, or none of ours."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer to one command; ``text`` is its lines without the code."""

    code: int
    text: bytes

    @property
    def is_yes(self) -> bool:
        """Whether the command was done."""
        return 200 <= self.code < 300

    @property
    def is_no(self) -> bool:
        """Whether it was definitely not done."""
        return 400 <= self.code < 600


class Turned(Exception):
    """The server's definite no to a command; nothing of the letter was handed over.

    Attributes:
        usable: whether the connection may carry the next letter.
    """

    def __init__(self, verb: str, reply: Reply, *, usable: bool) -> None:
        super().__init__(verb, reply.code)
        self.verb = verb
        self.reply = reply
        self.usable = usable

    def is_about_the_connection(self) -> bool:
        """Whether a new connection may do better: it was idle or served enough letters."""
        return self.reply.code == 421 or (self.verb == "MAIL" and self.reply.code < 500)


def turned(no: Turned, message: Message) -> Outcome:
    """Return what a no to the envelope means."""
    return _no(no.verb, no.reply, message)


def answered(reply: Reply, message: Message) -> Outcome:
    """Return what the answer to the content means, the one that counts."""
    if reply.is_yes:
        return Outcome(Verdict.ACCEPTED, _words(reply, message))
    if reply.is_no:
        return _no("content", reply, message)
    return Outcome(Verdict.UNKNOWN, f"after the content: answer {reply.code}", fault=Fault.DOWN)


def unreachable(fault: Exception) -> Outcome:
    """Return what a connection that was not made means."""
    refused = isinstance(fault, smtplib.SMTPAuthenticationError) and fault.smtp_code >= 500
    kind = Fault.CREDENTIALS if refused else Fault.DOWN
    return Outcome(Verdict.DEFERRED, f"connecting: {_fault_name(fault)}", fault=kind)


def broken_before(fault: Exception) -> Outcome:
    """Return what a connection that broke before the first byte of content means."""
    return Outcome(Verdict.DEFERRED, f"before the content: {_fault_name(fault)}", fault=Fault.DOWN)


def broken_after(fault: BaseException) -> Outcome:
    """Return what a connection that broke after the first byte of content means.

    The server may have taken the letter (RFC 5321, 4.2.5 and 6.1).
    """
    return Outcome(Verdict.UNKNOWN, f"after the content: {_fault_name(fault)}", fault=Fault.DOWN)


def cannot_be_named(message: Message) -> Outcome | None:
    """Return a refusal when sender or recipient fit no ordinary envelope (RFC 5321, 4.1.2)."""
    for whose, address in (("sender", message.sender), ("recipient", message.recipient)):
        if not (address.isascii() and address.isprintable()) or set(address) & set("<> "):
            return Outcome(
                Verdict.REFUSED,
                f"SMTP cannot name the {whose}",
                address_at_fault=whose == "recipient",
            )
    return None


def _no(verb: str, reply: Reply, message: Message) -> Outcome:
    detail = f"{verb}: {_words(reply, message)}"
    if reply.code in _NO_LOGIN and verb != "content":
        return Outcome(Verdict.DEFERRED, detail, fault=Fault.CREDENTIALS)
    if reply.code < 500:
        whole = reply.code == 421 or verb == "MAIL"
        return Outcome(Verdict.DEFERRED, detail, fault=Fault.DOWN if whole else None)
    words = reply.text.decode("utf-8", "replace")
    at_fault = blames_the_address(reply.code, words, of_recipient=verb == "RCPT")
    return Outcome(Verdict.REFUSED, detail, address_at_fault=at_fault)


def _words(reply: Reply, message: Message) -> str:
    """Return the server's words without the person: they often repeat the address."""
    said = reply.text.decode("utf-8", "replace")
    return without_people(f"{reply.code} {said}", [message.recipient])


def _fault_name(fault: BaseException) -> str:
    """Name a fault of the network in words that hold nothing of the letter."""
    match fault:
        case smtplib.SMTPAuthenticationError():
            return f"the login was refused ({fault.smtp_code})"
        case smtplib.SMTPResponseException():
            return f"answer {fault.smtp_code}"
        case smtplib.SMTPServerDisconnected() | smtplib.SMTPNotSupportedError():
            return one_line(str(fault))[:120]
        case ssl.SSLCertVerificationError(verify_message=str(reason)):
            return one_line(f"certificate: {reason}")[:120]
        case OSError(strerror=str(reason)) if reason:
            return one_line(reason)[:120]
    return type(fault).__name__
