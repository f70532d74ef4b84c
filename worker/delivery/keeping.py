"""Answers are kept while the database is away, and a gate that got no answer is taken back.

A database that went away in the middle of a commit may have made it or not. To settle again changes
nothing where it did; a gate of which nobody knows is undone by its own owner, who has begun nothing
of it. What cannot be settled in time is in doubt after its deadline, like after a crash.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from worker.delivery.courier import Courier
from worker.delivery.handing import Answered
from worker.errors import DatabaseFault, JournalFault
from worker.model import Claimed, Tally
from worker.store import Gate

KEPT_FOR = 60.0
"""Seconds (boot clock) for which an answer is kept while the database is away."""

FIRST_REST = 0.05
LONGEST_REST = 2.0
"""Seconds between two tries; whoever stops waits no longer than that."""

T = TypeVar("T")

log = logging.getLogger(__name__)


def pass_gate(courier: Courier, window: Sequence[Claimed], answered: Answered) -> Gate:
    """Gate a window and settle the one before; where that got no answer, nothing has passed.

    Raises:
        DatabaseFault: the database stayed away.
        JournalFault: the gate was made, but does not stand outside; it went back.
    """
    store, owner = courier.store, courier.owner
    try:
        return store.gate(window, owner, courier.moment(), courier.lease, answered)
    except DatabaseFault as fault:
        log.warning("a gate got no answer, and its window goes back: %s", fault)
        lost = fault
    settled = settle(courier, answered)
    _until_it_answers(courier, lambda: store.give_back_lost(window, owner, courier.moment()))
    if isinstance(lost, JournalFault):
        raise lost  # the database answers, so the next gate would fail at once
    return Gate(settled=settled)


def settle(courier: Courier, answered: Answered) -> Tally:
    """Settle answers and empty the list, whether or not it can be done in time.

    Raises:
        DatabaseFault: the database stayed away.
    """
    if not answered:
        return Tally()
    try:
        return _until_it_answers(courier, lambda: courier.store.settle(answered, courier.moment()))
    finally:
        answered.clear()


def _until_it_answers(courier: Courier, work: Callable[[], T]) -> T:
    until, pause = courier.clock.boot() + KEPT_FOR, FIRST_REST
    while True:
        try:
            return work()
        except DatabaseFault as fault:
            if courier.stopping() or courier.clock.boot() >= until:
                raise
            log.warning("answers wait for the database: %s", fault)
        courier.rest(pause)
        pause = min(2 * pause, LONGEST_REST)
