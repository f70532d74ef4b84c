"""What a person or the operator does with an enrollment: pause, resume, restart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from course.model import Kind
from worker.errors import Refused, UnknownSubscriber
from worker.model import (
    OPEN_STATES,
    PACING_STATES,
    DeliveryState,
    EnrollmentState,
    PublishedCourse,
    SubscriberState,
)
from worker.store.editions import Editions
from worker.store.leaving import WHY_LEFT, cancel_waiting
from worker.store.pacing import slot_after
from worker.store.progress import next_key
from worker.store.schema import Record, courses, deliveries, enrollments, letters, subscribers


def pause(connection: Connection, address: str, course: str | None, now: datetime) -> None:
    """Freeze one course or all; what is under way and past its gate still arrives.

    Raises:
        UnknownSubscriber: nobody has that address, or they do not take that course.
        Refused: the course does not go on anyway.
    """
    theirs = _enrollments(connection, address, course)
    going_on = [each.id for each in theirs if each.state == EnrollmentState.ACTIVE]
    if not going_on and not any(each.state == EnrollmentState.PAUSED for each in theirs):
        raise _nothing_to("pause", address, theirs)
    connection.execute(
        update(enrollments)
        .where(enrollments.c.id.in_(going_on))
        .values(state=EnrollmentState.PAUSED, next_at=None, changed_at=now)
    )
    waiting = (DeliveryState.PLANNED, DeliveryState.CLAIMED)
    connection.execute(
        update(deliveries)
        .where(deliveries.c.enrollment_id.in_(going_on), deliveries.c.state.in_(waiting))
        .values(state=DeliveryState.PLANNED, owner=None, lease_until=None, retry_at=None)
    )


def resume(
    connection: Connection, editions: Editions, address: str, course: str | None, now: datetime
) -> None:
    """Go on with the next slot, also where a refused letter held the course.

    That letter is tried again as the newest edition has it: it may have been refused for its
    content.

    Raises:
        UnknownSubscriber: nobody has that address, or they do not take that course.
        Refused: the course is over for them.
    """
    theirs = _enrollments(connection, address, course)
    frozen = (EnrollmentState.PAUSED, EnrollmentState.HELD)
    waiting = [each for each in theirs if each.state in frozen]
    if not waiting and not any(each.state == EnrollmentState.ACTIVE for each in theirs):
        raise _nothing_to("resume", address, theirs)
    for enrollment in waiting:
        _go_on(connection, enrollment, editions.edition(connection, enrollment.edition_id), now)


def restart(connection: Connection, address: str, course: str, now: datetime) -> None:
    """Begin the course anew: its welcome is due now, and every letter may come once more.

    Raises:
        UnknownSubscriber: nobody has that address, or they do not take that course.
        Refused: they left, or a letter is being handed over at this moment.
    """
    (enrollment,) = _enrollments(connection, address, course)
    if enrollment.subscriber in WHY_LEFT:
        why = WHY_LEFT[SubscriberState(enrollment.subscriber)]
        raise Refused(f"the course is not restarted: {why}", where=address)
    its = deliveries.c.enrollment_id == enrollment.id
    if connection.scalar(
        select(deliveries.c.id).where(its, deliveries.c.state == DeliveryState.HANDING)
    ):
        raise Refused("a letter is being handed over just now", where=address, remedy="try again")
    cancel_waiting(connection, its, now, "the course was restarted")
    connection.execute(
        update(enrollments)
        .where(enrollments.c.id == enrollment.id)
        .values(run=enrollment.run + 1, state=EnrollmentState.ACTIVE, next_at=now, changed_at=now)
    )


def _enrollments(connection: Connection, address: str, course: str | None) -> Sequence[Record]:
    found = connection.execute(
        select(
            enrollments,
            subscribers.c.state.label("subscriber"),
            courses.c.slug,
            courses.c.edition_id,
        )
        .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
        .join(courses, courses.c.id == enrollments.c.course_id)
        .where(subscribers.c.address == address)
        .order_by(courses.c.slug)
    ).all()
    if not found:
        raise UnknownSubscriber("nobody is enrolled under this address", where=address)
    chosen = [each for each in found if course in (None, each.slug)]
    if not chosen:
        takes = ", ".join(each.slug for each in found)
        raise UnknownSubscriber(
            f'does not take the course "{course}"', where=address, remedy=f"they take: {takes}"
        )
    return chosen


def _nothing_to(verb: str, address: str, theirs: Sequence[Record]) -> Refused:
    states = ", ".join(f"{each.slug} is {each.state}" for each in theirs)
    return Refused(f"there is nothing to {verb}: {states}", where=address)


def _go_on(
    connection: Connection, enrollment: Record, course: PublishedCourse, now: datetime
) -> None:
    rows = connection.execute(
        select(deliveries, letters.c.kind)
        .join(letters, letters.c.id == deliveries.c.letter_id)
        .where(deliveries.c.enrollment_id == enrollment.id, deliveries.c.run == enrollment.run)
    ).all()
    handed = [row for row in rows if row.state in PACING_STATES]
    last = max(handed, key=lambda row: row.handed_at, default=None)
    slot = slot_after(
        enrollment,
        course.schedule,
        handed_at=last.handed_at if last else None,
        kind=Kind(last.kind) if last else None,
        not_before=now,
    )
    under_way = next((row for row in rows if row.state in OPEN_STATES), None)
    refused = None if under_way else _refused(course, rows)
    connection.execute(
        update(enrollments)
        .where(enrollments.c.id == enrollment.id)
        .values(
            state=EnrollmentState.ACTIVE,
            next_at=None if under_way or refused else slot,
            changed_at=now,
        )
    )
    if under_way is not None:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == under_way.id, deliveries.c.state == DeliveryState.PLANNED)
            .values(retry_at=slot)
        )
    if refused is not None:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == refused[0], deliveries.c.state == DeliveryState.FAILED)
            .values(
                state=DeliveryState.PLANNED,
                letter_id=refused[1],
                retry_at=slot,
                handed_at=None,
                settled_at=None,
                deferrals=0,
            )
        )


def _refused(course: PublishedCourse, rows: Sequence[Record]) -> tuple[str, int] | None:
    """Return the delivery that holds the course, and the letter to try again with."""
    delivered = [row.letter_key for row in rows if row.state in PACING_STATES]
    key = next_key(course.keys, course.renames, delivered)
    renames = dict(course.renames)
    for row in rows:
        now_called = renames.get(row.letter_key, row.letter_key)
        if row.state == DeliveryState.FAILED and now_called == key:
            return row.id, course.letter_ids[course.keys.index(now_called)]
    return None
