"""Rounds: some windows under one claim, taken to the provider one after the other.

The gate of a window settles the one before it in the same commit. So a window costs one commit, and
no more than one window of a courier is without its answers on record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import datetime

from worker.delivery.courier import Courier
from worker.delivery.handing import Answered, hand_over
from worker.delivery.keeping import pass_gate, settle
from worker.erasing import forget_erased
from worker.model import Clock, Moment, Tally
from worker.notifying import send_notices
from worker.store import Store

MOST_RINGS = 50
"""Doorbells of one round; what they leave over is rung for by the next."""

SHARE = 4
"""What is less than a whole round is taken in such parts, so that others have some of it."""

LEAST_REST, MOST_REST = 0.05, 0.5
"""Seconds between two looks at a flow that admits nothing for the moment, and at who stops us."""


log = logging.getLogger(__name__)


def tick(*couriers: Courier) -> Tally:
    """Do what is due at this moment until nothing is; the tally counts letters of courses.

    What was refused for now is due again only later than this moment, so it comes to an end.

    Args:
        couriers: one, or several that work at once, each in a thread of its own.
    """
    first = couriers[0]
    moment = first.moment()
    tally = first.store.reap(moment)
    while send_notices(first, moment.now, first.window):
        pass

    def until_nothing_is_due(courier: Courier) -> Tally:
        done = Tally()
        while not courier.stopping():
            of_round = deliver_round(courier, due_by=moment.now)
            if not of_round.claimed:
                break
            done += of_round
        return done

    if len(couriers) == 1:
        return tally + until_nothing_is_due(first)
    with ThreadPoolExecutor(len(couriers), "courier") as threads:
        return sum(threads.map(until_nothing_is_due, couriers), tally)


def deliver_round(courier: Courier, due_by: datetime | None = None) -> Tally:
    """Deliver some windows of what is due, service mail first: somebody waits for it.

    Args:
        courier: who delivers.
        due_by: take only what fell due by then; by default, by now.

    Returns:
        What became of it; nothing is claimed where nothing is due or the flow is shut.
    """
    store, moment = courier.store, courier.moment()
    horizon = moment if due_by is None else replace(moment, now=min(due_by, moment.now))
    most = courier.ahead * courier.window
    due = store.due_count(horizon.now, most)
    if not due:
        return Tally()
    send_notices(courier, horizon.now, courier.window)
    wanted = min(courier.window, due)
    admitted = _admitted(courier, wanted)
    if not admitted:
        return Tally()
    if admitted < wanted:
        most = admitted  # the flow is slower than we are: what is claimed ahead would only wait
    elif due < most:
        most = max(courier.window, due // SHARE)
    begun = courier.clock.boot()
    claimed = store.claim(courier.owner, horizon, courier.lease, most)
    courier.windows.hold(claimed)
    done = Tally(claimed=len(claimed)) + _carry(courier, admitted)
    seconds = round(courier.clock.boot() - begun, 3)
    log.info("round", extra={**asdict(done), "seconds": seconds, "owner": courier.owner})
    return done


def ring_for_due(
    store: Store, clock: Clock, ring: Callable[[], None], window: int, most: int = MOST_RINGS
) -> int:
    """Reap, then ring once for every window of due letters, ``most`` times; return how often.

    A doorbell may be lost: what it was for stays due, and the next round rings again.
    """
    now = clock.now()
    store.reap(Moment(now, clock.wall()))
    due = store.due_count(now, limit=most * window)
    rings = -(-due // window)
    for _ in range(rings):
        ring()
    return rings


def give_back_waiting(courier: Courier) -> None:
    """Give back what is claimed and not begun; it is due at once."""
    _give_back_gated(courier)
    if claimed := courier.windows.take_claimed():
        courier.store.release(claimed, courier.owner)


def _give_back_gated(courier: Courier) -> None:
    if gated := courier.windows.take_gated():
        courier.store.give_back(gated, courier.moment())


def _carry(courier: Courier, admitted: int) -> Tally:
    """Take claims to the provider; whatever happens, what is known of them is settled."""
    boot, windows = courier.clock.boot, courier.windows
    tally, answered, handed = Tally(), Answered(), list[str]()
    too_long = boot() + courier.lease.total_seconds() / 2
    try:
        while not courier.stopping() and boot() < too_long and (window := windows.next(admitted)):
            courier.flow.unused(admitted - len(window))
            admitted, gated_at = 0, boot()
            gate = pass_gate(courier, window, answered)
            courier.gated(boot() - gated_at)
            answered = []
            tally += gate.settled + Tally(cancelled=gate.cancelled)
            handed += [each.claimed.id for each in gate.passed]
            hand_over(courier, gate.passed, gated_at, answered)
            _log_letters(answered)
            _give_back_gated(courier)
            if windows.left():
                admitted = courier.flow.admit(min(courier.window, windows.left()))
                if not admitted:
                    tally += settle(courier, answered)
                    admitted = _admitted(courier, courier.window)
    finally:
        courier.flow.unused(admitted)
        try:
            tally += settle(courier, answered)
        finally:
            give_back_waiting(courier)
        forget_erased(courier.store, courier.provider, handed)
    return tally


def _log_letters(answered: Answered) -> None:
    if log.isEnabledFor(logging.DEBUG):
        for gated, outcome in answered:
            claimed = gated.claimed
            about = {"delivery": claimed.id, "letter": claimed.letter_key}
            log.debug("letter", extra={**about, "verdict": outcome.verdict.value})


def _admitted(courier: Courier, most: int) -> int:
    """Return how many letters the flow admits; where it is only slow, that is waited for."""
    until = courier.clock.boot() + courier.lease.total_seconds() / 3
    while not (admitted := courier.flow.admit(most)):
        if courier.flow.why or courier.stopping() or courier.clock.boot() >= until:
            break
        courier.rest(min(max(courier.flow.again_in(), LEAST_REST), MOST_REST))
    return admitted
