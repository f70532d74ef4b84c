"""The life of service mail that was planned: its gate, what became of it, and who was lost.

Each hand-over is durable before the network sees anything and is never repeated: what has no
answer is in doubt, and whoever misses it asks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, select, update

from course.model import Sender
from worker.model import (
    Command,
    DueNotice,
    Moment,
    NoticePurpose,
    NoticeState,
    Outcome,
    SubscriberState,
    Verdict,
)
from worker.store.engine import rows_of
from worker.store.fate import back_off, shortened
from worker.store.leaving import WHY_LEFT, leave
from worker.store.locking import lock_people
from worker.store.membership import is_erased
from worker.store.schema import consents, courses, editions, enrollments, notices, subscribers
from worker.store.signing import left_since
from worker.store.types import Record, those


def begin_notices(
    connection: Connection,
    moment: Moment,
    limit: int,
    deadline: timedelta,
    due_by: datetime,
) -> list[DueNotice]:
    """Let through up to ``limit`` that are due and still of use; empty only when none is due.

    The others are void. Whoever's rows are in use at this moment is passed over: theirs stay due.
    On commit those returned count as handed over.
    """
    until = moment.wall + deadline
    while True:
        rows = _due_and_locked(connection, due_by, limit)
        passing = [row for row in rows if not _why_not(row, moment.now)]
        for row in rows:
            if row in passing:
                _hand_over(connection, row, until, moment.now)
            else:
                why = _why_not(row, moment.now)
                _settle(connection, row, NoticeState.VOID, moment.now, why)
        if passing or not rows:
            return [_due(row, moment.now) for row in passing]


def settle_notices(
    connection: Connection, results: Sequence[tuple[DueNotice, Outcome]], moment: Moment
) -> None:
    """Record what became of hand-overs; an answer to another attempt changes nothing."""
    _lock_people(connection, [notice.id for notice, _ in results])
    for notice, outcome in results:
        row = connection.execute(
            _HANDED, {"which": notice.id, "attempt": notice.attempt}
        ).one_or_none()
        if row is None:
            continue
        if outcome.verdict in _SETTLED:
            _settle(connection, row, _SETTLED[outcome.verdict], moment.now, outcome.detail)
            if outcome.address_at_fault:
                leave(connection, [row.subscriber_id], SubscriberState.BOUNCED, moment.now)
            continue
        again = moment.now + back_off(row.id, row.attempts, outcome.retry_after)
        if again < row.expires_at:
            connection.execute(
                update(notices)
                .where(_as_it_was(row))
                .values(
                    state=NoticeState.PLANNED,
                    due_at=again,
                    lease_until=None,
                    handed_at=None,
                    settled_at=None,
                    outcome=shortened(outcome.detail),
                )
            )
        else:
            _settle(connection, row, NoticeState.VOID, moment.now, outcome.detail)


def reap_notices(connection: Connection, moment: Moment) -> None:
    """Doubt what was handed over and lost; its own late answer may still settle it."""
    lost = select(notices.c.id).where(notices.c.lease_until < moment.wall)
    connection.execute(
        update(notices)
        .where(
            notices.c.id.in_(lost.with_for_update(skip_locked=True)),
            notices.c.state == NoticeState.HANDING,
        )
        .values(
            state=NoticeState.IN_DOUBT,
            lease_until=None,
            settled_at=moment.now,
            outcome="no answer before the deadline",
        )
    )


def due_notices(connection: Connection, now: datetime, limit: int) -> int:
    """Count those that are due, to ``limit`` at most."""
    due = select(notices.c.id).where(notices.c.due_at <= now).limit(limit).subquery()
    return connection.scalar(select(func.count()).select_from(due)) or 0


def next_notice_at(connection: Connection) -> datetime | None:
    """Return when the next one falls due or is tried again, past or future."""
    first = select(notices.c.due_at).where(notices.c.due_at.is_not(None))
    return connection.execute(first.order_by(notices.c.due_at).limit(1)).scalar()


def is_handing_notices(connection: Connection) -> bool:
    """Tell whether one is under way."""
    under_way = select(notices.c.id).where(notices.c.lease_until.is_not(None)).limit(1)
    return connection.scalar(under_way) is not None


_SETTLED = {
    Verdict.ACCEPTED: NoticeState.SENT,
    Verdict.REFUSED: NoticeState.FAILED,
    Verdict.UNKNOWN: NoticeState.IN_DOUBT,
}


def _why_not(row: Record, now: datetime) -> str:
    """Return why this person is not to get this mail; empty when they are."""
    if row.expires_at <= now:
        return "it came too late to be of use"
    if is_erased(row.address):
        return "its person was erased"
    if row.purpose == NoticePurpose.CONFIRM and (row.asked_at is None or row.given_at is not None):
        return "there is nothing to confirm"
    if row.purpose == NoticePurpose.CONFIRM and left_since(row.asked_at, row.left_at):
        return "they left after they had asked"
    if row.subscriber == SubscriberState.UNSUBSCRIBED and _of_use_to_those_who_left(row):
        return ""
    return WHY_LEFT.get(row.subscriber, "")


def _of_use_to_those_who_left(row: Record) -> bool:
    answers_their_leaving = row.purpose == NoticePurpose.ANSWER and row.detail == Command.STOP
    return bool(answers_their_leaving or row.purpose == NoticePurpose.CONFIRM)


def _hand_over(connection: Connection, row: Record, until: datetime, now: datetime) -> None:
    connection.execute(
        update(notices)
        .where(_as_it_was(row))
        .values(
            state=NoticeState.HANDING,
            due_at=None,
            lease_until=until,
            handed_at=now,
            attempts=row.attempts + 1,
        )
    )


def _settle(
    connection: Connection, row: Record, state: NoticeState, now: datetime, outcome: str
) -> None:
    connection.execute(
        update(notices)
        .where(_as_it_was(row))
        .values(
            state=state,
            due_at=None,
            lease_until=None,
            settled_at=now,
            outcome=shortened(outcome),
        )
    )


def _as_it_was(row: Record) -> ColumnElement[bool]:
    same: ColumnElement[bool] = and_(
        notices.c.id == row.id, notices.c.state == row.state, notices.c.attempts == row.attempts
    )
    return same


def _due_and_locked(connection: Connection, due_by: datetime, limit: int) -> Sequence[Record]:
    """Return due notices that nobody else holds, and whose people nobody is about to change."""
    due = connection.scalars(_DUE, {"due_by": due_by, "most": limit}).all()
    rows = connection.execute(_WITH_PEOPLE, {"ids": due}).all() if due else []
    return connection.execute(_READ, {"ids": [row.id for row in rows]}).all() if rows else []


def _lock_people(connection: Connection, notice_ids: Sequence[str]) -> None:
    whose = select(notices.c.subscriber_id).where(notices.c.id.in_(those()))
    lock_people(connection, [row.subscriber_id for row in rows_of(connection, whose, notice_ids)])


def _due(row: Record, now: datetime) -> DueNotice:
    return DueNotice(
        id=row.id,
        purpose=NoticePurpose(row.purpose),
        detail=row.detail,
        subject_id=row.subject_id,
        enrollment_id=row.enrollment_id,
        address=row.address,
        name=row.name,
        course_title=row.title,
        language=row.language,
        sender=Sender(row.sender_name, row.sender_email, row.sender_postal_address),
        attempt=row.attempts + 1,
        handed_at=now,
    )


_DUE = (
    select(notices.c.id)
    .where(notices.c.due_at <= bindparam("due_by"))
    .order_by(notices.c.due_at, notices.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)

_WITH_PEOPLE = (
    select(notices.c.id)
    .join(subscribers, subscribers.c.id == notices.c.subscriber_id)
    .where(notices.c.id.in_(those()))
    .with_for_update(read=True, of=subscribers, skip_locked=True)
)

_READ = (
    select(
        notices.c.id,
        notices.c.state,
        notices.c.purpose,
        notices.c.detail,
        notices.c.subject_id,
        notices.c.attempts,
        notices.c.expires_at,
        subscribers.c.address,
        subscribers.c.name,
        subscribers.c.state.label("subscriber"),
        subscribers.c.left_at,
        enrollments.c.id.label("enrollment_id"),
        consents.c.asked_at,
        consents.c.given_at,
        editions.c.title,
        editions.c.language,
        editions.c.sender_name,
        editions.c.sender_email,
        editions.c.sender_postal_address,
    )
    .join(subscribers, subscribers.c.id == notices.c.subscriber_id)
    .join(courses, courses.c.id == notices.c.course_id)
    .join(editions, editions.c.id == courses.c.edition_id)
    .outerjoin(
        enrollments,
        (enrollments.c.subscriber_id == notices.c.subscriber_id)
        & (enrollments.c.course_id == notices.c.course_id),
    )
    .outerjoin(
        consents,
        (consents.c.id == notices.c.subject_id) & (notices.c.purpose == NoticePurpose.CONFIRM),
    )
    .where(notices.c.id.in_(those()))
    .order_by(notices.c.due_at, notices.c.id)
)

_HANDED = (
    select(
        notices.c.id,
        notices.c.state,
        notices.c.subscriber_id,
        notices.c.attempts,
        notices.c.expires_at,
    )
    .where(
        notices.c.id == bindparam("which"),
        notices.c.attempts == bindparam("attempt"),
        notices.c.state.in_((NoticeState.HANDING, NoticeState.IN_DOUBT)),
    )
    .with_for_update()
)
