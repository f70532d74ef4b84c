"""Who delivers, and what of it is in hand."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock

from worker.links import Links
from worker.model import Claimed, Clock, Flow, Gated, Moment, Open, Provider, never
from worker.store import Store


def unheard(_seconds: float) -> None:
    """Do nothing: nobody wants to know."""


class Windows:
    """Letters that were claimed, and those past their gate, that nobody has begun.

    Of two who take them one gets each: a courier that hangs in the network can be relieved of them.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._claimed: deque[Claimed] = deque()
        self._gated: deque[Gated] = deque()

    def hold(self, claimed: Iterable[Claimed]) -> None:
        """Add claims in the order in which they are to be gated."""
        with self._lock:
            self._claimed.extend(claimed)

    def left(self) -> int:
        """Return how many claims wait for a gate."""
        return len(self._claimed)

    def next(self, most: int) -> tuple[Claimed, ...]:
        """Take the claims that pass the next gate together."""
        with self._lock:
            return tuple(self._claimed.popleft() for _ in range(min(most, len(self._claimed))))

    def put(self, letters: Iterable[Gated]) -> None:
        """Add letters past their gate in the order in which they are to be begun."""
        with self._lock:
            self._gated.extend(letters)

    def begin(self, at_once: int = 1, *, mixed: bool = False) -> tuple[Gated, ...]:
        """Take what is next and goes into one hand-over: up to ``at_once`` copies of one letter.

        Where letters may be ``mixed``, up to ``at_once`` of any.
        """
        with self._lock:
            begun: list[Gated] = []
            rest: deque[Gated] = deque()
            while self._gated and len(begun) < at_once:
                each = self._gated.popleft()
                fits = mixed or not begun or each.claimed.letter_id == begun[0].claimed.letter_id
                (begun if fits else rest).append(each)
            self._gated.extendleft(reversed(rest))
        return tuple(begun)

    def take_gated(self) -> tuple[Gated, ...]:
        """Take every letter past its gate, to be given back."""
        with self._lock:
            rest = tuple(self._gated)
            self._gated.clear()
        return rest

    def take_claimed(self) -> tuple[Claimed, ...]:
        """Take every claim, to be released."""
        with self._lock:
            rest = tuple(self._claimed)
            self._claimed.clear()
        return rest


@dataclass(frozen=True, slots=True)
class Courier:
    """Who delivers, with what, and until when; one thread's own.

    Attributes:
        owner: names this worker in the ledger; no two at a time share it.
        window: letters behind one gate; after a crash that many are in doubt at most.
        ahead: windows that one claim takes; after a crash they wait for their lease to run out.
        lease: how long a claim lasts, and the deadline of a hand-over.
        stopping: asked between letters; the one in hand is finished, the rest given back.
        flow: what letters pass through on their way out.
        rest: waits for so many seconds.
        gated: is told how many seconds each gate took.
        windows: what is not begun; whoever cannot wait for a letter in hand gives it back.
    """

    store: Store
    provider: Provider
    links: Links
    clock: Clock
    owner: str
    window: int = 20
    ahead: int = 10
    lease: timedelta = timedelta(seconds=30)
    stopping: Callable[[], bool] = never
    flow: Flow = field(default_factory=Open)
    rest: Callable[[float], None] = time.sleep
    gated: Callable[[float], None] = unheard
    windows: Windows = field(default_factory=Windows, compare=False)

    def moment(self) -> Moment:
        """Read the calendar and the machine's clock."""
        return Moment(self.clock.now(), self.clock.wall())
