"""Joining a course: whole lists at once, and again without any effect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, insert, select, update

from worker.model import EnrollmentState, EnrollResult, Person, PublishedCourse, SubscriberState
from worker.schedule import welcome_at
from worker.store.engine import insert_new
from worker.store.leaving import LEFT_STATES
from worker.store.schema import Record, courses, enrollments, subscribers

T = TypeVar("T")

CHUNK = 500
"""Values in one ``IN``: SQLite may be built for no more than 999."""


def enroll(
    connection: Connection, course: PublishedCourse, people: Sequence[Person], now: datetime
) -> list[EnrollResult]:
    """Enroll people, each at most once; the answers are in their order.

    Whoever left is never enrolled again by a list; whoever takes the course already keeps
    everything as it is, their name and hour too.
    """
    addresses = list(dict.fromkeys(person.address for person in people))
    first = {person.address: person for person in reversed(people)}
    insert_new(connection, subscribers, [_subscriber(first[each], now) for each in addresses])
    course_id = connection.scalar(select(courses.c.id).where(courses.c.slug == course.slug))
    known = _known(connection, course_id, addresses)
    answers = {address: _answer(known[address]) for address in addresses}
    joining = [each for each in addresses if answers[each] is EnrollResult.ENROLLED]
    if joining:
        connection.execute(
            insert(enrollments),
            [_enrollment(course, course_id, known[each].id, first[each], now) for each in joining],
        )
        _complete_names(connection, [(known[each], first[each]) for each in joining])
    return [_first_time(answers, person.address) for person in people]


def _subscriber(person: Person, now: datetime) -> dict[str, Any]:
    return {
        "address": person.address,
        "name": person.name,
        "timezone": person.timezone,
        "state": SubscriberState.ACTIVE,
        "created_at": now,
    }


def _enrollment(
    course: PublishedCourse,
    course_id: int | None,
    subscriber_id: int,
    person: Person,
    now: datetime,
) -> dict[str, Any]:
    schedule = course.schedule
    send_at = person.send_at or schedule.send_at
    zone = person.timezone or schedule.timezone
    return {
        "subscriber_id": subscriber_id,
        "course_id": course_id,
        "run": 1,
        "state": EnrollmentState.ACTIVE,
        "zone": person.timezone,
        "send_at": person.send_at,
        "start": person.start,
        "next_at": welcome_at(now, person.start, send_at, zone),
        "created_at": now,
        "changed_at": now,
    }


def _known(
    connection: Connection, course_id: int | None, addresses: Sequence[str]
) -> dict[str, Record]:
    query = select(
        subscribers.c.id,
        subscribers.c.address,
        subscribers.c.name,
        subscribers.c.timezone,
        subscribers.c.state,
        enrollments.c.state.label("enrollment"),
    ).outerjoin(
        enrollments,
        (enrollments.c.subscriber_id == subscribers.c.id) & (enrollments.c.course_id == course_id),
    )
    return {
        row.address: row
        for chunk in chunks(addresses)
        for row in connection.execute(query.where(subscribers.c.address.in_(chunk)))
    }


def _answer(known: Record) -> EnrollResult:
    if known.state in LEFT_STATES or known.enrollment == EnrollmentState.STOPPED:
        return EnrollResult.SUPPRESSED
    return EnrollResult.ENROLLED if known.enrollment is None else EnrollResult.ALREADY


def _first_time(answers: dict[str, EnrollResult], address: str) -> EnrollResult:
    answer = answers[address]
    if answer is EnrollResult.ENROLLED:  # the same address further down the list
        answers[address] = EnrollResult.ALREADY
    return answer


def _complete_names(connection: Connection, joined: list[tuple[Record, Person]]) -> None:
    """Fill what an earlier course left open about a person."""
    learned = [
        {"who": row.id, "name": row.name or person.name, "zone": row.timezone or person.timezone}
        for row, person in joined
        if (person.name and not row.name) or (person.timezone and not row.timezone)
    ]
    if learned:
        connection.execute(
            update(subscribers)
            .where(subscribers.c.id == bindparam("who"))
            .values(name=bindparam("name"), timezone=bindparam("zone")),
            learned,
        )


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield ``values`` in runs short enough for one ``IN``."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
