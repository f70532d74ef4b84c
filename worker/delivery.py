"""Delivering: claim, gate, hand over, settle, a window at a time, until nothing is due."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from traceback import format_tb

from worker.compose import compose
from worker.links import Links
from worker.model import Clock, Gated, Moment, Outcome, Provider, Tally, Verdict
from worker.store import Store

STALE_GATE = 5.0
"""Seconds (boot clock) after which a gate is too old for a letter's first byte."""

MOST_RINGS = 50
"""Doorbells of one round; what they leave over is rung for by the next."""

log = logging.getLogger(__name__)


def never() -> bool:
    """Return ``False``: nobody asks this courier to stop."""
    return False


class Waiting:
    """Letters past their gate that nobody has begun; of two who take them one gets each."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._letters: deque[Gated] = deque()

    def put(self, letters: Iterable[Gated]) -> None:
        """Add letters in the order in which they are to be begun."""
        with self._lock:
            self._letters.extend(letters)

    def begin(self) -> Gated | None:
        """Take the next letter, to be handed over; ``None`` when there is none."""
        with self._lock:
            return self._letters.popleft() if self._letters else None

    def take_all(self) -> tuple[Gated, ...]:
        """Take every letter, to be given back."""
        with self._lock:
            rest = tuple(self._letters)
            self._letters.clear()
        return rest


@dataclass(frozen=True, slots=True)
class Courier:
    """Who delivers, with what, and until when.

    Attributes:
        owner: names this worker in the ledger; no two at a time share it.
        window: letters behind one gate; after a crash that many are in doubt at most.
        lease: how long a claim lasts, and the deadline of a hand-over.
        stopping: asked between letters; the one in hand is finished, the rest given back.
        waiting: what of the present window is not begun; whoever cannot wait for a letter in hand
            gives it back.
    """

    store: Store
    provider: Provider
    links: Links
    clock: Clock
    owner: str
    window: int = 20
    lease: timedelta = timedelta(seconds=30)
    stopping: Callable[[], bool] = never
    waiting: Waiting = field(default_factory=Waiting, compare=False)

    def moment(self) -> Moment:
        """Read the calendar and the machine's clock."""
        return Moment(self.clock.now(), self.clock.wall())


def tick(courier: Courier) -> Tally:
    """Do what is due at this moment until nothing is.

    Letters refused for now are due again only later than this moment, so it comes to an end.
    """
    moment = courier.moment()
    tally = courier.store.reap(moment)
    while not courier.stopping():
        window = deliver_window(courier, due_by=moment.now)
        if not window.claimed:
            break
        tally += window
    return tally


def deliver_window(courier: Courier, due_by: datetime | None = None) -> Tally:
    """Deliver one window of what is due.

    Args:
        courier: who delivers.
        due_by: take only what fell due by then; by default, by now.
    """
    store, moment = courier.store, courier.moment()
    horizon = moment if due_by is None else replace(moment, now=min(due_by, moment.now))
    claimed = store.claim(courier.owner, horizon, courier.lease, courier.window)
    if not claimed:
        return Tally()
    before_gate = courier.clock.boot()
    gate = store.gate(claimed, courier.owner, courier.moment(), courier.lease)
    done = Tally(claimed=len(claimed), cancelled=gate.cancelled)
    return done + _hand_over_all(courier, gate.passed, before_gate)


def ring_for_due(store: Store, clock: Clock, ring: Callable[[], None], window: int) -> int:
    """Reap, then ring once for every window of due letters; return how often.

    A doorbell may be lost: what it was for stays due, and the next round rings again.
    """
    now = clock.now()
    store.reap(Moment(now, clock.wall()))
    due = store.due_count(now, limit=MOST_RINGS * window)
    rings = -(-due // window)
    for _ in range(rings):
        ring()
    return rings


def where_it_arose(fault: Exception) -> str:
    """Return a fault's type and trace for the log, without its text, which may name a person."""
    return f"{type(fault).__name__}\n{''.join(format_tb(fault.__traceback__))}"


def _hand_over_all(courier: Courier, passed: tuple[Gated, ...], before_gate: float) -> Tally:
    """Hand over letters in turn; whatever happens, what is known is settled."""
    results: list[tuple[Gated, Outcome]] = []
    courier.waiting.put(passed)
    try:
        while not (courier.clock.boot() - before_gate > STALE_GATE or courier.stopping()):
            gated = courier.waiting.begin()
            if gated is None:
                break
            results.append((gated, _hand_over(courier, gated)))
    finally:
        tally = _record(courier, results)
    return tally


def give_back_waiting(courier: Courier) -> None:
    """Undo the gate of letters that nobody has begun; they are due at once."""
    if rest := courier.waiting.take_all():
        courier.store.give_back(rest, courier.moment())


def _record(courier: Courier, results: list[tuple[Gated, Outcome]]) -> Tally:
    tally = courier.store.settle(results, courier.moment()) if results else Tally()
    give_back_waiting(courier)
    return tally


def _hand_over(courier: Courier, gated: Gated) -> Outcome:
    """Send one letter; a fault before its first byte is definite, any later one is a doubt."""
    delivery = gated.claimed.id
    try:
        message = compose(courier.store.letter(gated.claimed.letter_id), gated, courier.links)
    except Exception as fault:  # noqa: BLE001 - one bad letter must not stop the others
        log.error("delivery %s cannot be composed: %s", delivery, where_it_arose(fault))  # noqa: TRY400
        return Outcome(Verdict.DEFERRED, f"the letter cannot be composed: {type(fault).__name__}")
    try:
        return courier.provider.send(message)
    except Exception as fault:  # noqa: BLE001 - it may have been sent, so it is not sent again
        log.error("delivery %s: the provider failed: %s", delivery, where_it_arose(fault))  # noqa: TRY400
        return Outcome(Verdict.UNKNOWN, f"the provider failed: {type(fault).__name__}")
