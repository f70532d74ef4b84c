"""The claim: what is due becomes one owner's, under a lease.

A delivery's row is made here, when its letter falls due, and pins the letter it was made from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from sqlalchemy import (
    Connection,
    Integer,
    String,
    bindparam,
    func,
    insert,
    literal,
    select,
    update,
)

from course.model import NUDGE, Kind
from worker.model import (
    PACING_STATES,
    Claimed,
    DeliveryState,
    EnrollmentState,
    Moment,
    PublishedCourse,
)
from worker.progress import called_now, is_nudge, kind_of, next_key
from worker.store.editions import Editions
from worker.store.given import among, as_given, given
from worker.store.prepared import Prepared
from worker.store.retrying import IS_THERE, RECEIVING, take_again
from worker.store.runs import plans
from worker.store.schema import courses, deliveries, enrollments, subscribers
from worker.store.types import Id, Instant, Record
from worker.store.waiting import end_waits, put_off

UNDELIVERED = (DeliveryState.FAILED, DeliveryState.CANCELLED, DeliveryState.SKIPPED)
"""Final states in which nobody has the letter: where it comes next again, its row is taken up."""


NEIGHBOURS = 32
"""Enrollments in a row whose letters' ids begin alike."""


def delivery_id(installation: str, enrollment_id: int, run: int, letter_key: str) -> str:
    """Return the id that this letter to this person has, however often it is worked out.

    Who enrolled one after another falls due together. Their ids share 8 of 32 hex digits, so that
    a window touches few pages of an index, however many letters there are; and they tell nobody
    how many that is.
    """
    parts = "\n".join((installation, str(enrollment_id), str(run), letter_key))
    own = sha256(parts.encode()).hexdigest()[:24]
    return _neighbourhood(installation, enrollment_id // NEIGHBOURS) + own


@lru_cache(maxsize=1024)
def _neighbourhood(installation: str, number: int) -> str:
    return sha256(f"{installation}\n{number}".encode()).hexdigest()[:8]


def claim(
    connection: Connection,
    editions: Editions,
    installation: str,
    owner: str,
    moment: Moment,
    lease: timedelta,
    limit: int,
) -> list[Claimed]:
    """Take up to ``limit`` due letters for ``owner``; empty only when nothing is due."""
    until = moment.wall + lease
    while True:
        claimed, skipped = take_again(connection, editions, owner, until, moment.now, limit)
        room = {"now": moment.now, "most": limit - len(claimed)}
        ids = [row.id for row in _DUE(connection, **room)]
        due = _WHOM(connection, ids=ids) if ids else []
        claimed += _take(connection, editions, installation, due, owner, until, moment.now)
        if claimed or not (skipped or due):
            return claimed


def due_count(connection: Connection, now: datetime, limit: int) -> int:
    """Count letters that are due, to ``limit`` at most."""
    room = {"now": now, "most": limit}
    counted: int = sum(row.counted for each in _COUNTS for row in each(connection, **room))
    return min(counted, limit)


def is_under_way(connection: Connection) -> bool:
    """Tell whether a letter is somebody's, from its claim to its outcome."""
    under_way = select(deliveries.c.id).where(deliveries.c.lease_until.is_not(None)).limit(1)
    return connection.scalar(under_way) is not None


def next_due_at(connection: Connection) -> datetime | None:
    """Return when the next letter falls due or is tried again, past or future."""
    again = connection.scalar(
        select(func.min(deliveries.c.retry_at)).where(deliveries.c.retry_at.is_not(None))
    )
    fresh = connection.scalar(
        select(func.min(enrollments.c.next_at)).where(enrollments.c.next_at.is_not(None))
    )
    return min((each for each in (again, fresh) if each is not None), default=None)


def _take(
    connection: Connection,
    editions: Editions,
    installation: str,
    due: Sequence[Record],
    owner: str,
    until: datetime,
    now: datetime,
) -> list[Claimed]:
    """Make the deliveries of due enrollments; complete those with nothing left.

    Where a course waits for a reflection, its newest edition says by now what is due, if anything.
    """
    if not due:
        return []
    history = _history(connection, [row.id for row in due])
    waiting = plans(connection, editions, [row.id for row in due if row.waits_on is not None])
    early = {which: plan.first_at for which, plan in waiting.items() if plan.first_at > now}
    put_off(connection, list(early.items()))
    ready = [row for row in due if row.id not in early]
    claimed: list[Claimed] = []
    for row in ready:
        course = editions.edition(connection, row.edition_id)
        plan = waiting.get(row.id)
        nudging = plan is not None and plan.nudges(now)
        make = _nudge if nudging else _letter
        claimed += make(installation, row, course, history[row.id])
    _insert(connection, [each for each in claimed if each.epoch == 1], owner, until)
    _take_up(connection, [each for each in claimed if each.epoch > 1], owner, until)
    _clear(connection, [each.enrollment_id for each in claimed])
    nudged = {each.enrollment_id for each in claimed if is_nudge(each.letter_key)}
    end_waits(connection, [r.id for r in ready if r.waits_on and r.id not in nudged])
    under_way = {each.enrollment_id for each in claimed}
    _complete(connection, [row.id for row in ready if row.id not in under_way], now)
    return claimed


def _history(connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, Record]]:
    """Return the deliveries of these enrollments' present runs, by enrollment and key."""
    history: dict[int, dict[str, Record]] = defaultdict(dict)
    for row in _HISTORY(connection, ids=ids):
        history[row.enrollment_id][row.letter_key] = row
    return history


def _letter(
    installation: str, due: Record, course: PublishedCourse, past: Mapping[str, Record]
) -> list[Claimed]:
    """Return the letter that comes next, if there is one."""
    delivered = [key for key, had in past.items() if had.state in PACING_STATES]
    key = next_key(course.keys, course.renames, delivered)
    if key is None:
        return []
    letter_id = course.letter_ids[course.keys.index(key)]
    return [_made(installation, due, key, letter_id, kind_of(course.keys, key), past.get(key))]


def _nudge(
    installation: str, due: Record, course: PublishedCourse, past: Mapping[str, Record]
) -> list[Claimed]:
    """Return the reminder of the lesson that is waited on."""
    lesson = called_now(dict(course.renames), due.waits_on)
    nudge_id, key = course.waits[lesson].nudge_id, lesson + NUDGE
    if nudge_id is None:
        return []
    return [_made(installation, due, key, nudge_id, Kind.LESSON, past.get(key))]


def _made(
    installation: str, due: Record, key: str, letter_id: int, kind: Kind, past: Record | None
) -> Claimed:
    return Claimed(
        id=past.id if past else delivery_id(installation, due.id, due.run, key),
        epoch=1 if past is None else past.epoch + 1,
        enrollment_id=due.id,
        subscriber_id=due.subscriber_id,
        run=due.run,
        address=due.address,
        name=due.name,
        edition_id=due.edition_id,
        letter_id=letter_id,
        letter_key=key,
        kind=kind,
        due_at=due.next_at,
    )


def _insert(
    connection: Connection, claimed: Sequence[Claimed], owner: str, until: datetime
) -> None:
    if not claimed:
        return
    rows = as_given(
        (each.id, each.enrollment_id, each.run, each.letter_key, each.letter_id, each.due_at)
        for each in claimed
    )
    _MAKE(connection, given=rows, owner=owner, until=until)


def _take_up(
    connection: Connection, claimed: Sequence[Claimed], owner: str, until: datetime
) -> None:
    for each in claimed:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == each.id, deliveries.c.state.in_(UNDELIVERED))
            .values(
                state=DeliveryState.CLAIMED,
                epoch=each.epoch,
                letter_id=each.letter_id,
                owner=owner,
                lease_until=until,
                due_at=each.due_at,
                handed_at=None,
                settled_at=None,
                deferrals=0,
                detail="",
            )
        )


def _clear(connection: Connection, enrollment_ids: Collection[int]) -> None:
    if enrollment_ids:
        _CLEAR(connection, ids=enrollment_ids)


def _complete(connection: Connection, enrollment_ids: Collection[int], now: datetime) -> None:
    if enrollment_ids:
        connection.execute(
            update(enrollments)
            .where(enrollments.c.id.in_(enrollment_ids))
            .values(state=EnrollmentState.COMPLETED, next_at=None, waits_on=None, changed_at=now)
        )


_COUNTS = tuple(
    Prepared(
        select(func.count().label("counted")).select_from(
            select(at)
            .where(at <= bindparam("now", type_=Instant))
            .order_by(at)  # by the index, and no further than the limit
            .limit(bindparam("most"))
            .subquery()
        )
    )
    for at in (deliveries.c.retry_at, enrollments.c.next_at)
)

_DUE = Prepared(
    select(enrollments.c.id)
    .where(enrollments.c.next_at <= bindparam("now"), IS_THERE)
    .order_by(enrollments.c.next_at, enrollments.c.id)
    .limit(bindparam("most"))
    .with_for_update(of=enrollments, skip_locked=True)
)

_WHOM = Prepared(
    select(
        enrollments.c.id,
        enrollments.c.subscriber_id,
        enrollments.c.run,
        enrollments.c.next_at,
        enrollments.c.waits_on,
        subscribers.c.address,
        subscribers.c.name,
        courses.c.edition_id,
    )
    .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
    .join(courses, courses.c.id == enrollments.c.course_id)
    .where(among(enrollments.c.id), RECEIVING)
    .order_by(enrollments.c.next_at, enrollments.c.id)
    .with_for_update(of=subscribers, read=True, skip_locked=True)
)

_HISTORY = Prepared(
    select(
        deliveries.c.id,
        deliveries.c.enrollment_id,
        deliveries.c.letter_key,
        deliveries.c.state,
        deliveries.c.epoch,
    )
    .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
    .where(among(enrollments.c.id), deliveries.c.run == enrollments.c.run)
)

_new = given(
    id=String, enrollment_id=Id, run=Integer, letter_key=String, letter_id=Id, due_at=Instant
)

_MAKE = Prepared(
    insert(deliveries).from_select(
        [
            *(column.key for column in _new.c),
            *("state", "epoch", "owner", "lease_until", "attempts", "deferrals", "detail"),
        ],
        select(
            *_new.c,
            literal(DeliveryState.CLAIMED),
            literal(1),
            bindparam("owner", type_=String),
            bindparam("until", type_=Instant),
            literal(0),
            literal(0),
            literal(""),
        ),
    )
)

_CLEAR = Prepared(update(enrollments).where(among(enrollments.c.id)).values(next_at=None))
