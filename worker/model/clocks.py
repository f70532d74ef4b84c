"""Which instant it is, by which clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The three clocks of a running installation.

    ``now`` is the calendar's: what is due, and every date that a person sees. ``wall`` is the
    machine's: leases and deadlines, also while the calendar is driven by a rehearsal. ``boot``
    counts seconds, sleep included, and is never set.
    """

    def now(self) -> datetime:
        """Return the calendar's instant."""

    def wall(self) -> datetime:
        """Return the machine's instant."""

    def boot(self) -> float:
        """Return seconds since some fixed moment of this boot."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading of the clocks that a transaction works with."""

    now: datetime
    wall: datetime
