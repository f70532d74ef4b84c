"""A stored letter, a person and the installation's links become a message."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from course.fill import fill_html, fill_mime
from course.letters.service import service_letter
from course.mail.own_words import shortened
from course.model import Sender
from course.segments import Values
from worker.links import TEST_ENROLLMENT, Links
from worker.model import Content, DueNotice, Gated, Message, NoticePurpose, StoredLetter

MINE_FOR = timedelta(minutes=15)
"""How long a mailed link opens a person's own words and data."""


def message_id(delivery_id: str, sender: Sender) -> str:
    """Return the Message-ID of a delivery, with its angle brackets (RFC 5322, 3.6.4).

    It is the same for every attempt, so that mail systems can recognise a second copy.
    """
    return f"<{delivery_id}@{sender.email.rpartition('@')[2]}>"


def compose(stored: StoredLetter, gated: Gated, links: Links) -> Message:
    """Return the letter that one person gets, dated by its gate."""
    claimed = gated.claimed
    leave_url, leave_mail = links.leaving(claimed.enrollment_id)
    values = Values(
        name=claimed.name,
        address=claimed.address,
        message_id=message_id(claimed.id, stored.sender),
        date=gated.gated_at,
        view_url=_view(stored.id, links),
        unsubscribe_url=leave_url,
        unsubscribe_mail=leave_mail,
        page_url=links.page(claimed.enrollment_id),
        reply_to=links.reply_address(claimed.id),
        reflections=shortened(gated.reflections) if gated.reflections else {},
        assets_url=links.assets(),
        letters=_views(stored, links),
    )
    bounces = links.bounce_address(claimed.id)
    return _message(stored, claimed.id, values, bounces or stored.sender.email)


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
        view_url=_view(stored.id, links) if stored.id else "",
        unsubscribe_url=links.unsubscribe(TEST_ENROLLMENT),
        assets_url=links.assets(),
        letters=_views(stored, links),
        test="Test",
    )
    return _message(stored, message_id, values, stored.sender.email)


def compose_notice(notice: DueNotice, links: Links) -> Message:
    """Return a piece of service mail: no List headers, and no link but those it is about."""
    letter = service_letter(
        notice.purpose.value,
        course_title=notice.course_title,
        language=notice.language,
        sender=notice.sender,
        detail=notice.detail,
    )
    values = Values(
        name=notice.name,
        address=notice.address,
        message_id=message_id(notice.id, notice.sender),
        date=notice.handed_at,
        page_url="" if notice.enrollment_id is None else links.page(notice.enrollment_id),
        action_url=_action(notice, links),
        reply_to=links.reply_address(notice.id),
        assets_url=links.assets(),
    )
    return Message(
        delivery_id=notice.id,
        sender=links.bounce_address(notice.id) or notice.sender.email,
        recipient=notice.address,
        mime=fill_mime(letter, values),
        content=Content(letter, values, notice.sender),
    )


def browser_view(stored: StoredLetter, links: Links) -> str:
    """Return the letter's HTML for anyone who has its link: nothing in it is about a person."""
    return fill_html(
        stored.letter, Values(assets_url=links.assets(), letters=_views(stored, links))
    )


def _views(stored: StoredLetter, links: Links) -> dict[str, str]:
    """Return where the letters are read that this one links to."""
    return {key: _view(letter_id, links) for key, letter_id in stored.linked.items()}


@lru_cache(maxsize=256)
def _view(letter_id: int, links: Links) -> str:
    """Return where a letter is read, signed once for all of its copies."""
    return links.view(letter_id)


def _action(notice: DueNotice, links: Links) -> str:
    """Return what the mail asks its reader to open.

    Raises:
        ValueError: it is about nothing that can be opened, which is our own fault.
    """
    if notice.purpose is NoticePurpose.ANSWER:
        return ""
    about = notice.enrollment_id
    if notice.purpose is NoticePurpose.CONFIRM:
        about = notice.subject_id
    if about is None:
        raise ValueError(f"a notice to {notice.purpose.value} is about nothing")
    if notice.purpose is NoticePurpose.CONFIRM:
        return links.confirm(about)
    if notice.purpose is NoticePurpose.LINK:
        return links.mine(about, notice.handed_at + MINE_FOR)
    return links.page(about)


def _message(
    stored: StoredLetter, delivery_id: str, values: Values, envelope_sender: str
) -> Message:
    return Message(
        delivery_id=delivery_id,
        sender=envelope_sender,
        recipient=values.address,
        mime=fill_mime(stored.letter, values),
        content=Content(stored.letter, values, stored.sender),
    )
