"""Joining a course: whole lists at once, and again without any effect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from worker.model import EnrollmentState, EnrollResult, Person, PublishedCourse, SubscriberState
from worker.pseudonyms import Digests
from worker.schedule import welcome_at
from worker.store.engine import chunks, insert_new
from worker.store.leaving import LEFT_STATES
from worker.store.locking import lock_addresses, lock_people_at
from worker.store.placeholders import go_on_again, take_up
from worker.store.schema import Record, courses, enrollments, subscribers
from worker.store.suppressing import erased_among


def enroll(
    connection: Connection,
    course: PublishedCourse,
    people: Sequence[Person],
    now: datetime,
    digests: Digests = lambda _: (),
) -> list[EnrollResult]:
    """Enroll people, each at most once; the answers are in their order.

    Whoever left is never enrolled again by a list; whoever takes the course already keeps
    everything as it is, their name and hour too. Whoever signed up and has not confirmed yet needs
    to no more: that they want this is the operator's word now. ``digests`` finds those who were
    erased.
    """
    lock_addresses(connection)
    listed = dict.fromkeys(person.address for person in people)
    erased = erased_among(connection, digests, listed)
    addresses = [each for each in listed if each not in erased]
    take_up(connection, digests, addresses)
    first = {person.address: person for person in reversed(people)}
    insert_new(connection, subscribers, [_subscriber(first[each], now) for each in addresses])
    lock_people_at(connection, addresses)
    course_id = connection.scalar(select(courses.c.id).where(courses.c.slug == course.slug))
    known = _known(connection, course_id, addresses)
    answers = {address: _answer(known[address]) for address in addresses}
    answers |= dict.fromkeys(erased, EnrollResult.SUPPRESSED)
    joining = [each for each in addresses if answers[each] is EnrollResult.ENROLLED]
    if joining:
        connection.execute(
            insert(enrollments),
            [_enrollment(course, course_id, known[each].id, first[each], now) for each in joining],
        )
        _complete_names(connection, [(known[each], first[each]) for each in joining])
    named = [each for each in addresses if answers[each] is not EnrollResult.SUPPRESSED]
    waiting = [each for each in named if known[each].state == SubscriberState.PENDING]
    taken_up = [(known[each], first[each]) for each in waiting if known[each].enrollment]
    _complete_names(connection, taken_up)
    go_on_again(connection, [known[each].id for each in waiting], now)
    _make_active(connection, [known[each].id for each in waiting])
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


def _make_active(connection: Connection, subscriber_ids: Sequence[int]) -> None:
    for some in chunks(subscriber_ids):
        connection.execute(
            update(subscribers)
            .where(subscribers.c.id.in_(some), subscribers.c.state == SubscriberState.PENDING)
            .values(state=SubscriberState.ACTIVE)
        )
