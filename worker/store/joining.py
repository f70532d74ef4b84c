"""Joining a course: whole lists at once, and again without any effect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, String, bindparam, insert, literal, select, true, update

from worker.model import EnrollmentState, EnrollResult, Person, PublishedCourse, SubscriberState
from worker.pseudonyms import Digests
from worker.schedule import welcome_at
from worker.store.engine import chunks, new_into
from worker.store.given import GIVEN, Clock, Day, among, as_given, given
from worker.store.leaving import LEFT_STATES
from worker.store.locking import lock_addresses, lock_people_at
from worker.store.placeholders import go_on_again, take_up
from worker.store.schema import courses, enrollments, subscribers
from worker.store.suppressing import erased_among
from worker.store.types import Id, Instant, Record, as_kept


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
    first: dict[str, Person] = {}
    for person in people:
        first.setdefault(person.address, person)
    erased = erased_among(connection, digests, first)
    listed = [each for each in first if each not in erased]
    take_up(connection, digests, listed)
    course_id = connection.scalar(_COURSE, {"slug": course.slug})
    ids = _add(connection, [first[each] for each in listed], now)
    met = [each for each in listed if each not in ids]
    lock_people_at(connection, met)
    known = _known(connection, course_id, met)
    answers = dict.fromkeys(listed, EnrollResult.ENROLLED)
    answers |= {address: _answer(row) for address, row in known.items()}
    answers |= dict.fromkeys(erased, EnrollResult.SUPPRESSED)
    ids |= {address: row.id for address, row in known.items()}
    joining = [each for each in listed if answers[each] is EnrollResult.ENROLLED]
    _begin(connection, course, course_id, [(ids[each], first[each]) for each in joining], now)
    _take_in(connection, [(row, first[each], answers[each]) for each, row in known.items()], now)
    return [_first_time(answers, person.address) for person in people]


def _add(connection: Connection, people: Sequence[Person], now: datetime) -> dict[str, int]:
    """Make rows for those whom nobody knows; return these people's ids by their addresses."""
    if not people:
        return {}
    rows = as_given((each.address, as_kept(each.name), each.timezone) for each in people)
    added = connection.execute(_ADD[connection.dialect.name], {GIVEN: rows, "now": now})
    return {address: made for made, address in added.all()}


def _begin(
    connection: Connection,
    course: PublishedCourse,
    course_id: int | None,
    joining: Sequence[tuple[int, Person]],
    now: datetime,
) -> None:
    """Let people, given with their ids, take the course."""
    if not joining:
        return
    at, zone = course.schedule.send_at, course.schedule.timezone
    rows = as_given(
        (
            subscriber_id,
            each.timezone,
            each.send_at,
            each.start,
            welcome_at(now, each.start, each.send_at or at, each.timezone or zone),
        )
        for subscriber_id, each in joining
    )
    connection.execute(_BEGIN, {GIVEN: rows, "course_id": course_id, "now": now})


def _take_in(
    connection: Connection, met: Sequence[tuple[Record, Person, EnrollResult]], now: datetime
) -> None:
    """Learn about known people who join what they left open, and confirm who is still pending."""
    staying = [(row, each) for row, each, answer in met if answer is not EnrollResult.SUPPRESSED]
    waiting = [row.id for row, _ in staying if row.state == SubscriberState.PENDING]
    _complete_names(
        connection,
        [
            (row, each)
            for row, each in staying
            if row.enrollment is None or row.state == SubscriberState.PENDING
        ],
    )
    go_on_again(connection, waiting, now)
    _make_active(connection, waiting)


def _known(
    connection: Connection, course_id: int | None, addresses: Sequence[str]
) -> dict[str, Record]:
    if not addresses:
        return {}
    rows = connection.execute(_KNOWN, {"addresses": addresses, "course_id": course_id})
    return {row.address: row for row in rows.all()}


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


_COURSE = select(courses.c.id).where(courses.c.slug == bindparam("slug"))

_listed = given(address=String, name=String, timezone=String)

_ADD = {
    dialect: new_into(subscribers, dialect)
    .from_select(
        ["address", "name", "timezone", "state", "created_at"],
        select(*_listed.c, literal(SubscriberState.ACTIVE), bindparam("now", type_=Instant)).where(
            true()  # or SQLite takes the conflict's ON for a join's
        ),
    )
    .returning(subscribers.c.id, subscribers.c.address)
    for dialect in ("sqlite", "postgresql")
}

_joining = given(subscriber_id=Id, zone=String, send_at=Clock, start=Day, next_at=Instant)

_BEGIN = insert(enrollments).from_select(
    [
        *(column.key for column in _joining.c),
        *("course_id", "run", "state", "created_at", "changed_at"),
    ],
    select(
        *_joining.c,
        bindparam("course_id", type_=Id),
        literal(1),
        literal(EnrollmentState.ACTIVE),
        bindparam("now", type_=Instant),
        bindparam("now", type_=Instant),
    ),
)

_KNOWN = (
    select(
        subscribers.c.id,
        subscribers.c.address,
        subscribers.c.name,
        subscribers.c.timezone,
        subscribers.c.state,
        enrollments.c.state.label("enrollment"),
    )
    .outerjoin(
        enrollments,
        (enrollments.c.subscriber_id == subscribers.c.id)
        & (enrollments.c.course_id == bindparam("course_id")),
    )
    .where(among(subscribers.c.address, "addresses"))
)
