"""The settle: what became of a hand-over, and what that means for the course.

A definite refusal may come late, when the delivery is in doubt already and paced the course. If
nothing later was made for that run, the letter is planned again in its place; otherwise it is
``failed``: sending it now would break the order of the letters, which is a promise too.

News by events settles through the same rows; whatever we believed of the letter, it outweighs that.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Connection, String, bindparam, func, null, select, update

from worker.model import (
    OPEN_STATES,
    DeliveryState,
    Gated,
    Moment,
    Outcome,
    SubscriberState,
    Tally,
    Verdict,
)
from worker.store.editions import Editions
from worker.store.engine import rows_of
from worker.store.fate import Settled, change_for, shortened
from worker.store.given import among, as_given, given, looked_up, row_by_row
from worker.store.going_on import go_on
from worker.store.leaving import leave
from worker.store.prepared import Prepared
from worker.store.schema import attempts, courses, deliveries, enrollments, letters, subscribers
from worker.store.types import Id, Instant, Record, those


def settle(
    connection: Connection,
    editions: Editions,
    results: Sequence[tuple[Gated, Outcome]],
    moment: Moment,
) -> Mapping[int, DeliveryState]:
    """Record outcomes; those of a former owner, or settled already, change nothing.

    Returns:
        The new state of each delivery that has one, by its attempt.
    """
    answers = {gated.attempt_id: (gated.claimed.epoch, outcome) for gated, outcome in results}
    return settle_answers(connection, editions, answers, moment)


def tally(states: Iterable[DeliveryState]) -> Tally:
    """Count what became of deliveries."""
    counted = Counter(states)
    return Tally(
        sent=counted[DeliveryState.SENT],
        failed=counted[DeliveryState.FAILED],
        in_doubt=counted[DeliveryState.IN_DOUBT],
        cancelled=counted[DeliveryState.CANCELLED],
    )


def settle_told(
    connection: Connection, editions: Editions, answers: Mapping[str, Outcome], now: datetime
) -> None:
    """Record what events told of deliveries, by id; those that say it already stay as they are."""
    settled = []
    for row in rows_of(connection, _TOLD, list(answers)):
        answer = answers[row.id]
        moved_on = row.state not in OPEN_STATES and _moved_on(connection, row)
        change = change_for(row, answer, now, moved_on=moved_on)
        if change.state != row.state:
            settled.append((row, answer, change))
    # whatever became of it later, its provider had taken it
    _write(connection, editions, settled, now, closing=lambda _: Verdict.ACCEPTED)


def settle_answers(
    connection: Connection,
    editions: Editions,
    answers: Mapping[int, tuple[int, Outcome]],
    moment: Moment,
) -> Mapping[int, DeliveryState]:
    """Record answers by attempt, each with the epoch that it was made in.

    One whose attempt has its answer already, or whose epoch is over, changes nothing.

    Returns:
        The new state of each delivery that has one, by its attempt.
    """
    if not answers:
        return {}
    settled = []
    for row in _LIVE(connection, ids=answers):
        epoch, answer = answers[row.attempt_id]
        if row.epoch != epoch:
            continue
        moved_on = row.state == DeliveryState.IN_DOUBT and _moved_on(connection, row)
        settled.append((row, answer, change_for(row, answer, moment.now, moved_on=moved_on)))
    _write(connection, editions, settled, moment.now, closing=attrgetter("verdict"))
    return {row.attempt_id: change.state for row, _, change in settled if change.state != row.state}


def doubt(connection: Connection, editions: Editions, ids: Sequence[str], now: datetime) -> None:
    """Put hand-overs in doubt, whose rows are locked; their answers may still come."""
    nobody = Outcome(Verdict.UNKNOWN, "no answer before the deadline")
    rows = _HANDING(connection, ids=ids)
    changes = [(row, nobody, change_for(row, nobody, now, moved_on=False)) for row in rows]
    _write(connection, editions, changes, now, closing=None)


_DELIVERIES = (
    select(
        deliveries.c.id,
        deliveries.c.enrollment_id,
        deliveries.c.run,
        deliveries.c.letter_key,
        deliveries.c.state,
        deliveries.c.epoch,
        deliveries.c.due_at,
        deliveries.c.deferrals,
        letters.c.kind,
        enrollments.c.subscriber_id,
        enrollments.c.run.label("present_run"),
        enrollments.c.state.label("enrollment"),
        enrollments.c.zone,
        enrollments.c.send_at,
        enrollments.c.start,
        enrollments.c.waits_on,
        courses.c.edition_id,
    )
    .select_from(deliveries)
    .join(letters, letters.c.id == deliveries.c.letter_id)
    .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
    .join(courses, courses.c.id == enrollments.c.course_id)
)

_IS_LIVE = row_by_row(attempts.c.outcome.is_(None))

_LIVE = Prepared(
    _DELIVERIES.add_columns(attempts.c.id.label("attempt_id"), deliveries.c.handed_at)
    .join(attempts, attempts.c.delivery_id == deliveries.c.id)
    .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
    .where(
        among(attempts.c.id),
        _IS_LIVE,
        (deliveries.c.state == DeliveryState.HANDING)
        | (deliveries.c.state == DeliveryState.IN_DOUBT),
    )
    .order_by(subscribers.c.id, enrollments.c.id)
    .with_for_update(of=subscribers, key_share=True)
    .suffix_with("FOR UPDATE OF enrollments, deliveries, attempts", dialect="postgresql")
)

_HANDING = Prepared(
    _DELIVERIES.add_columns(null().label("attempt_id"), deliveries.c.handed_at).where(
        among(deliveries.c.id), deliveries.c.state == DeliveryState.HANDING
    )
)

_TOLD = (
    _DELIVERIES.add_columns(
        attempts.c.id.label("attempt_id"),
        func.coalesce(deliveries.c.handed_at, attempts.c.gated_at).label("handed_at"),
    )
    .join(attempts, attempts.c.delivery_id == deliveries.c.id)
    .where(
        deliveries.c.id.in_(those()),
        attempts.c.number == deliveries.c.attempts,  # the newest
        deliveries.c.state != DeliveryState.SKIPPED,
    )
    .with_for_update(of=(enrollments, deliveries))
)


def _moved_on(connection: Connection, row: Record) -> bool:
    if row.run != row.present_run:
        return True
    other = select(deliveries.c.id).where(
        deliveries.c.enrollment_id == row.enrollment_id,
        deliveries.c.run == row.run,
        deliveries.c.id != row.id,
        deliveries.c.state.in_(OPEN_STATES) | (deliveries.c.handed_at > row.handed_at),
    )
    return connection.execute(other.limit(1)).first() is not None


def _write(
    connection: Connection,
    editions: Editions,
    settled: Settled,
    now: datetime,
    *,
    closing: Callable[[Outcome], Verdict] | None,
) -> None:
    """Write what becomes of letters and their courses.

    Args:
        connection: a writing transaction, in which the rows are locked.
        editions: the shelf.
        settled: letters, what is known of them, and what that changes.
        now: the calendar's instant.
        closing: the verdict that ends the attempt; ``None``: its answer may still come.
    """
    if not settled:
        return
    fates: dict[_Fate, list[tuple[object, ...]]] = defaultdict(list)
    for row, answer, change in settled:
        fate = _Fate(
            row.epoch,
            row.state,
            closing(answer) if closing else None,
            change.state,
            None if change.state in _NOT_HANDED else row.handed_at,
            None if change.state == DeliveryState.PLANNED else now,
            row.deferrals + (answer.verdict == Verdict.DEFERRED),
        )
        own = (row.id, row.attempt_id, shortened(answer.detail), change.retry_at)
        fates[fate].append(own)
    for fate, each in fates.items():
        rows = as_given(each)
        if fate.outcome:
            _CLOSE(connection, given=rows, outcome=fate.outcome, now=now)
        _SETTLE(connection, given=rows, **fate._asdict())
    go_on(connection, editions, settled, now)
    bounced = [row.subscriber_id for row, _, change in settled if change.bounced]
    if bounced:
        leave(connection, bounced, SubscriberState.BOUNCED, now)


_NOT_HANDED = (DeliveryState.PLANNED, DeliveryState.CANCELLED)


class _Fate(NamedTuple):
    """What letters of one window mostly have in common.

    Attributes:
        was: the state that they leave.
        outcome: what ends their attempts; ``None``: the answers may still come.
    """

    epoch: int
    was: str
    outcome: Verdict | None
    state: DeliveryState
    handed_at: datetime | None
    settled_at: datetime | None
    deferrals: int


_own = given(id=String, attempt_id=Id, detail=String, retry_at=Instant)

_CLOSE = Prepared(
    update(attempts)
    .where(looked_up(attempts.c.id, _own.c.attempt_id), _IS_LIVE)
    .values(outcome=bindparam("outcome"), detail=_own.c.detail, answered_at=bindparam("now"))
)

_SETTLE = Prepared(
    update(deliveries)
    .where(
        looked_up(deliveries.c.id, _own.c.id),
        deliveries.c.epoch == bindparam("epoch"),
        row_by_row(deliveries.c.state == bindparam("was")),
    )
    .values(
        state=bindparam("state"),
        owner=None,
        lease_until=None,
        retry_at=_own.c.retry_at,
        handed_at=bindparam("handed_at"),
        settled_at=bindparam("settled_at"),
        deferrals=bindparam("deferrals"),
        detail=_own.c.detail,
    )
)
