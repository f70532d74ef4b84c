"""How the installation does, in numbers: what is quick to ask, and what must be counted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, Select, func, select

from worker.model import (
    COUNTED_DUE,
    Census,
    DeliveryState,
    Lag,
    Moment,
    News,
    ReplyKind,
    VitalSigns,
)
from worker.store.beating import at_work, gate_times
from worker.store.claiming import due_count, next_due_at
from worker.store.schema import (
    IS_FINAL,
    IS_HELD,
    IS_OPEN,
    deliveries,
    enrollments,
    events,
    replies,
)


def vital_signs(connection: Connection, moment: Moment) -> VitalSigns:
    """Return what costs the same however much the ledger holds."""
    return VitalSigns(
        lag=lag(connection, moment),
        workers=tuple(at_work(connection)),
        gates=gate_times(connection),
    )


def lag(connection: Connection, moment: Moment) -> Lag:
    """Return how far behind delivering is: also with what a lost worker claimed."""
    lost = deliveries.c.lease_until.is_not(None) & (deliveries.c.lease_until < moment.wall)
    claimed = select(func.count(), func.min(deliveries.c.due_at)).where(
        lost, deliveries.c.state == DeliveryState.CLAIMED
    )
    count, oldest = connection.execute(claimed).one()
    due_at = [at for at in (oldest, next_due_at(connection)) if at and at <= moment.now]
    due = min(count + due_count(connection, moment.now, COUNTED_DUE), COUNTED_DUE)
    return Lag(due, min(due_at, default=None))


def census(connection: Connection) -> Census:
    """Count deliveries, held enrollments, events and replies, each over an index."""
    letters = {**_counts(connection, _FINAL), **_counts(connection, _OPEN)}
    news, kinds = _counts(connection, _EVENTS), _counts(connection, _REPLIES)
    return Census(
        letters={state: letters.get(state, 0) for state in DeliveryState},
        held=connection.scalar(_HELD) or 0,
        events={each: news.get(each, 0) for each in News},
        replies={each: kinds.get(each, 0) for each in ReplyKind},
    )


def _counts(connection: Connection, statement: Select[Any]) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(statement)}


def _by(column: Column[Any]) -> Select[Any]:
    return select(column, func.count()).group_by(column)


_FINAL = _by(deliveries.c.state).where(IS_FINAL)
_OPEN = _by(deliveries.c.state).where(IS_OPEN)
_HELD = select(func.count()).select_from(enrollments).where(IS_HELD)
_EVENTS = _by(events.c.news)
_REPLIES = _by(replies.c.kind)
