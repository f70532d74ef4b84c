"""Leaving: one row says that nothing may be sent any more, and it is the row the gate locks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, func, literal, select, update

from worker.errors import UnknownSubscriber
from worker.model import DeliveryState, EnrollmentState, SubscriberState
from worker.store.locking import lock_people, lock_people_of
from worker.store.noting import note_leaving, note_leaving_courses
from worker.store.schema import attempts, deliveries, enrollments, subscribers
from worker.store.types import Instant

LEFT_STATES = (
    SubscriberState.UNSUBSCRIBED,
    SubscriberState.BOUNCED,
    SubscriberState.COMPLAINED,
)

WHY_LEFT = {
    SubscriberState.UNSUBSCRIBED: "they unsubscribed",
    SubscriberState.BOUNCED: "mail to their address bounced",
    SubscriberState.COMPLAINED: "they complained about a letter",
}

WHY_COURSE_LEFT = "they left this course"

_OVERRULES = {
    SubscriberState.UNSUBSCRIBED: (SubscriberState.BOUNCED,),
    SubscriberState.BOUNCED: (),
    SubscriberState.COMPLAINED: (SubscriberState.BOUNCED, SubscriberState.UNSUBSCRIBED),
}
"""What a later reason replaces: a person's own word outlives a bounce."""


def leave(
    connection: Connection, subscriber_ids: Collection[int], state: SubscriberState, now: datetime
) -> None:
    """Stop everything for these people: every course, and every letter not past its gate.

    Their rows are locked first: what their gates let through before is counted as their newest
    attempt, and no gate comes after.
    """
    lock_people(connection, subscriber_ids)
    may_change = (SubscriberState.PENDING, SubscriberState.ACTIVE, *_OVERRULES[state])
    newest_attempt = select(func.coalesce(func.max(attempts.c.id), 0)).scalar_subquery()
    connection.execute(
        update(subscribers)
        .where(subscribers.c.id.in_(subscriber_ids), subscribers.c.state.in_(may_change))
        .values(
            state=state,
            left_at=func.coalesce(subscribers.c.left_at, literal(now, Instant)),
            left_after=func.coalesce(subscribers.c.left_after, newest_attempt),
        )
    )
    theirs = enrollments.c.subscriber_id.in_(subscriber_ids)
    connection.execute(
        update(enrollments)
        .where(theirs, enrollments.c.state != EnrollmentState.STOPPED)
        .values(state=EnrollmentState.STOPPED, next_at=None, changed_at=now)
    )
    of_theirs = deliveries.c.enrollment_id.in_(select(enrollments.c.id).where(theirs))
    cancel_waiting(connection, of_theirs, now, WHY_LEFT[state])
    note_leaving(connection, subscriber_ids, state, now)


def leave_course(connection: Connection, enrollment_ids: Collection[int], now: datetime) -> None:
    """Stop these courses alone: every letter of theirs that is not past its gate."""
    lock_people_of(connection, enrollment_ids)
    connection.execute(
        update(enrollments)
        .where(enrollments.c.id.in_(enrollment_ids), enrollments.c.state != EnrollmentState.STOPPED)
        .values(state=EnrollmentState.STOPPED, next_at=None, changed_at=now)
    )
    of_these = deliveries.c.enrollment_id.in_(enrollment_ids)
    cancel_waiting(connection, of_these, now, WHY_COURSE_LEFT)
    note_leaving_courses(connection, enrollment_ids, now)


def cancel_waiting(connection: Connection, which: object, now: datetime, detail: str) -> None:
    """Cancel the chosen deliveries as far as they are not past their gate."""
    waiting = (DeliveryState.PLANNED, DeliveryState.CLAIMED)
    connection.execute(
        update(deliveries)
        .where(which, deliveries.c.state.in_(waiting))  # type: ignore[arg-type]
        .values(
            state=DeliveryState.CANCELLED,
            owner=None,
            lease_until=None,
            retry_at=None,
            settled_at=now,
            detail=detail,
        )
    )


def unsubscribe(connection: Connection, address: str, now: datetime) -> None:
    """Let a person leave for good; once more changes nothing.

    Raises:
        UnknownSubscriber: nobody has that address.
    """
    leave(connection, [subscriber_of(connection, address)], SubscriberState.UNSUBSCRIBED, now)


def subscriber_of(connection: Connection, address: str) -> int:
    """Return the id of the person with a normalised address.

    Raises:
        UnknownSubscriber: nobody has that address.
    """
    known: int | None = connection.scalar(
        select(subscribers.c.id).where(subscribers.c.address == address)
    )
    if known is None:
        raise UnknownSubscriber("nobody is enrolled under this address", where=address)
    return known


def leave_one_course(connection: Connection, enrollment_id: int, now: datetime) -> bool:
    """Let the person of an enrollment leave this course; tell whether there is one."""
    known = connection.scalar(select(enrollments.c.id).where(enrollments.c.id == enrollment_id))
    if known is not None:
        leave_course(connection, [known], now)
    return known is not None


def unsubscribe_enrollment(connection: Connection, enrollment_id: int, now: datetime) -> bool:
    """Let the person of an enrollment leave for good; tell whether there is such an enrollment."""
    known = connection.scalar(
        select(enrollments.c.subscriber_id).where(enrollments.c.id == enrollment_id)
    )
    if known is not None:
        leave(connection, [known], SubscriberState.UNSUBSCRIBED, now)
    return known is not None
