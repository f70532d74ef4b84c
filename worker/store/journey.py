"""A person's way through one course, as their own page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy import Connection, select

from course.model import Kind
from worker.model import PACING_STATES, EnrollmentState
from worker.progress import called_now, kind_of, next_key
from worker.store.editions import Editions
from worker.store.membership import Membership, find_membership
from worker.store.projecting import projection
from worker.store.runs import reflected
from worker.store.schema import deliveries, enrollments, letters


@dataclass(frozen=True, slots=True)
class Had:
    """A letter that a person got.

    Attributes:
        key: as it is called now.
        letter_id: the stored letter, as they got it.
        answered: they reflected on it.
    """

    key: str
    title: str
    kind: Kind
    letter_id: int
    handed_at: datetime
    answered: bool


@dataclass(frozen=True, slots=True)
class Ahead:
    """A letter that is to come.

    Attributes:
        due_at: ``None`` while nobody can know; a past one is due.
    """

    key: str
    title: str
    kind: Kind
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Journey:
    """Where a person stands in one course, what they had and what comes.

    Attributes:
        zone: IANA name that their clock follows.
        send_at: local time of their letters.
        had: in the order of hand-over, reminders left out.
        ahead: in order; empty when the course does not go on.
    """

    membership: Membership
    zone: str
    send_at: time
    had: tuple[Had, ...]
    ahead: tuple[Ahead, ...]


def find_journey(
    connection: Connection, editions: Editions, enrollment_id: int, now: datetime
) -> Journey | None:
    """Return a person's way through a course; ``None`` where there is no such enrollment."""
    membership = find_membership(connection, editions, enrollment_id)
    if membership is None:
        return None
    course = membership.course
    row = connection.execute(select(enrollments).where(enrollments.c.id == enrollment_id)).one()
    rows = connection.execute(_LETTERS.where(deliveries.c.enrollment_id == enrollment_id)).all()
    answered = reflected(connection, editions, [enrollment_id]).get(enrollment_id, ())
    known = dict(course.renames)
    had = tuple(
        Had(
            key=called_now(known, each.letter_key),
            title=editions.letter(connection, each.letter_id).letter.title,
            kind=Kind(each.kind),
            letter_id=each.letter_id,
            handed_at=each.handed_at,
            answered=called_now(known, each.letter_key) in answered,
        )
        for each in rows
        if each.reminds_of is None
    )
    ids = dict(zip(course.keys, course.letter_ids, strict=True))
    delivered = [each.letter_key for each in rows]
    calendar = _calendar(connection, editions, membership, delivered, now)
    return Journey(
        membership=membership,
        zone=row.zone or course.schedule.timezone,
        send_at=row.send_at or course.schedule.send_at,
        had=had,
        ahead=tuple(
            Ahead(
                key=key,
                title=editions.letter(connection, ids[key]).letter.title,
                kind=kind_of(course.keys, key),
                due_at=due_at,
            )
            for key, due_at in calendar
            if key in ids
        ),
    )


def _calendar(
    connection: Connection,
    editions: Editions,
    membership: Membership,
    delivered: Sequence[str],
    now: datetime,
) -> list[tuple[str, datetime | None]]:
    """Return the letters that are to come, with when, unless the course stands still."""
    if not membership.goes_on:
        return []
    if membership.state == EnrollmentState.ACTIVE:
        return list(projection(connection, editions, membership.enrollment_id, now))
    course = membership.course
    first = next_key(course.keys, course.renames, delivered)
    return [] if first is None else [(key, None) for key in course.keys[course.keys.index(first) :]]


_LETTERS = (
    select(
        deliveries.c.letter_key,
        deliveries.c.letter_id,
        deliveries.c.handed_at,
        letters.c.kind,
        letters.c.reminds_of,
    )
    .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
    .join(letters, letters.c.id == deliveries.c.letter_id)
    .where(deliveries.c.run == enrollments.c.run, deliveries.c.state.in_(PACING_STATES))
    .order_by(deliveries.c.handed_at, deliveries.c.id)
)
