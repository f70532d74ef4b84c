"""The settle: what became of a hand-over, and what that means for the course.

A definite refusal may come late, when the delivery is in doubt already and paced the course. If
nothing later was made for that run, the letter is planned again in its place; otherwise it is
``failed``: sending it now would break the order of the letters, which is a promise too.

News by events settles through the same rows; whatever we believed of the letter, it outweighs that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Integer, String, bindparam, case, func, null, select, update

from course.model import Kind
from worker.model import (
    OPEN_STATES,
    DeliveryState,
    EnrollmentState,
    Gated,
    Moment,
    Outcome,
    SubscriberState,
    Tally,
    Verdict,
)
from worker.pacing import Plan, slot_after
from worker.progress import is_nudge
from worker.store.editions import Editions
from worker.store.engine import rows_of
from worker.store.fate import Answer, Change, change_for, shortened
from worker.store.given import GIVEN, among, as_given, given
from worker.store.leaving import leave
from worker.store.runs import hours_of, plans_after
from worker.store.schema import (
    Id,
    Instant,
    Record,
    attempts,
    courses,
    deliveries,
    enrollments,
    letters,
    subscribers,
    those,
)

_UNSETTLED = (DeliveryState.HANDING, DeliveryState.IN_DOUBT)


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
    answers = {
        gated.attempt_id: (
            gated.claimed.epoch,
            Answer(outcome.verdict, outcome.detail, outcome.address_at_fault, outcome.retry_after),
        )
        for gated, outcome in results
    }
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
    connection: Connection, editions: Editions, answers: Mapping[str, Answer], now: datetime
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
    answers: Mapping[int, tuple[int, Answer]],
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
    for row in connection.execute(_LIVE, {"ids": answers}).all():
        epoch, answer = answers[row.attempt_id]
        if row.epoch != epoch:
            continue
        moved_on = row.state == DeliveryState.IN_DOUBT and _moved_on(connection, row)
        settled.append((row, answer, change_for(row, answer, moment.now, moved_on=moved_on)))
    _write(connection, editions, settled, moment.now, closing=attrgetter("outcome"))
    return {row.attempt_id: change.state for row, _, change in settled if change.state != row.state}


def doubt(connection: Connection, editions: Editions, ids: Sequence[str], now: datetime) -> None:
    """Put hand-overs in doubt, whose rows are locked; their answers may still come."""
    nobody = Answer(Verdict.UNKNOWN, "no answer before the deadline")
    rows = connection.execute(_HANDING, {"ids": ids}).all()
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

_LIVE = (
    _DELIVERIES.add_columns(attempts.c.id.label("attempt_id"), deliveries.c.handed_at)
    .join(attempts, attempts.c.delivery_id == deliveries.c.id)
    .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
    .where(
        among(attempts.c.id),
        attempts.c.outcome.is_(None),
        deliveries.c.state.in_(_UNSETTLED),
    )
    .order_by(subscribers.c.id, enrollments.c.id)
    .with_for_update(of=subscribers, key_share=True)
    .suffix_with("FOR UPDATE OF enrollments, deliveries, attempts", dialect="postgresql")
)

_HANDING = _DELIVERIES.add_columns(null().label("attempt_id"), deliveries.c.handed_at).where(
    among(deliveries.c.id), deliveries.c.state == DeliveryState.HANDING
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


_Settled = Sequence[tuple[Record, Answer, Change]]


def _write(
    connection: Connection,
    editions: Editions,
    settled: _Settled,
    now: datetime,
    *,
    closing: Callable[[Answer], str] | None,
) -> None:
    """Write what becomes of letters and their courses.

    Args:
        connection: a writing transaction, in which the rows are locked.
        editions: the shelf.
        settled: letters, what is known of them, and what that changes.
        now: the calendar's instant.
        closing: the outcome that ends the attempt; ``None``: its answer may still come.
    """
    if not settled:
        return
    rows = as_given(
        (
            row.id,
            row.epoch,
            row.state,
            row.attempt_id,
            closing(answer) if closing else None,
            shortened(answer.detail),
            change.state,
            change.retry_at,
            None if change.state in _NOT_HANDED else row.handed_at,
            None if change.state == DeliveryState.PLANNED else now,
            row.deferrals + (answer.outcome == Verdict.DEFERRED),
        )
        for row, answer, change in settled
    )
    if closing:
        connection.execute(_CLOSE, {GIVEN: rows, "now": now})
    connection.execute(_SETTLE, {GIVEN: rows})
    pacing = [row for row, _, change in settled if change.paces and row.run == row.present_run]
    waits = plans_after(connection, editions, pacing)
    moved = [
        values
        for row, _, change in settled
        if (values := _enrollment(connection, editions, row, change, waits)) is not None
    ]
    if moved:
        connection.execute(_GO_ON, {GIVEN: as_given(moved), "now": now})
    bounced = [row.subscriber_id for row, _, change in settled if change.bounced]
    if bounced:
        leave(connection, bounced, SubscriberState.BOUNCED, now)


_NOT_HANDED = (DeliveryState.PLANNED, DeliveryState.CANCELLED)

_changed = given(
    id=String,
    epoch=Integer,
    was=String,
    attempt_id=Id,
    outcome=String,
    detail=String,
    state=String,
    retry_at=Instant,
    handed_at=Instant,
    settled_at=Instant,
    deferrals=Integer,
)

_CLOSE = (
    update(attempts)
    .where(attempts.c.id == _changed.c.attempt_id, attempts.c.outcome.is_(None))
    .values(outcome=_changed.c.outcome, detail=_changed.c.detail, answered_at=bindparam("now"))
)

_SETTLE = (
    update(deliveries)
    .where(
        deliveries.c.id == _changed.c.id,
        deliveries.c.epoch == _changed.c.epoch,
        deliveries.c.state == _changed.c.was,
    )
    .values(
        state=_changed.c.state,
        owner=None,
        lease_until=None,
        retry_at=_changed.c.retry_at,
        handed_at=_changed.c.handed_at,
        settled_at=_changed.c.settled_at,
        deferrals=_changed.c.deferrals,
        detail=_changed.c.detail,
    )
)

_going_on = given(id=Id, run=Integer, state=String, next_at=Instant, waits_on=String)

_GO_ON = (
    update(enrollments)
    .where(enrollments.c.id == _going_on.c.id, enrollments.c.run == _going_on.c.run)
    .values(
        state=_going_on.c.state,
        next_at=_going_on.c.next_at,
        waits_on=_going_on.c.waits_on,
        changed_at=case(
            (enrollments.c.state == _going_on.c.state, enrollments.c.changed_at),
            else_=bindparam("now", type_=Instant),
        ),
    )
)


def _enrollment(
    connection: Connection,
    editions: Editions,
    row: Record,
    change: Change,
    waits: Mapping[str, Plan],
) -> tuple[Any, ...] | None:
    """Return what becomes of the enrollment, as ``_going_on``; ``None``: it stays as it is."""
    if row.run != row.present_run or row.enrollment == EnrollmentState.STOPPED:
        return None
    state, next_at = change.enrollment, None
    waits_on = row.waits_on if is_nudge(row.letter_key) else None
    if change.paces and row.kind == Kind.FINALE:
        state, waits_on = EnrollmentState.COMPLETED, None
    elif change.paces and (state or row.enrollment) == EnrollmentState.ACTIVE:
        plan = waits.get(row.id)
        if plan is None:
            schedule = editions.edition(connection, row.edition_id).schedule
            plan = Plan(
                slot_after(
                    hours_of(row),
                    schedule,
                    handed_at=row.handed_at,
                    kind=Kind(row.kind),
                    not_before=row.handed_at,
                )
            )
        state, next_at, waits_on = EnrollmentState.ACTIVE, plan.first_at, plan.waits_on
    if state is None:
        return None
    return (row.enrollment_id, row.run, state, next_at, waits_on)
