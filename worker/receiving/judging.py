"""What a mail is and what it does: decided here, with nothing looked up."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from worker.inbound import InboundMail, MailKind, ParsedMail
from worker.inbound.words import command_in
from worker.model import Command, ReplyKind
from worker.store import Origin, Reply, Trace
from worker.store.replies import NOT_VERIFIED

_REPORTS = {MailKind.BOUNCE: ReplyKind.BOUNCE, MailKind.COMPLAINT: ReplyKind.COMPLAINT}


def judge(mail: InboundMail, parsed: ParsedMail, origin: Origin | None) -> Reply:
    """Decide what a mail is and what it does."""
    from_subscriber = origin is not None and parsed.from_address == origin.address
    answers_a_letter = origin is not None and origin.how in (Trace.TOKEN, Trace.REFERENCE)
    verified = from_subscriber and answers_a_letter and is_vouched_for(parsed.from_address, mail)
    verdict = _verdict(parsed, origin, from_subscriber=from_subscriber, verified=verified)
    return Reply(
        fingerprint=_fingerprint(mail, parsed, origin),
        kind=verdict.kind,
        why=verdict.why,
        origin=origin,
        message_id=parsed.message_id,
        verified=verified,
        from_subscriber=from_subscriber,
        text=parsed.own_words,
        attachments=tuple((a.name, a.media_type, a.size) for a in parsed.attachments),
        raw=mail.raw,
        command=verdict.command,
        answer=verdict.answer,
    )


def is_vouched_for(address: str, mail: InboundMail) -> bool:
    """Whether DKIM or SPF passed for the address's domain, or one above or below it.

    That is relaxed alignment (RFC 7489, 3.1) without a list of who registers domains.
    """
    domain = address.rpartition("@")[2]
    return bool(domain) and any(
        domain == each or domain.endswith(f".{each}") or each.endswith(f".{domain}")
        for each in mail.authenticated
    )


@dataclass(frozen=True, slots=True)
class _Verdict:
    kind: ReplyKind
    why: str
    command: Command | None = None
    answer: str = ""


def _verdict(
    parsed: ParsedMail, origin: Origin | None, *, from_subscriber: bool, verified: bool
) -> _Verdict:
    if origin is not None and origin.is_erased:
        return _Verdict(ReplyKind.DISCARDED, "its sender was erased")
    if parsed.kind in _REPORTS:
        return _Verdict(_REPORTS[parsed.kind], parsed.why)
    if origin is not None and origin.how is Trace.LEAVING:
        # Nothing but List-Unsubscribe names it, and mail programs use that without a person.
        return _Verdict(ReplyKind.UNSUBSCRIBE, "it was sent to an unsubscribe address")
    if parsed.kind is not MailKind.PERSON:
        return _Verdict(ReplyKind.MACHINE, parsed.why)
    if origin is None:
        return _Verdict(ReplyKind.STRANGER, "it answers no letter and nobody here has this address")
    command = command_in(parsed.own_words, parsed.subject)
    if command is Command.STOP or (command is not None and verified):
        return _Verdict(ReplyKind.COMMAND, f"it says {command} and nothing else", command)
    if origin.letter_key is None:
        return _Verdict(ReplyKind.STRANGER, "no letter was sent to this person yet")
    if command is not None:
        answer = NOT_VERIFIED if from_subscriber else ""
        return _Verdict(ReplyKind.REFLECTION, f"it says {command}, not verified", answer=answer)
    if not parsed.own_words:
        return _Verdict(ReplyKind.REFLECTION, "it holds no words of its sender's own")
    return _Verdict(ReplyKind.REFLECTION, _HOW[origin.how])


_HOW = {
    Trace.TOKEN: "it was sent to a letter's reply address",
    Trace.REFERENCE: "it refers to a letter",
    Trace.SENDER: "its sender was sent this letter last",
}


def _fingerprint(mail: InboundMail, parsed: ParsedMail, origin: Origin | None) -> str:
    """Return what two copies of one mail have in common, however they came.

    A mail that only its sender leads to keeps its fingerprint when that person's next letter goes
    out before the copy comes.
    """
    if not parsed.message_id:
        return sha256(mail.raw).hexdigest()
    belongs_to = parsed.from_address
    if origin is not None and origin.how is not Trace.SENDER:
        belongs_to = origin.mail_id or str(origin.enrollment_id)
    return sha256(f"{parsed.message_id}\n{belongs_to}".encode()).hexdigest()
