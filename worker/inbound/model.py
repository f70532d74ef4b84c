"""The values that go into this room and come out of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class InboundMail:
    """One mail as it reached us, and what its carrier said about it.

    A carrier that has already taken the mail apart puts it together again with
    :func:`worker.inbound.assemble_mail`, so that there is one way to read a mail.

    Attributes:
        raw: the message (RFC 5322); broken ones are welcome.
        envelope_from: the envelope's sender; ``""`` is the empty one, ``None`` means unknown.
        envelope_to: the envelope's recipients.
        authenticated: domains for which DKIM or SPF passed, in lower case, if the receiving side
            said so.
    """

    raw: bytes
    envelope_from: str | None = None
    envelope_to: tuple[str, ...] = ()
    authenticated: tuple[str, ...] = ()


class MailKind(StrEnum):
    """Who wrote a mail: a person, or which kind of machine."""

    PERSON = "person"
    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    LIST = "list"
    LOOP = "loop"


@dataclass(frozen=True, slots=True)
class Attachment:
    """Something that came with a mail and is no text of it; ``size`` is in bytes."""

    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a machine reports about a letter of ours (RFC 3464, RFC 5965, or older habits).

    Attributes:
        original_message_id: the letter's Message-ID with its angle brackets; ``""``: not said.
        final_recipient: whom it was for, normalised where that is possible; ``""``: not said.
        action: ``failed``, ``delayed``, ``delivered``, ``relayed``, ``expanded`` or ``""``.
        status: an enhanced status code such as ``5.1.1`` (RFC 3463), or ``""``.
        diagnostic: the refusing server's words, without addresses.
        feedback_type: of a complaint: ``abuse``, ``fraud``, ...; else ``""``.
        returned: addresses in the headers of the letter that came back, reply address first.
        permanent: the address is dead. A full mailbox, a policy or a doubt is not.
    """

    original_message_id: str = ""
    final_recipient: str = ""
    action: str = ""
    status: str = ""
    diagnostic: str = ""
    feedback_type: str = ""
    returned: tuple[str, ...] = ()
    permanent: bool = False


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """One mail, understood as far as it can be.

    Attributes:
        message_id: with its angle brackets; ``""`` without one.
        references: ids with their brackets, oldest first, In-Reply-To last or in its place.
        from_address: normalised; ``""`` if there is none, or more than one.
        recipients: addresses of To, Cc, Delivered-To, X-Envelope-To and X-Original-To in this
            order, in lower case.
        why: one clause that says what ``kind`` was concluded from.
        text: everything readable, quoted lines with ``>``.
        own_words: what the sender wrote above, below or between what they quote.
        report: what a bounce or a complaint says.
        truncated: some of the mail was not read because it is too large or too deep.
        in_full: the own words could not be told apart, so ``own_words`` is the full text.
    """

    message_id: str
    references: tuple[str, ...]
    from_address: str
    recipients: tuple[str, ...]
    subject: str
    kind: MailKind
    why: str
    text: str
    own_words: str
    attachments: tuple[Attachment, ...] = ()
    report: Report | None = None
    truncated: bool = False
    in_full: bool = False

    def to_json(self) -> str:
        """Return the mail as one line of JSON in ASCII."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ParsedMail:
        """Return the mail that :meth:`to_json` wrote.

        Raises:
            ValueError, KeyError, TypeError: it did not write this.
        """
        fields: dict[str, Any] = json.loads(text)
        report = fields.pop("report")
        if report is not None:
            report = Report(**(report | {"returned": tuple(report["returned"])}))
        return cls(
            **(
                fields
                | {
                    "references": tuple(fields["references"]),
                    "recipients": tuple(fields["recipients"]),
                    "kind": MailKind(fields["kind"]),
                    "attachments": tuple(Attachment(**each) for each in fields["attachments"]),
                    "report": report,
                }
            )
        )
