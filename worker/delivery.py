"""Delivering: claim, gate, hand over, settle, a window at a time, until nothing is due."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock

from worker.compose import compose
from worker.erasing import forget_erased
from worker.errors import where_it_arose
from worker.links import Links
from worker.model import Clock, Gated, Message, Moment, Outcome, Provider, Tally, Verdict
from worker.notifying import STALE_GATE, send_notices
from worker.store import Store

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

    def begin(self, at_once: int = 1) -> tuple[Gated, ...]:
        """Take the next letter, and up to ``at_once`` copies of it, to be handed over together."""
        with self._lock:
            if at_once == 1 or not self._letters:
                return (self._letters.popleft(),) if self._letters else ()
            letter_id = self._letters[0].claimed.letter_id
            begun: list[Gated] = []
            rest: deque[Gated] = deque()
            for each in self._letters:
                fits = each.claimed.letter_id == letter_id and len(begun) < at_once
                (begun if fits else rest).append(each)
            self._letters = rest
        return tuple(begun)

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
    """Do what is due at this moment until nothing is; the tally counts letters of courses.

    What was refused for now is due again only later than this moment, so it comes to an end.
    """
    moment = courier.moment()
    tally = courier.store.reap(moment)
    while send_notices(courier, moment.now, courier.window):
        pass
    while not courier.stopping():
        window = deliver_window(courier, due_by=moment.now)
        if not window.claimed:
            break
        tally += window
    return tally


def deliver_window(courier: Courier, due_by: datetime | None = None) -> Tally:
    """Deliver one window of what is due, service mail first: somebody waits for it.

    Args:
        courier: who delivers.
        due_by: take only what fell due by then; by default, by now.
    """
    store, moment = courier.store, courier.moment()
    horizon = moment if due_by is None else replace(moment, now=min(due_by, moment.now))
    send_notices(courier, horizon.now, courier.window)
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


def _hand_over_all(courier: Courier, passed: tuple[Gated, ...], before_gate: float) -> Tally:
    """Hand over letters in turn; whatever happens, what is known is settled."""
    results: list[tuple[Gated, Outcome]] = []
    courier.waiting.put(passed)
    try:
        while not (courier.clock.boot() - before_gate > STALE_GATE or courier.stopping()):
            begun = courier.waiting.begin(courier.provider.at_once)
            if not begun:
                break
            results.extend(_hand_over(courier, begun))
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
    forget_erased(courier.store, courier.provider, [gated.claimed.id for gated, _ in results])
    return tally


def _hand_over(courier: Courier, begun: Sequence[Gated]) -> list[tuple[Gated, Outcome]]:
    """Send copies of one letter; a fault before the first byte is definite, a later one a doubt."""
    results: list[tuple[Gated, Outcome]] = []
    composed: list[tuple[Gated, Message]] = []
    for gated in begun:
        try:
            stored = courier.store.letter(gated.claimed.letter_id)
            composed.append((gated, compose(stored, gated, courier.links)))
        except Exception as fault:  # noqa: BLE001 - one bad letter must not stop the others
            log.error(  # noqa: TRY400
                "delivery %s cannot be composed: %s", gated.claimed.id, where_it_arose(fault)
            )
            why = f"the letter cannot be composed: {type(fault).__name__}"
            results.append((gated, Outcome(Verdict.DEFERRED, why)))
    outcomes = _send(courier.provider, [message for _, message in composed])
    answered = [(gated, outcome) for (gated, _), outcome in zip(composed, outcomes, strict=True)]
    return results + answered


def _send(provider: Provider, messages: Sequence[Message]) -> Sequence[Outcome]:
    try:
        match messages:
            case []:
                return []
            case [message]:
                return [provider.send(message)]
        return provider.send_all(messages)
    except Exception as fault:  # noqa: BLE001 - it may have been sent, so it is not sent again
        for message in messages:
            log.error(  # noqa: TRY400
                "delivery %s: the provider failed: %s", message.delivery_id, where_it_arose(fault)
            )
        doubt = Outcome(Verdict.UNKNOWN, f"the provider failed: {type(fault).__name__}")
        return [doubt] * len(messages)
