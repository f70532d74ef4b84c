"""Erasing a person: their rows stay, with nothing in them that is about anybody.

The right to erasure (GDPR, article 17). Deliveries remain, for the ledger to add up; a keyed hash
of the address remains, so that no list enrolls them again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, union_all, update

from worker.errors import Refused
from worker.model import NoticeState, SubscriberState
from worker.pseudonyms import Digests
from worker.store.exporting import about_events, about_replies
from worker.store.leaving import leave
from worker.store.locking import lock_addresses, lock_people
from worker.store.membership import ERASED_DOMAIN, erased_address, is_erased
from worker.store.noting import note_erasure
from worker.store.schema import (
    attempts,
    consents,
    deliveries,
    enrollments,
    events,
    notices,
    reflections,
    replies,
    settlements,
    subscribers,
)
from worker.store.suppressing import suppress_hash
from worker.store.types import those

WHY_ERASED = "its person was erased"


@dataclass(frozen=True, slots=True)
class Erased:
    """What one erasure took away; all zero when they were erased before.

    Attributes:
        reflections: answers to lessons.
        replies: mails whose content went.
        events: news from the provider whose content went.
    """

    reflections: int = 0
    replies: int = 0
    events: int = 0


def erase(connection: Connection, digests: Digests, subscriber_id: int, now: datetime) -> Erased:
    """Take everything about a person out of the rows; once more changes nothing.

    A letter past its gate still arrives, and its outcome is still settled.

    Args:
        connection: a writing transaction.
        digests: hashes of an address.
        subscriber_id: of somebody who is there.
        now: the calendar's instant.

    Raises:
        Refused: there is no key to hash their address with.
    """
    lock_addresses(connection)
    lock_people(connection, [subscriber_id])
    person = connection.execute(select(subscribers).where(subscribers.c.id == subscriber_id)).one()
    if is_erased(person.address):
        return Erased()
    hashes = list(digests(person.address))
    if not hashes:
        raise Refused(
            "nobody is erased without a key to hash addresses with: a list could enroll them again",
            remedy="set LETTERCOURSE_SECRET_KEYS",
        )
    leave(connection, [subscriber_id], SubscriberState.UNSUBSCRIBED, now)
    left = connection.execute(select(subscribers).where(subscribers.c.id == subscriber_id)).one()
    suppress_hash(connection, hashes[0], left.state, left.left_at)
    note_erasure(connection, subscriber_id, hashes[0], now)
    erased = _erase_words(connection, subscriber_id, person.address)
    _erase_traces(connection, subscriber_id, person.address, now)
    connection.execute(
        update(subscribers)
        .where(subscribers.c.id == subscriber_id)
        .values(address=erased_address(subscriber_id), name="", timezone=None)
    )
    return erased


def mail_of_erased(connection: Connection) -> list[str]:
    """Return the ids of all letters and service mail that erased people were handed."""
    return [*connection.scalars(_LETTERS), *connection.scalars(_NOTICES)]


def erased_among(connection: Connection, ids: Collection[str]) -> list[str]:
    """Return those of these letters and service mail whose person was erased."""
    return list(connection.scalars(_AMONG, {"ids": list(ids)}))


def _erase_words(connection: Connection, subscriber_id: int, address: str) -> Erased:
    """Take away what they wrote, and what was written about them."""
    theirs = select(enrollments.c.id).where(enrollments.c.subscriber_id == subscriber_id)
    gone = connection.execute(
        delete(reflections).where(reflections.c.enrollment_id.in_(theirs))
    ).rowcount
    mails = connection.execute(
        update(replies)
        .where(about_replies(subscriber_id))
        .values(raw=None, message_id="", attachments=[], why=WHY_ERASED)
    ).rowcount
    news = connection.execute(
        update(events)
        .where(
            or_(
                about_events(subscriber_id),
                events.c.subscriber_id.is_(None) & _names(events.c.body, address),
            )
        )
        .values(body=None)
    ).rowcount
    return Erased(gone, mails, news)


def _erase_traces(connection: Connection, subscriber_id: int, address: str, now: datetime) -> None:
    """Take away their name and hour, and their address wherever a server repeated it."""
    connection.execute(
        update(consents)
        .where(consents.c.subscriber_id == subscriber_id)
        .values(name="", timezone=None)
    )
    connection.execute(
        update(enrollments)
        .where(enrollments.c.subscriber_id == subscriber_id)
        .values(zone=None, send_at=None, start=None)
    )
    to_them = notices.c.subscriber_id == subscriber_id
    connection.execute(
        update(notices)
        .where(to_them, notices.c.state == NoticeState.PLANNED)
        .values(state=NoticeState.VOID, due_at=None, settled_at=now)
    )
    connection.execute(update(notices).where(to_them).values(outcome=""))
    theirs = deliveries.c.enrollment_id.in_(
        select(enrollments.c.id).where(enrollments.c.subscriber_id == subscriber_id)
    )
    connection.execute(
        update(deliveries)
        .where(theirs, _names(deliveries.c.detail, address))
        .values(detail=WHY_ERASED)
    )
    connection.execute(
        update(settlements)
        .where(settlements.c.delivery_id.in_(select(deliveries.c.id).where(theirs)))
        .values(detail="")
    )
    connection.execute(
        update(events)
        .where(about_events(subscriber_id), _names(events.c.detail, address))
        .values(detail=WHY_ERASED)
    )
    connection.execute(
        update(attempts)
        .where(
            attempts.c.delivery_id.in_(select(deliveries.c.id).where(theirs)),
            _names(attempts.c.detail, address),
        )
        .values(detail=WHY_ERASED)
    )


def _names(column: Any, address: str) -> ColumnElement[bool]:
    named: ColumnElement[bool] = func.lower(column).contains(address, autoescape=True)
    return named


_ERASED = subscribers.c.address.like(f"%@{ERASED_DOMAIN}")

_LETTERS = (
    select(deliveries.c.id)
    .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
    .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
    .where(_ERASED, deliveries.c.attempts > 0)
)

_NOTICES = (
    select(notices.c.id)
    .join(subscribers, subscribers.c.id == notices.c.subscriber_id)
    .where(_ERASED, notices.c.attempts > 0)
)

_AMONG = union_all(
    _LETTERS.where(deliveries.c.id.in_(those())), _NOTICES.where(notices.c.id.in_(those()))
)
