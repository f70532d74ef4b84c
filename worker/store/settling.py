"""The settle: what became of a hand-over, and what that means for the course.

A definite refusal may come late, when the delivery is in doubt already and paced the course. If
nothing later was made for that run, the letter is planned again in its place; otherwise it is
``failed``: sending it now would break the order of the letters, which is a promise too.

News by events settles through the same rows; whatever we believed of the letter, it outweighs that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

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
from worker.store.editions import Editions
from worker.store.engine import rows_of
from worker.store.fate import NOT_BEGUN, Answer, Change, change_for, shortened
from worker.store.leaving import leave
from worker.store.pacing import Plan, slot_after
from worker.store.progress import is_nudge
from worker.store.runs import plans_after
from worker.store.schema import Record, attempts, courses, deliveries, enrollments, letters, those

_UNSETTLED = (DeliveryState.HANDING, DeliveryState.IN_DOUBT)


def settle(
    connection: Connection,
    editions: Editions,
    results: Sequence[tuple[Gated, Outcome]],
    moment: Moment,
) -> Tally:
    """Record outcomes; those of a former owner, or settled already, change nothing."""
    answers = {
        gated.attempt_id: (
            gated,
            Answer(outcome.verdict, outcome.detail, outcome.address_at_fault, outcome.retry_after),
        )
        for gated, outcome in results
    }
    return _settle(connection, editions, answers, moment)


def give_back(
    connection: Connection, editions: Editions, gated: Sequence[Gated], moment: Moment
) -> None:
    """Undo the hand-over of letters that their own owner did not begin; they are due at once."""
    answers = {each.attempt_id: (each, Answer(NOT_BEGUN)) for each in gated}
    _settle(connection, editions, answers, moment)


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
    _close_attempts(
        connection,
        [(row, Answer(Verdict.ACCEPTED, answer.detail), change) for row, answer, change in settled],
        now,
    )
    _write(connection, editions, settled, now)


def _settle(
    connection: Connection,
    editions: Editions,
    answers: dict[int, tuple[Gated, Answer]],
    moment: Moment,
) -> Tally:
    if not answers:
        return Tally()
    rows = [
        row
        for row in connection.execute(_LIVE, {"ids": list(answers)})
        if row.epoch == answers[row.attempt_id][0].claimed.epoch
    ]
    settled = []
    for row in rows:
        answer = answers[row.attempt_id][1]
        moved_on = row.state == DeliveryState.IN_DOUBT and _moved_on(connection, row)
        settled.append((row, answer, change_for(row, answer, moment.now, moved_on=moved_on)))
    _close_attempts(connection, settled, moment.now)
    _write(connection, editions, settled, moment.now)
    changed = [change.state for row, _, change in settled if change.state != row.state]
    return Tally(
        sent=changed.count(DeliveryState.SENT),
        failed=changed.count(DeliveryState.FAILED),
        in_doubt=changed.count(DeliveryState.IN_DOUBT),
        cancelled=changed.count(DeliveryState.CANCELLED),
    )


def reap(connection: Connection, editions: Editions, moment: Moment) -> Tally:
    """Take back claims whose lease ran out; hand-overs past their deadline become in doubt.

    Their attempts stay live: the same attempt's late answer may still settle them.
    """
    past = deliveries.c.lease_until < moment.wall
    connection.execute(
        update(deliveries)
        .where(past, deliveries.c.state == DeliveryState.CLAIMED)
        .values(
            state=DeliveryState.PLANNED, owner=None, lease_until=None, retry_at=deliveries.c.due_at
        )
    )
    lost = connection.execute(
        _DELIVERIES.add_columns(deliveries.c.handed_at).where(
            past, deliveries.c.state == DeliveryState.HANDING
        )
    ).all()
    nobody = Answer(Verdict.UNKNOWN, "no answer before the deadline")
    changes = [(row, nobody, change_for(row, nobody, moment.now, moved_on=False)) for row in lost]
    _write(connection, editions, changes, moment.now)
    return Tally(in_doubt=len(lost))


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
        enrollments.c.next_at,
        enrollments.c.zone,
        enrollments.c.send_at,
        enrollments.c.start,
        enrollments.c.changed_at,
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
    .where(
        attempts.c.id.in_(those()),
        attempts.c.outcome.is_(None),
        deliveries.c.state.in_(_UNSETTLED),
    )
    .with_for_update(of=(enrollments, deliveries))
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


def _close_attempts(connection: Connection, settled: _Settled, now: datetime) -> None:
    if settled:
        connection.execute(
            _CLOSE,
            [
                {
                    "which": row.attempt_id,
                    "answer": answer.outcome,
                    "words": shortened(answer.detail),
                    "at": now,
                }
                for row, answer, _ in settled
            ],
        )


def _write(connection: Connection, editions: Editions, settled: _Settled, now: datetime) -> None:
    if not settled:
        return
    connection.execute(
        _SETTLE,
        [
            {
                "which": row.id,
                "expected": row.epoch,
                "was": row.state,
                "state": change.state,
                "retry_at": change.retry_at,
                "handed_at": None if change.state in _NOT_HANDED else row.handed_at,
                "settled_at": None if change.state == DeliveryState.PLANNED else now,
                "deferred": row.deferrals + (answer.outcome == Verdict.DEFERRED),
                "detail": shortened(answer.detail),
            }
            for row, answer, change in settled
        ],
    )
    pacing = [row for row, _, change in settled if change.paces and row.run == row.present_run]
    waits = plans_after(connection, editions, pacing)
    moved = [
        values
        for row, _, change in settled
        if (values := _enrollment(connection, editions, row, change, waits, now)) is not None
    ]
    if moved:
        connection.execute(_GO_ON, moved)
    bounced = [row.subscriber_id for row, _, change in settled if change.bounced]
    if bounced:
        leave(connection, bounced, SubscriberState.BOUNCED, now)


_NOT_HANDED = (DeliveryState.PLANNED, DeliveryState.CANCELLED)

_CLOSE = (
    update(attempts)
    .where(attempts.c.id == bindparam("which"), attempts.c.outcome.is_(None))
    .values(outcome=bindparam("answer"), detail=bindparam("words"), answered_at=bindparam("at"))
)

_SETTLE = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("which"),
        deliveries.c.epoch == bindparam("expected"),
        deliveries.c.state == bindparam("was"),
    )
    .values(
        state=bindparam("state"),
        owner=None,
        lease_until=None,
        retry_at=bindparam("retry_at"),
        handed_at=bindparam("handed_at"),
        settled_at=bindparam("settled_at"),
        deferrals=bindparam("deferred"),
        detail=bindparam("detail"),
    )
)

_GO_ON = (
    update(enrollments)
    .where(enrollments.c.id == bindparam("which"), enrollments.c.run == bindparam("expected"))
    .values(
        state=bindparam("state"),
        next_at=bindparam("next_at"),
        waits_on=bindparam("waiting"),
        changed_at=bindparam("changed_at"),
    )
)


def _enrollment(
    connection: Connection,
    editions: Editions,
    row: Record,
    change: Change,
    waits: Mapping[str, Plan],
    now: datetime,
) -> dict[str, Any] | None:
    """Return what becomes of the enrollment; ``None`` when it stays as it is."""
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
                    row,
                    schedule,
                    handed_at=row.handed_at,
                    kind=Kind(row.kind),
                    not_before=row.handed_at,
                )
            )
        state, next_at, waits_on = EnrollmentState.ACTIVE, plan.first_at, plan.waits_on
    if state is None:
        return None
    return {
        "which": row.enrollment_id,
        "expected": row.run,
        "state": state,
        "next_at": next_at,
        "waiting": waits_on,
        "changed_at": row.changed_at if state == row.enrollment else now,
    }
