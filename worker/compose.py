"""A stored letter, a person and the installation's links become a message."""

from __future__ import annotations

from datetime import datetime

from course.fill import fill_html, fill_mime
from course.model import Sender, Values
from worker.links import TEST_ENROLLMENT, Links
from worker.model import Gated, Message, StoredLetter


def message_id(delivery_id: str, sender: Sender) -> str:
    """Return the Message-ID of a delivery, with its angle brackets (RFC 5322, 3.6.4).

    It is the same for every attempt, so that mail systems can recognise a second copy.
    """
    return f"<{delivery_id}@{sender.email.rpartition('@')[2]}>"


def compose(stored: StoredLetter, gated: Gated, links: Links) -> Message:
    """Return the letter that one person gets, dated by its gate."""
    claimed = gated.claimed
    values = Values(
        name=claimed.name,
        address=claimed.address,
        message_id=message_id(claimed.id, stored.sender),
        date=gated.gated_at,
        view_url=links.view(stored.id),
        unsubscribe_url=links.unsubscribe(claimed.enrollment_id),
        assets_url=links.assets(),
    )
    return _message(stored, claimed.id, values)


def compose_test(
    stored: StoredLetter,
    address: str,
    name: str,
    links: Links,
    *,
    message_id: str,
    date: datetime,
) -> Message:
    """Return a copy for its author, marked as a test; its unsubscribe link is nobody's.

    Args:
        stored: the letter; with id 0, as it is before publishing, it has no view in the browser.
        address: where the author wants to read it.
        name: how the letter calls its reader.
        links: the installation's.
        message_id: unique, with its angle brackets.
        date: the Date header, aware.
    """
    values = Values(
        name=name,
        address=address,
        message_id=message_id,
        date=date,
        view_url=links.view(stored.id) if stored.id else "",
        unsubscribe_url=links.unsubscribe(TEST_ENROLLMENT),
        assets_url=links.assets(),
        test="Test",
    )
    return _message(stored, message_id, values)


def browser_view(stored: StoredLetter, links: Links) -> str:
    """Return the letter's HTML for anyone who has its link: nothing in it is about a person."""
    return fill_html(stored.letter, Values(assets_url=links.assets()))


def _message(stored: StoredLetter, delivery_id: str, values: Values) -> Message:
    return Message(
        delivery_id=delivery_id,
        sender=stored.sender.email,
        recipient=values.address,
        mime=fill_mime(stored.letter, values),
    )
