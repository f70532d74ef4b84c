"""Where people stand and what the ledger holds, for those who ask; nothing here writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from course.model import Sender
from worker.compose import message_id
from worker.errors import UnknownSubscriber
from worker.model import (
    OPEN_STATES,
    PACING_STATES,
    DeliveryRecord,
    DeliveryState,
    EnrollmentStanding,
    EnrollmentState,
    PublishedCourse,
    Standing,
    SubscriberState,
)
from worker.pacing import Plan, plan_after
from worker.progress import called_now, is_nudge, next_key
from worker.store.editions import Editions
from worker.store.membership import GOING_ON
from worker.store.runs import hours_of, reflected, run_of
from worker.store.schema import (
    IS_FINAL,
    IS_OPEN,
    courses,
    deliveries,
    editions,
    enrollments,
    letters,
    subscribers,
)
from worker.store.types import Record


def standing(connection: Connection, shelf: Editions, address: str) -> Standing:
    """Return where one person stands.

    Raises:
        UnknownSubscriber: nobody has that address.
    """
    found = _standings(connection, shelf, select(subscribers.c.id).where(_is(address)))
    if not found:
        raise UnknownSubscriber("nobody is enrolled under this address", where=address)
    return found[0]


def standings(
    connection: Connection, shelf: Editions, course: str | None, limit: int | None
) -> list[Standing]:
    """Return people by address, with all their courses, or only those of one course.

    Raises:
        UnknownCourse: ``course`` was never published.
    """
    chosen = select(subscribers.c.id).order_by(subscribers.c.address).limit(limit)
    if course is not None:
        shelf.newest(connection, course)
        taking = (
            select(enrollments.c.subscriber_id)
            .join(courses, courses.c.id == enrollments.c.course_id)
            .where(courses.c.slug == course)
        )
        chosen = chosen.where(subscribers.c.id.in_(taking))
    return _standings(connection, shelf, chosen)


def records(
    connection: Connection, state: DeliveryState | None, course: str | None, limit: int | None
) -> list[DeliveryRecord]:
    """Return deliveries, the newest due first."""
    query = (
        select(
            deliveries,
            subscribers.c.address,
            courses.c.slug,
            editions.c.sender_name,
            editions.c.sender_email,
            editions.c.sender_postal_address,
        )
        .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
        .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
        .join(courses, courses.c.id == enrollments.c.course_id)
        .join(letters, letters.c.id == deliveries.c.letter_id)
        .join(editions, editions.c.id == letters.c.edition_id)
        .order_by(deliveries.c.due_at.desc(), deliveries.c.id)
        .limit(limit)
    )
    if state is not None:
        kind = IS_OPEN if state in OPEN_STATES else IS_FINAL
        query = query.where(deliveries.c.state == state, kind)
    if course is not None:
        query = query.where(courses.c.slug == course)
    return [_record(row) for row in connection.execute(query)]


def enrollments_of(connection: Connection, chosen: Select[int]) -> dict[int, list[Record]]:
    """Return the enrollments of the chosen subscribers, with slug and newest edition's id."""
    rows = connection.execute(
        select(enrollments, courses.c.slug, courses.c.edition_id)
        .join(courses, courses.c.id == enrollments.c.course_id)
        .where(enrollments.c.subscriber_id.in_(chosen))
        .order_by(courses.c.slug)
    )
    return _grouped(rows, "subscriber_id")


def deliveries_of(connection: Connection, chosen: Select[int]) -> dict[int, list[Record]]:
    """Return the deliveries of the chosen subscribers' present runs, oldest due first."""
    rows = connection.execute(
        select(deliveries, letters.c.kind)
        .join(letters, letters.c.id == deliveries.c.letter_id)
        .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
        .where(enrollments.c.subscriber_id.in_(chosen), deliveries.c.run == enrollments.c.run)
        .order_by(deliveries.c.due_at, deliveries.c.handed_at)
    )
    return _grouped(rows, "enrollment_id")


def upcoming(
    course: PublishedCourse, enrollment: Record, rows: Sequence[Record]
) -> tuple[str | None, datetime | None]:
    """Return the key of the letter that comes next, as it is called now, and when it is due.

    A reminder is no such letter; where one is waited with, that is when the wait is over. Nor is a
    letter under way that an edit removed: it is skipped when it is due, and the next one sent.
    """
    if enrollment.state not in GOING_ON:
        return None, None
    letters_ = [row for row in rows if not is_nudge(row.letter_key)]
    under_way = next((row for row in letters_ if row.state in OPEN_STATES), None)
    delivered = [row.letter_key for row in letters_ if row.state in PACING_STATES]
    if under_way is not None:
        key = called_now(dict(course.renames), under_way.letter_key)
        comes = key if key in course.keys else next_key(course.keys, course.renames, delivered)
        return comes, under_way.retry_at
    waiting = wait_of(course, enrollment, rows)
    due_at = enrollment.next_at if waiting is None else waiting.letter_at
    return next_key(course.keys, course.renames, delivered), due_at


def wait_of(course: PublishedCourse, enrollment: Record, rows: Sequence[Record]) -> Plan | None:
    """Return how an active course goes on that waits for a reflection; ``None`` where none does."""
    run = run_of(course, enrollment.waits_on, rows)
    if enrollment.state != EnrollmentState.ACTIVE or run.waits_on is None:
        return None
    plan = plan_after(hours_of(enrollment), course, run)
    if enrollment.next_at is not None:
        plan = plan.looked_at(enrollment.next_at)
    return plan if plan.waits_on else None


def _standings(connection: Connection, shelf: Editions, chosen: Select[int]) -> list[Standing]:
    people = connection.execute(
        select(subscribers).where(subscribers.c.id.in_(chosen)).order_by(subscribers.c.address)
    ).all()
    taken = enrollments_of(connection, chosen)
    history = deliveries_of(connection, chosen)
    every = [each.id for theirs in taken.values() for each in theirs]
    written = reflected(connection, shelf, every)
    answer = []
    for person in people:
        theirs = taken.get(person.id, [])
        zone = person.timezone or next(
            (shelf.edition(connection, each.edition_id).schedule.timezone for each in theirs),
            "UTC",
        )
        answer.append(
            Standing(
                address=person.address,
                name=person.name,
                timezone=zone,
                state=SubscriberState(person.state),
                enrollments=tuple(
                    _standing(
                        shelf.edition(connection, each.edition_id),
                        each,
                        history.get(each.id, []),
                        written.get(each.id, ()),
                    )
                    for each in theirs
                ),
            )
        )
    return answer


def _standing(
    course: PublishedCourse, enrollment: Record, rows: Sequence[Record], written: Sequence[str]
) -> EnrollmentStanding:
    key, due_at = upcoming(course, enrollment, rows)
    known = dict(course.renames)
    return EnrollmentStanding(
        course=course.slug,
        run=enrollment.run,
        state=EnrollmentState(enrollment.state),
        next=key,
        next_at=due_at,
        sent=tuple(
            called_now(known, row.letter_key)
            for row in rows
            if row.state in PACING_STATES and not is_nudge(row.letter_key)
        ),
        reflections=tuple(written),
    )


def _record(row: Record) -> DeliveryRecord:
    sender = Sender(row.sender_name, row.sender_email, row.sender_postal_address)
    return DeliveryRecord(
        id=row.id,
        address=row.address,
        course=row.slug,
        letter=row.letter_key,
        state=DeliveryState(row.state),
        due_at=row.due_at,
        handed_at=row.handed_at,
        settled_at=row.settled_at,
        attempts=row.attempts,
        message_id=message_id(row.id, sender),
    )


def _is(address: str) -> Any:
    return subscribers.c.address == address


def _grouped(rows: Iterable[Record], column: str) -> dict[int, list[Record]]:
    groups: dict[int, list[Record]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, column)].append(row)
    return groups
