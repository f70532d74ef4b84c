"""Which instant it is, also when somebody sets the clock while we work.

A wall clock may be set to anything at any moment. Believed at once, a jump of a day forward would
bring everybody's next letter forward by a day; a jump back would date hand-overs too early, and
bring the letters after them forward when it is mended. Nothing on record would show that the least
gap had been broken. Seconds since boot cannot be set, so they are what time goes by; the wall clock
says only where they started from.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from course.errors import LettercourseError
from worker.model import Clock

CORRECTION = timedelta(minutes=1)
"""What a clock may be set by, forward or back, and be believed: it had drifted."""

NEVER_SET = timedelta(days=30)
"""What it must be put forward by to be believed again: it had not been set before."""

READ_EVERY = 30.0
"""Seconds between two readings of a clock that another machine keeps."""

log = logging.getLogger(__name__)


def machine_time() -> datetime:
    """Return this machine's wall clock."""
    return datetime.now(UTC)


def since_boot() -> float:
    """Return seconds since boot, sleep included where the system counts it."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SteadyClock:
    """A wall clock that is read once, and from then on goes by the seconds that really pass.

    What it is set to later is not believed until the process is started again, but for a
    correction or its first setting. Threads may share it.

    Args:
        read: the wall clock; may fail when another machine keeps it, and is read later then.
        boot: seconds since some fixed moment, never set.
        every: seconds between two readings; 0 reads each time.
    """

    def __init__(
        self,
        read: Callable[[], datetime] = machine_time,
        boot: Callable[[], float] = since_boot,
        every: float = 0.0,
    ) -> None:
        self._read = read
        self._boot = boot
        self._every = every
        self._lock = Lock()
        self._read_at = boot()
        self._origin = read() - timedelta(seconds=self._read_at)
        self._set_by = timedelta()

    @property
    def set_by(self) -> timedelta:
        """How far the wall clock was set off, forward or back, and not believed."""
        return self._set_by

    def now(self) -> datetime:
        """Return the calendar's instant."""
        with self._lock:
            boot = self._boot()
            if boot - self._read_at >= self._every:
                self._compare(boot)
            return self._origin + timedelta(seconds=boot)

    def wall(self) -> datetime:
        """Return the instant that leases go by: the same."""
        return self.now()

    def boot(self) -> float:
        """Return seconds since some fixed moment of this boot."""
        return self._boot()

    def _compare(self, boot: float) -> None:
        self._read_at = boot
        try:
            set_by = self._read() - self._origin - timedelta(seconds=boot)
        except LettercourseError:
            return  # time goes on meanwhile
        if abs(set_by) <= CORRECTION or set_by > NEVER_SET:
            self._origin += set_by
            set_by = timedelta()
        elif abs(set_by - self._set_by) > CORRECTION:
            log.warning("the clock was set by %s: not believed before a restart", set_by)
        self._set_by = set_by


@dataclass(frozen=True, slots=True)
class RehearsedClock:
    """A clock whose calendar never falls behind what a rehearsal has already lived through."""

    clock: Clock
    rehearsed_at: datetime

    def now(self) -> datetime:
        """Return the later of the calendar's instant and the rehearsal's."""
        return max(self.clock.now(), self.rehearsed_at)

    def wall(self) -> datetime:
        """Return the machine's instant."""
        return self.clock.wall()

    def boot(self) -> float:
        """Return seconds since some fixed moment of this boot."""
        return self.clock.boot()
