"""The gate: the last look at a person before the network; its commit is the hand-over.

Subscriber and enrollment are locked in id order (SQLite's one writer holds everything), so an
unsubscribe either comes first and stops the letter or comes after the hand-over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, bindparam, insert, literal, select, update

from worker.model import (
    Claimed,
    DeliveryState,
    EnrollmentState,
    Gated,
    Moment,
    SubscriberState,
)
from worker.store.editions import Editions
from worker.store.leaving import LEFT_STATES, WHY_COURSE_LEFT, WHY_LEFT, cancel_waiting
from worker.store.schema import (
    Instant,
    Record,
    attempts,
    deliveries,
    enrollments,
    subscribers,
    those,
)
from worker.store.words import words_for


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate let through.

    Attributes:
        passed: in the order they were claimed; each is to be handed over, or given back, within
            seconds.
        cancelled: how many were not sent because the person left.
    """

    passed: tuple[Gated, ...]
    cancelled: int = 0


def gate(
    connection: Connection,
    editions: Editions,
    claimed: Sequence[Claimed],
    owner: str,
    moment: Moment,
    deadline: timedelta,
) -> Gate:
    """Let through what is still ours and may still be received, with what its person wrote.

    The others: cancelled where the person left, planned again where the course was paused, left
    alone where the lease was lost.
    """
    if not claimed:
        return Gate(())
    ours = {each.id: each for each in claimed}
    rows = [
        row
        for row in connection.execute(_LOCKED, {"ids": list(ours)})
        if row.state == DeliveryState.CLAIMED
        and (row.owner, row.epoch) == (owner, ours[row.id].epoch)
        and row.lease_until > moment.wall
    ]
    passing = [row for row in rows if _may_receive(row)]
    words = words_for(connection, editions, [ours[row.id] for row in passing])
    gated = _hand_over(connection, ours, passing, moment, deadline, words)
    cancelled = 0
    for row in rows:
        if _may_receive(row):
            continue
        if row.subscriber in LEFT_STATES or row.enrollment == EnrollmentState.STOPPED:
            why = WHY_LEFT.get(row.subscriber, WHY_COURSE_LEFT)
            cancel_waiting(connection, deliveries.c.id == row.id, moment.now, why)
            cancelled += 1
        elif row.run != row.present_run:
            cancel_waiting(
                connection, deliveries.c.id == row.id, moment.now, "the course was restarted"
            )
            cancelled += 1
        else:
            _freeze(connection, row.id)
    return Gate(tuple(gated[which] for which in ours if which in gated), cancelled)


def _may_receive(row: Record) -> bool:
    return bool(
        row.subscriber == SubscriberState.ACTIVE
        and row.enrollment == EnrollmentState.ACTIVE
        and row.run == row.present_run
    )


def _hand_over(
    connection: Connection,
    ours: dict[str, Claimed],
    rows: Sequence[Record],
    moment: Moment,
    deadline: timedelta,
    words: Mapping[str, Mapping[str, str]],
) -> dict[str, Gated]:
    if not rows:
        return {}
    until = moment.wall + deadline
    ids = [row.id for row in rows]
    connection.execute(_HAND_OVER, {"ids": ids, "until": until, "now": moment.now})
    begun = connection.execute(
        _BEGIN, {"ids": ids, "until": until, "now": moment.now, "wall": moment.wall}
    )
    return {
        row.delivery_id: Gated(
            ours[row.delivery_id], row.id, moment.now, words.get(row.delivery_id, {})
        )
        for row in begun
    }


def _freeze(connection: Connection, delivery_id: str) -> None:
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.state == DeliveryState.CLAIMED)
        .values(state=DeliveryState.PLANNED, owner=None, lease_until=None, retry_at=None)
    )


_LOCKED = (
    select(
        deliveries.c.id,
        deliveries.c.state,
        deliveries.c.epoch,
        deliveries.c.owner,
        deliveries.c.lease_until,
        deliveries.c.run,
        enrollments.c.state.label("enrollment"),
        enrollments.c.run.label("present_run"),
        subscribers.c.state.label("subscriber"),
    )
    .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
    .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
    .where(deliveries.c.id.in_(those()))
    .order_by(subscribers.c.id, enrollments.c.id)
    .with_for_update(of=(subscribers, enrollments, deliveries))
)

_HAND_OVER = (
    update(deliveries)
    .where(deliveries.c.id.in_(those()), deliveries.c.state == DeliveryState.CLAIMED)
    .values(
        state=DeliveryState.HANDING,
        lease_until=bindparam("until"),
        handed_at=bindparam("now"),
        attempts=deliveries.c.attempts + 1,
    )
)

_BEGIN = (
    insert(attempts)
    .from_select(
        ["delivery_id", "number", "gated_at", "gated_wall", "deadline", "detail"],
        select(
            deliveries.c.id,
            deliveries.c.attempts,
            bindparam("now", type_=Instant),
            bindparam("wall", type_=Instant),
            bindparam("until", type_=Instant),
            literal(""),
        ).where(deliveries.c.id.in_(those()), deliveries.c.state == DeliveryState.HANDING),
    )
    .returning(attempts.c.id, attempts.c.delivery_id)
)
