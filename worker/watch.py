"""What the vital signs say: whether letters go out, and if not, why not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from worker.model import Heartbeat, Moment, VitalSigns

SEEN_WITHIN = timedelta(minutes=1)
"""Who gave no sign of life for so long is gone or stuck: there is one every ten seconds."""

OVERDUE_AFTER = timedelta(minutes=5)
"""What a letter may be late by before somebody should look; a tick comes every ten seconds."""


def seen(workers: Sequence[Heartbeat], wall: datetime) -> list[Heartbeat]:
    """Return the workers that gave a sign of life just now."""
    return [each for each in workers if wall - each.seen_at <= SEEN_WITHIN]


def moving(workers: Sequence[Heartbeat], wall: datetime) -> list[Heartbeat]:
    """Return the workers that finished something just now; an idle one does, every few seconds."""
    return [each for each in workers if each.moved_at and wall - each.moved_at <= SEEN_WITHIN]


def held_back(workers: Sequence[Heartbeat], wall: datetime) -> str:
    """Return why no worker hands letters over; empty while one of them does, or none is there."""
    return min((each.breaker for each in seen(workers, wall)), default="")


def why_nothing_moves(signs: VitalSigns, moment: Moment) -> str:
    """Return in one line why letters lie about that are long due; empty while they go out.

    A long queue that gets shorter is no standstill: somebody moves.
    """
    late = signs.lag.seconds(moment.now)
    if late <= OVERDUE_AFTER.total_seconds():
        return ""
    since = f"letters are due for {late / 60:.0f} minutes"
    breaker = held_back(signs.workers, moment.wall)
    if breaker:
        return f"{since}, and every worker holds them back: {breaker}"
    if moving(signs.workers, moment.wall):
        return ""
    if seen(signs.workers, moment.wall):
        return f"{since}, and no worker gets anything done: see their logs"
    return f"{since}, and no worker was seen for {SEEN_WITHIN.seconds} seconds: start one"
