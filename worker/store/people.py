"""What the operator does with somebody's enrollments: pause, resume, restart, leave."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from worker.errors import Refused, UnknownSubscriber
from worker.model import (
    OPEN_STATES,
    PACING_STATES,
    DeliveryState,
    EnrollmentState,
    PublishedCourse,
    SubscriberState,
)
from worker.pacing import plan_after
from worker.progress import called_now, next_key
from worker.store.editions import Editions
from worker.store.leaving import WHY_COURSE_LEFT, WHY_LEFT, cancel_waiting, leave_course
from worker.store.locking import lock_people_at
from worker.store.runs import history, hours_of, run_of
from worker.store.schema import courses, deliveries, enrollments, subscribers
from worker.store.types import Record
from worker.store.waiting import NOT_WAITED_FOR, skip_nudge


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
    freeze(connection, going_on, now)


def resume(
    connection: Connection, editions: Editions, address: str, course: str | None, now: datetime
) -> None:
    """Go on with the next slot, also where a refused letter held the course.

    A course that waited for a reflection waits no longer. A refused letter is tried again as the
    newest edition has it: it may have been refused for its content.

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
        go_on(connection, enrollment, editions.edition(connection, enrollment.edition_id), now)


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
    if enrollment.state == EnrollmentState.STOPPED:
        remedy = f"they can sign up for it again: /subscribe/{course}"
        raise Refused(
            f"the course is not restarted: {WHY_COURSE_LEFT}", where=address, remedy=remedy
        )
    its = deliveries.c.enrollment_id == enrollment.id
    if connection.scalar(
        select(deliveries.c.id).where(its, deliveries.c.state == DeliveryState.HANDING)
    ):
        raise Refused("a letter is being handed over just now", where=address, remedy="try again")
    cancel_waiting(connection, its, now, "the course was restarted")
    connection.execute(
        update(enrollments)
        .where(enrollments.c.id == enrollment.id)
        .values(
            run=enrollment.run + 1,
            state=EnrollmentState.ACTIVE,
            next_at=now,
            waits_on=None,
            changed_at=now,
        )
    )


def _enrollments(connection: Connection, address: str, course: str | None) -> Sequence[Record]:
    lock_people_at(connection, [address])
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
        .with_for_update(of=enrollments)
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


def leave(connection: Connection, address: str, course: str, now: datetime) -> None:
    """Let a person leave one course for good; once more changes nothing.

    Raises:
        UnknownSubscriber: nobody has that address, or they do not take that course.
    """
    leave_course(connection, [each.id for each in _enrollments(connection, address, course)], now)


def freeze(connection: Connection, enrollment_ids: Collection[int], now: datetime) -> None:
    """Pause active enrollments; their letters before the gate wait with them."""
    connection.execute(
        update(enrollments)
        .where(enrollments.c.id.in_(enrollment_ids), enrollments.c.state == EnrollmentState.ACTIVE)
        .values(state=EnrollmentState.PAUSED, next_at=None, changed_at=now)
    )
    waiting = (DeliveryState.PLANNED, DeliveryState.CLAIMED)
    connection.execute(
        update(deliveries)
        .where(deliveries.c.enrollment_id.in_(enrollment_ids), deliveries.c.state.in_(waiting))
        .values(state=DeliveryState.PLANNED, owner=None, lease_until=None, retry_at=None)
    )


def next_slot_of(
    enrollment: Record, course: PublishedCourse, rows: Sequence[Record], now: datetime
) -> datetime:
    """Return when the next letter is due, if the course goes on from now.

    Args:
        enrollment: a row with ``zone``, ``send_at`` and ``start``.
        course: the newest edition.
        rows: the deliveries of its present run.
        now: the calendar's instant.
    """
    return plan_after(
        hours_of(enrollment), course, run_of(course, None, rows), not_before=now
    ).letter_at


def go_on(
    connection: Connection, enrollment: Record, course: PublishedCourse, now: datetime
) -> None:
    """Make a frozen enrollment active, its next letter due at the next slot."""
    rows = history(connection, [enrollment.id])[enrollment.id]
    slot = next_slot_of(enrollment, course, rows, now)
    under_way = next((row for row in rows if row.state in OPEN_STATES), None)
    if under_way and skip_nudge(connection, under_way, now, NOT_WAITED_FOR):
        under_way = None
    refused = None if under_way else _refused(course, rows)
    connection.execute(
        update(enrollments)
        .where(enrollments.c.id == enrollment.id)
        .values(
            state=EnrollmentState.ACTIVE,
            next_at=None if under_way or refused else slot,
            waits_on=None,
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
        now_called = called_now(renames, row.letter_key)
        if row.state == DeliveryState.FAILED and now_called == key:
            return row.id, course.letter_ids[course.keys.index(now_called)]
    return None
