"""The audit: every promise that the ledger can check, checked on the rows themselves.

Each check is one function, each reads its tables once, whatever they hold: a check that asked for
every letter anew would take days on millions of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from sqlalchemy import Connection, func, select, text

from worker.model import OPEN_STATES, Audit, DeliveryState, Moment
from worker.store import invariants, order
from worker.store.schema import deliveries

Check = Callable[[Connection], Iterator[str]]

NAMED = 20
"""Violations of one kind that are written out; the rest is counted."""

LONG_LOST = timedelta(minutes=5)
"""What a lease must be over by for somebody to look: reaping takes seconds."""

CHECKS: tuple[Check, ...] = (
    invariants.every_state_is_known,
    invariants.one_live_attempt,
    invariants.one_open_delivery,
    invariants.attempts_in_order,
    invariants.attempts_as_counted,
    invariants.live_where_an_answer_may_come,
    invariants.instants_as_the_state_says,
    invariants.sent_was_answered,
    invariants.nobody_after_leaving,
    invariants.nobody_is_stuck,
    invariants.nothing_waits_for_those_who_left,
    invariants.completed_with_the_finale,
    invariants.as_the_providers_told,
    invariants.nobody_waits_for_what_came,
    order.each_key_once,
    order.each_letter_once_whatever_it_was_called,
    order.in_order,
    order.apart,
)


def audit(connection: Connection, moment: Moment | None = None) -> Audit:
    """Count what is owed and look for broken promises; reads every row.

    Args:
        connection: a reading transaction.
        moment: by whose ``wall`` it is judged whether work is left lying; ``None``: not at all.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))  # it may read for minutes
    by_state = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
    counts = {row[0]: row[1] for row in connection.execute(by_state)}
    violations = [line for check in CHECKS for line in _named(check(connection))]
    late = () if moment is None else tuple(_named(left_lying(connection, moment)))
    return Audit(
        owed=sum(counts.values()),
        pending=sum(counts.get(state, 0) for state in OPEN_STATES),
        sent=counts.get(DeliveryState.SENT, 0),
        failed=counts.get(DeliveryState.FAILED, 0),
        in_doubt=counts.get(DeliveryState.IN_DOUBT, 0),
        cancelled=counts.get(DeliveryState.CANCELLED, 0),
        skipped=counts.get(DeliveryState.SKIPPED, 0),
        violations=tuple(violations),
        late=late,
    )


def left_lying(connection: Connection, moment: Moment) -> Iterator[str]:
    """Name what a lost worker held and no other took back: no promise is broken, but none works.

    Whatever runs, ``up``, a worker or ``tick``, takes it back within seconds.
    """
    query = select(deliveries.c.id, deliveries.c.state, deliveries.c.lease_until).where(
        deliveries.c.lease_until.is_not(None), deliveries.c.lease_until < moment.wall - LONG_LOST
    )
    for row in connection.execute(query.order_by(deliveries.c.lease_until)):
        what = "being handed over" if row.state == DeliveryState.HANDING else "claimed"
        until = f"{row.lease_until:%Y-%m-%d %H:%M} UTC"
        yield f"delivery {row.id} was {what} until {until}, and since then no worker looked"


def _named(found: Iterator[str]) -> Iterator[str]:
    more = 0
    for number, line in enumerate(found):
        if number < NAMED:
            yield line
        else:
            more += 1
    if more:
        yield f"... and {more} more of this kind"
