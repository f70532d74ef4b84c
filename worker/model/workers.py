"""What a process that delivers letters tells about itself, for whoever looks after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

GATE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: the upper bounds by which gates are counted; slower ones count only in all."""


@dataclass(frozen=True, slots=True)
class GateTimes:
    """How long gates took, as a cumulative histogram.

    Attributes:
        counts: for each of ``GATE_BUCKETS``, how many gates took no longer.
        gates: how many there were in all.
        seconds: how long they took together.
    """

    counts: tuple[int, ...] = (0,) * len(GATE_BUCKETS)
    gates: int = 0
    seconds: float = 0.0

    def __add__(self, other: GateTimes) -> GateTimes:
        return GateTimes(
            tuple(mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)),
            self.gates + other.gates,
            self.seconds + other.seconds,
        )

    def and_one(self, seconds: float) -> GateTimes:
        """Return the times with one more gate that took ``seconds``."""
        one = tuple(int(seconds <= bound) for bound in GATE_BUCKETS)
        return self + GateTimes(one, 1, seconds)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A sign of life of one process that delivers; instants are the machine's clock.

    Attributes:
        name: unlike that of any other process, ever.
        version: of Lettercourse.
        moved_at: when it last finished what it was asked to do; ``None`` before that.
        gates: since it started.
        breaker: why it hands nothing over; empty while it does.
    """

    name: str
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    moved_at: datetime | None = None
    gates: GateTimes = GateTimes()
    breaker: str = ""
