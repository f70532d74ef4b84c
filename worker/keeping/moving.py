"""``copy``: a running installation goes to another database, and every letter comes once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from worker.errors import Refused
from worker.model import Clock
from worker.store import Store
from worker.store.copying import Report
from worker.store.engine import Database

_POLL = 0.05
_OLD_TRANSACTIONS = 60.0
"""Seconds for transactions that had begun before: no statement of ours may take longer."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was copied."""

    to: str
    rows: int


def move(store: Store, target: Database, clock: Clock, report: Report) -> Moved:
    """Stop the source for good, and copy it.

    What was handed over is waited for until its deadline; what nobody settles by then becomes in
    doubt at the target. A fault leaves the source as it was, able to send; a crash leaves it
    stopped, and the same call goes on from there.

    Args:
        store: the source.
        target: empty.
        clock: for the deadlines of what is under way.
        report: told of progress.

    Raises:
        Refused: the target holds something, or the source moves elsewhere.
    """
    store.refuse_target(target)
    store.stop_gates(target.where)
    try:
        _wait(lambda: not store.is_under_way(clock.wall()), float("inf"))
        since = store.stop_writers(target.where)
        _wait(lambda: store.writers_are_done(since), _OLD_TRANSACTIONS)
        rows = store.copy_into(target, report)
    except BaseException:
        store.go_on()
        raise
    return Moved(target.where, rows)


def _wait(is_done: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > until:
            raise Refused(
                "somebody writes for long",
                remedy="stop what else uses the database, then try again",
            )
        time.sleep(_POLL)
