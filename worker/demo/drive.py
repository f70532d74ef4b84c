"""Drives a running stack's calendar from one due letter to the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from course.errors import LettercourseError
from worker.clocks import SteadyClock
from worker.stack import Stack
from worker.store import Store

PATIENCE = 30.0
"""Seconds after which what is due must have been delivered."""


class DrivenClock(SteadyClock):
    """The machine's clocks, but for the calendar, which stands until it is moved."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self._at = at

    def now(self) -> datetime:
        """Return where the calendar stands."""
        return self._at

    def move(self, at: datetime) -> None:
        """Move the calendar, never back."""
        self._at = max(self._at, at)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that somebody does at an instant of the calendar."""

    at: datetime
    act: Callable[[], None]


def drive(
    stack: Stack,
    store: Store,
    clock: DrivenClock,
    happenings: Sequence[Happening],
    tell: Callable[[datetime], None],
) -> None:
    """Move the calendar on until nobody is owed a letter and everything has happened.

    Args:
        stack: running.
        store: the stack's.
        clock: the stack's.
        happenings: what people do meanwhile.
        tell: called with every instant at which letters fall due.

    Raises:
        LettercourseError: what was due was not delivered.
    """
    ahead = deque(sorted(happenings, key=lambda happening: happening.at))
    while True:
        # Only in the quiet does the ledger know what is next: what is under way has no due time.
        stack.ring()
        if not stack.wait_until_quiet(PATIENCE):
            raise LettercourseError(
                f"what was due at {clock.now():%Y-%m-%d %H:%M} UTC was not delivered",
                remedy="run the demo again when this machine has less to do",
            )
        due = store.next_due_at()
        if ahead and (due is None or ahead[0].at <= due):
            happening = ahead.popleft()
            clock.move(happening.at)
            happening.act()
        elif due:
            clock.move(due)
            tell(due)
        else:
            return
