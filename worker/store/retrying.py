"""Letters that were planned again: taken up once more, unless an edit of the course passed them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, exists, select, update

from course.model import Kind
from worker.model import Claimed, DeliveryState, EnrollmentState, SubscriberState
from worker.progress import called_now, is_nudge
from worker.store.editions import Editions
from worker.store.given import among
from worker.store.prepared import Prepared
from worker.store.schema import courses, deliveries, enrollments, letters, subscribers
from worker.store.types import Record
from worker.store.waiting import still_wanted


def take_again(
    connection: Connection,
    editions: Editions,
    owner: str,
    until: datetime,
    now: datetime,
    limit: int,
) -> tuple[list[Claimed], int]:
    """Claim up to ``limit`` planned letters that are due again, for ``owner`` ``until`` then.

    Returns:
        What was claimed, and how many letters were skipped instead.
    """
    ids = [row.id for row in _DUE_AGAIN(connection, now=now, most=limit)]
    due = _AGAIN(connection, ids=ids) if ids else []
    nudges = [row for row in due if is_nudge(row.letter_key)]
    of_course = [row for row in due if not is_nudge(row.letter_key)]
    kept, passed = _still_in_course(connection, editions, of_course)
    kept += still_wanted(connection, editions, nudges, now)
    _skip(connection, passed, now)
    return _take_again(connection, kept, owner, until), len(due) - len(kept)


def _still_in_course(
    connection: Connection, editions: Editions, rows: Sequence[Record]
) -> tuple[list[Record], list[Record]]:
    kept: list[Record] = []
    passed: list[Record] = []
    for row in rows:
        course = editions.edition(connection, row.edition_id)
        key = called_now(dict(course.renames), row.letter_key)
        (kept if key in course.keys else passed).append(row)
    return kept, passed


def _take_again(
    connection: Connection, rows: Sequence[Record], owner: str, until: datetime
) -> list[Claimed]:
    if not rows:
        return []
    taken = [row.id for row in rows]
    _TAKE(connection, ids=taken, owner=owner, until=until)
    return [
        Claimed(
            id=row.id,
            epoch=row.epoch + 1,
            enrollment_id=row.enrollment_id,
            subscriber_id=row.subscriber_id,
            run=row.run,
            address=row.address,
            name=row.name,
            edition_id=row.letter_edition_id,
            letter_id=row.letter_id,
            letter_key=row.letter_key,
            kind=Kind(row.kind),
            due_at=row.due_at,
        )
        for row in rows
    ]


def _skip(connection: Connection, rows: Sequence[Record], now: datetime) -> None:
    if not rows:
        return
    connection.execute(
        update(deliveries)
        .where(
            deliveries.c.id.in_([row.id for row in rows]),
            deliveries.c.state == DeliveryState.PLANNED,
        )
        .values(
            state=DeliveryState.SKIPPED,
            retry_at=None,
            settled_at=now,
            detail="the course no longer has this letter",
        )
    )
    connection.execute(
        update(enrollments)
        .where(enrollments.c.id.in_([row.enrollment_id for row in rows]))
        .values(next_at=now)
    )


RECEIVING = (enrollments.c.state == EnrollmentState.ACTIVE) & (
    subscribers.c.state == SubscriberState.ACTIVE
)
"""Who may be sent a letter at all."""

IS_THERE = (
    select(subscribers.c.state)
    .where(subscribers.c.id == enrollments.c.subscriber_id)
    .correlate(enrollments)
    .scalar_subquery()
) == SubscriberState.ACTIVE
"""Whether an enrollment's person may be written to, asked row by row as an index is followed.

What is due is found by its index alone and joined afterwards: a join before the limit leaves it to
the planner's estimates whether it reads what is not due, too. Who is locked by somebody else is
skipped, and found by the next round.
"""

_GOES_ON = (
    exists()
    .where(
        enrollments.c.id == deliveries.c.enrollment_id,
        enrollments.c.state == EnrollmentState.ACTIVE,
        IS_THERE,
    )
    .correlate(deliveries)
)

_DUE_AGAIN = Prepared(
    select(deliveries.c.id)
    .where(
        deliveries.c.retry_at <= bindparam("now"),
        case((_GOES_ON, True), else_=False),  # not to be turned into a join
    )
    .order_by(deliveries.c.retry_at, deliveries.c.id)
    .limit(bindparam("most"))
    .with_for_update(of=deliveries, skip_locked=True)
)

_AGAIN = Prepared(
    select(
        deliveries.c.id,
        deliveries.c.epoch,
        deliveries.c.enrollment_id,
        deliveries.c.run,
        deliveries.c.letter_id,
        deliveries.c.letter_key,
        deliveries.c.due_at,
        letters.c.kind,
        letters.c.edition_id.label("letter_edition_id"),
        enrollments.c.subscriber_id,
        subscribers.c.address,
        subscribers.c.name,
        courses.c.edition_id,
    )
    .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
    .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
    .join(courses, courses.c.id == enrollments.c.course_id)
    .join(letters, letters.c.id == deliveries.c.letter_id)
    .where(among(deliveries.c.id), RECEIVING)
    .order_by(deliveries.c.retry_at, deliveries.c.id)
    .with_for_update(of=subscribers, read=True, skip_locked=True)
    .suffix_with("FOR UPDATE OF enrollments SKIP LOCKED", dialect="postgresql")
)

_TAKE = Prepared(
    update(deliveries)
    .where(
        among(deliveries.c.id),
        deliveries.c.state == DeliveryState.PLANNED,
    )
    .values(
        state=DeliveryState.CLAIMED,
        epoch=deliveries.c.epoch + 1,
        owner=bindparam("owner"),
        lease_until=bindparam("until"),
        retry_at=None,
    )
)
