"""What a mail says about whose it is, read from its addresses and references."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

from worker.inbound import InboundMail, MailKind, ParsedMail
from worker.links import Links
from worker.store import Clues

T = TypeVar("T")

REPORTS = frozenset({MailKind.BOUNCE, MailKind.COMPLAINT})
"""Kinds whose sender is a mail system, and whose report names a letter."""

_MESSAGE_ID = re.compile(r"<([0-9a-f]{32})@[^<>@\s]+>", re.IGNORECASE)


def clues_in(mail: InboundMail, parsed: ParsedMail, links: Links) -> Clues:
    """Return what a mail says about whose it is.

    The envelope's recipients come first: headers are the sender's to write. The addresses of a
    letter that came back count too, for reports that go to the letter's From.
    """
    sent_to = _local_parts((*mail.envelope_to, *parsed.recipients))
    returned = _local_parts(parsed.report.returned if parsed.report else ())
    reported = (parsed.report.original_message_id,) if parsed.report else ()
    newest_first = (*reported, *reversed(parsed.references))
    return Clues(
        leaving=_known(map(links.read_unsubscribe, sent_to)),
        tokens=_known(
            links.read_reply(token) or links.read_bounce(token) for token in (*sent_to, *returned)
        ),
        references=_known(_delivery_in(reference) for reference in newest_first),
        sender="" if parsed.kind in REPORTS else parsed.from_address,
    )


def _local_parts(addresses: Iterable[str]) -> list[str]:
    return [address.strip("<> ").partition("@")[0] for address in addresses]


def _delivery_in(reference: str) -> str | None:
    found = _MESSAGE_ID.fullmatch(reference)
    return found[1].lower() if found else None


def _known(found: Iterable[T | None]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(each for each in found if each is not None))
