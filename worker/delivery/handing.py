"""Handing over: letters past their gate become messages, and the provider answers."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from worker.compose import compose
from worker.delivery.courier import Courier
from worker.errors import where_it_arose
from worker.model import Fault, Gated, Message, Outcome, Verdict
from worker.notifying import STALE_GATE

Answered = list[tuple[Gated, Outcome]]

log = logging.getLogger(__name__)


def hand_over(courier: Courier, passed: Sequence[Gated], gated_at: float, into: Answered) -> None:
    """Hand over letters in turn, until somebody stops, the flow is shut or their gate is old.

    Args:
        courier: who delivers; what is not begun stays among its windows.
        passed: one window past its gate.
        gated_at: when its gate began, by the boot clock.
        into: takes the answers as they come, so that none is lost whatever happens.
    """
    provider, clock = courier.provider, courier.clock
    courier.windows.put(passed)
    while not (clock.boot() - gated_at > STALE_GATE or courier.stopping() or courier.flow.why) and (
        begun := courier.windows.begin(provider.at_once, mixed=provider.mixes)
    ):
        composed: list[tuple[Gated, Message]] = []
        for gated in begun:
            try:
                stored = courier.store.letter(gated.claimed.letter_id)
                composed.append((gated, compose(stored, gated, courier.links)))
            except Exception as fault:  # noqa: BLE001 - one bad letter must not stop the others
                into.append((gated, _not_composed(gated, fault)))
        outcomes = _send(courier, [message for _, message in composed])
        courier.flow.learn(outcomes)
        for (gated, _), outcome in zip(composed, outcomes, strict=True):
            into.append((gated, outcome))


def _not_composed(gated: Gated, fault: Exception) -> Outcome:
    log.error("delivery %s cannot be composed: %s", gated.claimed.id, where_it_arose(fault))
    return Outcome(Verdict.DEFERRED, f"the letter cannot be composed: {type(fault).__name__}")


def _send(courier: Courier, messages: Sequence[Message]) -> Sequence[Outcome]:
    """Send; a fault that the provider does not name is a doubt about every message."""
    try:
        match messages:
            case []:
                return []
            case [message]:
                return [courier.provider.send(message)]
        return courier.provider.send_all(messages, courier.stopping)
    except Exception as fault:  # noqa: BLE001 - it may have been sent, so it is not sent again
        for message in messages:
            log.error(  # noqa: TRY400
                "delivery %s: the provider failed: %s", message.delivery_id, where_it_arose(fault)
            )
        why = f"the provider failed: {type(fault).__name__}"
        doubt = Outcome(Verdict.UNKNOWN, why, fault=Fault.DOWN)
        return [doubt] * len(messages)
