"""The gate: the last look at a person before the network; its commit is the hand-over.

People and their rows are locked in id order (SQLite's one writer holds everything), so an
unsubscribe either comes first and stops the letter or comes after the hand-over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter

from sqlalchemy import Connection, bindparam, insert, literal, select, update

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
from worker.store.given import among, row_by_row
from worker.store.leaving import LEFT_STATES, WHY_COURSE_LEFT, WHY_LEFT, cancel_waiting
from worker.store.locking import lock_people
from worker.store.prepared import Prepared
from worker.store.schema import attempts, deliveries, enrollments, subscribers
from worker.store.settling import settle, tally
from worker.store.types import Instant, Record
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


@dataclass(frozen=True, slots=True)
class Window:
    """What one courier takes to the gate.

    Attributes:
        claimed: the owner's.
        owner: who claimed them.
        moment: the courier's now.
        deadline: until when their answers must be settled.
        answered: answers of the courier's window before, settled first.
    """

    claimed: Sequence[Claimed]
    owner: str
    moment: Moment
    deadline: timedelta
    answered: Sequence[tuple[Gated, Outcome]] = ()


def gate(connection: Connection, editions: Editions, windows: Sequence[Window]) -> list[Gate]:
    """Let through what is still its owner's and may still be received, with its person's words.

    The others: cancelled where the person left, planned again where the course was paused, left
    alone where the lease was lost. Windows that come together pass at the newest of their moments.

    Args:
        connection: a writing transaction.
        editions: the shelf.
        windows: of couriers of one process, whose claims have no delivery in common.
    """
    moment = max((each.moment for each in windows), key=attrgetter("now"))
    answered = [result for window in windows for result in window.answered]
    claimed = [each for window in windows for each in window.claimed]
    if claimed and answered:
        everybody = [*claimed, *(gated.claimed for gated, _ in answered)]
        lock_people(connection, [each.subscriber_id for each in everybody])
    settled = settle(connection, editions, answered, moment)
    held = _look(connection, claimed, moment)
    ours = [_still_theirs(window, held) for window in windows]
    passed = [each for theirs in ours for each in theirs if _may_receive(held[each.id])]
    until = moment.wall + min(each.deadline for each in windows)
    begun = _begin(connection, [held[each.id] for each in passed], moment, until)
    others = [held[each.id] for theirs in ours for each in theirs if each.id not in begun]
    cancelled = _turn_away(connection, others, moment.now)
    words = words_for(connection, editions, passed)
    return [
        Gate(
            tuple(
                Gated(
                    each,
                    begun[each.id],
                    held[each.id].attempts + 1,
                    moment.now,
                    words.get(each.id, _NOTHING),
                )
                for each in theirs
                if each.id in begun
            ),
            sum(each.id in cancelled for each in theirs),
            tally(
                settled[each.attempt_id]
                for each, _ in window.answered
                if each.attempt_id in settled
            ),
        )
        for window, theirs in zip(windows, ours, strict=True)
    ]


def _still_theirs(window: Window, held: Mapping[str, Record]) -> list[Claimed]:
    """Return the claims that are still their owner's."""
    return [
        each
        for each in window.claimed
        if (row := held.get(each.id)) and (row.owner, row.epoch) == (window.owner, each.epoch)
    ]


def _look(
    connection: Connection, claimed: Sequence[Claimed], moment: Moment
) -> Mapping[str, Record]:
    """Lock everybody's rows; return the claims that stand, by delivery."""
    if not claimed:
        return {}
    ids = [each.id for each in claimed]
    return {row.id: row for row in _LOOK(connection, ids=ids, wall=moment.wall) if row.is_held}


def _may_receive(row: Record) -> bool:
    states = (row.subscriber, row.enrollment)
    here = states == (SubscriberState.ACTIVE, EnrollmentState.ACTIVE)
    return here and bool(row.run == row.present_run)


def _begin(
    connection: Connection, rows: Sequence[Record], moment: Moment, until: datetime
) -> dict[str, int]:
    """Put hand-overs on record; return the attempts' ids by delivery."""
    if not rows:
        return {}
    ids = [row.id for row in rows]
    _HAND_OVER(connection, ids=ids, now=moment.now, until=until)
    begun = _BEGIN(connection, ids=ids, now=moment.now, wall=moment.wall, until=until)
    return {row.delivery_id: row.id for row in begun}


def _turn_away(connection: Connection, rows: Sequence[Record], now: datetime) -> Collection[str]:
    """Cancel or freeze claims that did not pass; return the deliveries that were cancelled."""
    cancelled = set()
    for row in rows:
        which = deliveries.c.id == row.id
        if row.subscriber in LEFT_STATES or row.enrollment == EnrollmentState.STOPPED:
            cancel_waiting(connection, which, now, WHY_LEFT.get(row.subscriber, WHY_COURSE_LEFT))
        elif row.run != row.present_run:
            cancel_waiting(connection, which, now, "the course was restarted")
        else:
            _freeze(connection, row.id)
            continue
        cancelled.add(row.id)
    return cancelled


def _freeze(connection: Connection, delivery_id: str) -> None:
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.state == DeliveryState.CLAIMED)
        .values(state=DeliveryState.PLANNED, owner=None, lease_until=None, retry_at=None)
    )


_NOTHING: Mapping[str, str] = {}

_LOOK = Prepared(
    select(
        deliveries.c.id,
        deliveries.c.owner,
        deliveries.c.epoch,
        deliveries.c.attempts,
        deliveries.c.run,
        (
            (deliveries.c.state == DeliveryState.CLAIMED)
            & (deliveries.c.lease_until > bindparam("wall", type_=Instant))
        ).label("is_held"),
        enrollments.c.state.label("enrollment"),
        enrollments.c.run.label("present_run"),
        subscribers.c.state.label("subscriber"),
    )
    .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
    .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
    .where(among(deliveries.c.id))
    .order_by(subscribers.c.id, enrollments.c.id)
    .with_for_update(of=subscribers, read=True)
    .suffix_with("FOR UPDATE OF enrollments, deliveries", dialect="postgresql")
)
"""Locks everybody's rows; what it returns is what they were when the lock was got."""

_HAND_OVER = Prepared(
    update(deliveries)
    .where(among(deliveries.c.id), row_by_row(deliveries.c.state == DeliveryState.CLAIMED))
    .values(
        state=DeliveryState.HANDING,
        lease_until=bindparam("until"),
        handed_at=bindparam("now"),
        attempts=deliveries.c.attempts + 1,
    )
)

_BEGIN = Prepared(
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
        ).where(among(deliveries.c.id)),
    )
    .returning(attempts.c.id, attempts.c.delivery_id)
)
