"""The gate: the last look at a person before the network; its commit is the hand-over.

People and their rows are locked in id order (SQLite's one writer holds everything), so an
unsubscribe either comes first and stops the letter or comes after the hand-over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, String, bindparam, insert, literal, select, update

from worker.model import (
    Claimed,
    DeliveryState,
    EnrollmentState,
    Gated,
    Moment,
    Outcome,
    SubscriberState,
    Tally,
)
from worker.store.editions import Editions
from worker.store.given import GIVEN, among, as_given, given
from worker.store.leaving import LEFT_STATES, WHY_COURSE_LEFT, WHY_LEFT, cancel_waiting
from worker.store.locking import lock_people_of, locks_rows
from worker.store.schema import Instant, attempts, deliveries, enrollments, subscribers
from worker.store.settling import settle
from worker.store.words import words_for


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate let through.

    Attributes:
        passed: in the order they were claimed; each is to be handed over, or given back, within
            seconds.
        cancelled: how many were not sent because the person left.
        settled: what became of the window before, where its answers came along.
    """

    passed: tuple[Gated, ...] = ()
    cancelled: int = 0
    settled: Tally = field(default_factory=Tally)


def gate(
    connection: Connection,
    editions: Editions,
    claimed: Sequence[Claimed],
    owner: str,
    moment: Moment,
    deadline: timedelta,
    answered: Sequence[tuple[Gated, Outcome]] = (),
) -> Gate:
    """Let through what is still ours and may still be received, with what its person wrote.

    The others: cancelled where the person left, planned again where the course was paused, left
    alone where the lease was lost.

    Args:
        connection: a writing transaction.
        editions: the shelf.
        claimed: one window of the owner's.
        owner: who claimed them.
        moment: now.
        deadline: until when their answers must be settled.
        answered: answers of the window before, settled first.
    """
    if claimed and answered:
        everybody = [*claimed, *(gated.claimed for gated, _ in answered)]
        lock_people_of(connection, [each.enrollment_id for each in everybody])
    settled = settle(connection, editions, answered, moment)
    if not claimed:
        return Gate(settled=settled)
    ours = {each.id: each for each in claimed}
    until = moment.wall + deadline
    held = {
        GIVEN: as_given((each.id, each.epoch) for each in claimed),
        "ids": list(ours),
        "owner": owner,
        "wall": moment.wall,
    }
    if locks_rows(connection):
        connection.execute(_LOCK, held)
    hour = {"now": moment.now, "until": until}
    begun = {row.delivery_id: row for row in connection.execute(_BEGIN, {**held, **hour})}
    connection.execute(_HAND_OVER, {"ids": begun, **hour})
    cancelled = 0
    if len(begun) < len(ours):
        cancelled = _turn_away(connection, held, moment.now)
    passed = [each for each in ours.values() if each.id in begun]
    words = words_for(connection, editions, passed)
    return Gate(
        tuple(
            Gated(
                each,
                begun[each.id].id,
                begun[each.id].number,
                moment.now,
                words.get(each.id, _NOTHING),
            )
            for each in passed
        ),
        cancelled,
        settled,
    )


def _turn_away(connection: Connection, held: Mapping[str, Any], now: datetime) -> int:
    """Cancel or freeze what is still claimed and did not pass; return how many were cancelled."""
    cancelled = 0
    for row in connection.execute(_TURNED_AWAY, held).all():
        which = deliveries.c.id == row.id
        if row.subscriber in LEFT_STATES or row.enrollment == EnrollmentState.STOPPED:
            cancel_waiting(connection, which, now, WHY_LEFT.get(row.subscriber, WHY_COURSE_LEFT))
        elif row.run != row.present_run:
            cancel_waiting(connection, which, now, "the course was restarted")
        else:
            _freeze(connection, row.id)
            continue
        cancelled += 1
    return cancelled


def _freeze(connection: Connection, delivery_id: str) -> None:
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.state == DeliveryState.CLAIMED)
        .values(state=DeliveryState.PLANNED, owner=None, lease_until=None, retry_at=None)
    )


_NOTHING: Mapping[str, str] = {}

_held = given(id=String, epoch=Integer)

_THEIRS = (
    deliveries.join(_held, deliveries.c.id == _held.c.id)
    .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
    .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
)

_HELD = (
    among(deliveries.c.id)
    & (deliveries.c.epoch == _held.c.epoch)
    & (deliveries.c.state == DeliveryState.CLAIMED)
    & (deliveries.c.owner == bindparam("owner"))
    & (deliveries.c.lease_until > bindparam("wall", type_=Instant))
)
"""A claim that is still its owner's."""

_MAY_RECEIVE = (
    (subscribers.c.state == SubscriberState.ACTIVE)
    & (enrollments.c.state == EnrollmentState.ACTIVE)
    & (enrollments.c.run == deliveries.c.run)
)

_LOCK = (
    select(deliveries.c.id)
    .select_from(_THEIRS)
    .where(among(deliveries.c.id))
    .order_by(subscribers.c.id, enrollments.c.id)
    .with_for_update(of=subscribers, read=True)
    .suffix_with("FOR UPDATE OF enrollments, deliveries", dialect="postgresql")
)

_BEGIN = (
    insert(attempts)
    .from_select(
        ["delivery_id", "number", "gated_at", "gated_wall", "deadline", "detail"],
        select(
            deliveries.c.id,
            deliveries.c.attempts + 1,
            bindparam("now", type_=Instant),
            bindparam("wall", type_=Instant),
            bindparam("until", type_=Instant),
            literal(""),
        )
        .select_from(_THEIRS)
        .where(_HELD, _MAY_RECEIVE),
    )
    .returning(attempts.c.id, attempts.c.delivery_id, attempts.c.number)
)

_HAND_OVER = (
    update(deliveries)
    .where(among(deliveries.c.id), deliveries.c.state == DeliveryState.CLAIMED)
    .values(
        state=DeliveryState.HANDING,
        lease_until=bindparam("until"),
        handed_at=bindparam("now"),
        attempts=deliveries.c.attempts + 1,
    )
)

_TURNED_AWAY = (
    select(
        deliveries.c.id,
        deliveries.c.run,
        enrollments.c.state.label("enrollment"),
        enrollments.c.run.label("present_run"),
        subscribers.c.state.label("subscriber"),
    )
    .select_from(_THEIRS)
    .where(_HELD)
)
