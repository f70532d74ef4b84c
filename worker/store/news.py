"""What all the news about a letter makes of it, in whatever order it came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, bindparam, select, update

from worker.model import DeliveryState, News, NoticeState, Outcome
from worker.store.editions import Editions
from worker.store.engine import rows_of
from worker.store.fate import Told, answer_of, shortened, strongest
from worker.store.schema import attempts, deliveries, events, notices
from worker.store.settling import settle_told
from worker.store.types import those

Heard = Mapping[str, Sequence[Told]]
"""By a delivery's or a notice's id, everything that was told about it."""

_State = TypeVar("_State", DeliveryState, NoticeState)

SKEW = timedelta(seconds=10)
"""How far a provider's clock, which counts whole seconds, may be behind ours."""


def heard_of(connection: Connection, letters: Sequence[str]) -> dict[str, list[Told]]:
    """Return what was told about these deliveries and notices so far."""
    heard: dict[str, list[Told]] = defaultdict(list)
    for row in rows_of(connection, _HEARD, letters):
        told = Told(News(row.news), row.undelivered, row.occurred_at, row.detail)
        heard[row.delivery_id].append(told)
    return dict(heard)


def of_newest(told: Sequence[Told], hand_overs: int, newest: datetime) -> list[Told]:
    """Return what is about a letter's newest hand-over.

    The operator may have a dropped letter sent again; what was told about the first time says
    nothing about the second.

    Args:
        told: everything about that letter.
        hand_overs: how many there were.
        newest: when the last one began, by the machine's clock.
    """
    return [each for each in told if hand_overs == 1 or each.occurred_at >= newest - SKEW]


def settle_letters(
    connection: Connection, editions: Editions, before: Heard, heard: Heard, now: datetime
) -> None:
    """Bring deliveries and notices to where the news puts them.

    Args:
        connection: a writing transaction.
        editions: for the schedules by which courses go on.
        before: what was known of these letters.
        heard: what is known now.
        now: the calendar's instant.
    """
    _settle_deliveries(connection, editions, before, heard, now)
    _settle_notices(connection, heard, now)


def _settle_deliveries(
    connection: Connection, editions: Editions, before: Heard, heard: Heard, now: datetime
) -> None:
    answers: dict[str, Outcome] = {}
    notes = []
    for row in rows_of(connection, _HANDED, list(heard)):
        told = of_newest(heard[row.id], row.attempts, row.gated_wall)
        last = strongest(told)
        if last is None:
            continue
        first = strongest(of_newest(before.get(row.id, ()), row.attempts, row.gated_wall))
        is_same = first is not None and first.undelivered == last.undelivered
        if is_same and row.state in _WAITING:
            continue  # the operator has it sent again, knowing this
        if row.state != _settled(last, DeliveryState):
            answers[row.id] = answer_of(last)
        delivered = [each.occurred_at for each in told if each.news is News.DELIVERED]
        note = {"delivered_at": min(delivered, default=None), "detail": shortened(last.detail)}
        if note != {"delivered_at": row.delivered_at, "detail": row.detail}:
            notes.append({"which": row.id, **note})
    if answers:
        settle_told(connection, editions, answers, now)
    if notes:
        connection.execute(_NOTE, notes)


def _settle_notices(connection: Connection, heard: Heard, now: datetime) -> None:
    settled = []
    for row in rows_of(connection, _HANDED_NOTICES, list(heard)):
        last = strongest(heard[row.id])
        if last is None:
            continue
        state = _settled(last, NoticeState)
        at = row.settled_at if row.state == state else now
        outcome = shortened(last.detail)
        settled.append({"which": row.id, "state": state, "at": at, "outcome": outcome})
    if settled:
        connection.execute(_SETTLE_NOTICE, settled)


def _settled(told: Told, states: type[_State]) -> _State:
    return states("failed" if told.undelivered else "sent")


_WAITING = (DeliveryState.PLANNED, DeliveryState.CLAIMED)

_HEARD = select(
    events.c.delivery_id,
    events.c.news,
    events.c.undelivered,
    events.c.occurred_at,
    events.c.detail,
).where(events.c.delivery_id.in_(those()))

_HANDED = (
    select(
        deliveries.c.id,
        deliveries.c.state,
        deliveries.c.attempts,
        deliveries.c.detail,
        deliveries.c.delivered_at,
        attempts.c.gated_wall,
    )
    .join(attempts, attempts.c.delivery_id == deliveries.c.id)
    .where(
        deliveries.c.id.in_(those()),
        attempts.c.number == deliveries.c.attempts,  # the newest
        deliveries.c.state != DeliveryState.SKIPPED,
    )
)

_HANDED_NOTICES = select(notices.c.id, notices.c.state, notices.c.settled_at).where(
    notices.c.id.in_(those()), notices.c.attempts > 0
)

_NOTE = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("which"))
    .values(delivered_at=bindparam("delivered_at"), detail=bindparam("detail"))
)

_SETTLE_NOTICE = (
    update(notices)
    .where(notices.c.id == bindparam("which"))
    .values(
        state=bindparam("state"),
        due_at=None,
        lease_until=None,
        settled_at=bindparam("at"),
        outcome=bindparam("outcome"),
    )
)
