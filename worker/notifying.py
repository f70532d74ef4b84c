"""Service mail: gate, hand over, settle, one at a time, with the care that letters get.

One at a time, so that a crash leaves one in doubt and nothing has to be given back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from worker.compose import compose_notice
from worker.erasing import forget_erased
from worker.errors import where_it_arose
from worker.links import Links
from worker.model import Clock, DueNotice, Fault, Flow, Message, Moment, Outcome, Provider, Verdict
from worker.store import Store

STALE_GATE = 5.0
"""Seconds (boot clock) after which a gate is too old for a mail's first byte."""

log = logging.getLogger(__name__)


class Carrier(Protocol):
    """What carrying service mail needs of a courier."""

    @property
    def store(self) -> Store:
        """Where the notices are."""

    @property
    def provider(self) -> Provider:
        """Who carries them."""

    @property
    def links(self) -> Links:
        """Makes the addresses in them."""

    @property
    def clock(self) -> Clock:
        """What their gate goes by."""

    @property
    def lease(self) -> timedelta:
        """The deadline of a hand-over."""

    @property
    def flow(self) -> Flow:
        """Whether it may leave now."""

    @property
    def stopping(self) -> Callable[[], bool]:
        """Asked between two; the one in hand is finished."""


def send_notices(carrier: Carrier, due_by: datetime, most: int) -> int:
    """Send up to ``most`` pieces of service mail that fell due by ``due_by``; return how many."""
    for done in range(most):
        if carrier.stopping() or not carrier.flow.admit(1):
            return done
        moment, before_gate = _moment(carrier), carrier.clock.boot()
        passed = carrier.store.begin_notices(moment, 1, carrier.lease, due_by)
        if not passed:
            carrier.flow.unused(1)
            return done
        results = [(each, _hand_over(carrier, each, before_gate)) for each in passed]
        carrier.store.settle_notices(results, _moment(carrier))
        forget_erased(carrier.store, carrier.provider, [each.id for each in passed])
    return most


def _moment(carrier: Carrier) -> Moment:
    return Moment(carrier.clock.now(), carrier.clock.wall())


def _hand_over(carrier: Carrier, notice: DueNotice, before_gate: float) -> Outcome:
    """Send one; a fault before its first byte is definite, any later one is a doubt."""
    try:
        message = compose_notice(notice, carrier.links)
    except Exception as fault:  # noqa: BLE001 - one bad notice must not stop the others
        log.error("notice %s cannot be composed: %s", notice.id, where_it_arose(fault))  # noqa: TRY400
        return Outcome(Verdict.DEFERRED, f"it cannot be composed: {type(fault).__name__}")
    if carrier.clock.boot() - before_gate > STALE_GATE:
        return Outcome(Verdict.DEFERRED, "its gate was too long ago")
    outcome = _send(carrier.provider, message)
    carrier.flow.learn([outcome])
    return outcome


def _send(provider: Provider, message: Message) -> Outcome:
    try:
        return provider.send(message)
    except Exception as fault:  # noqa: BLE001 - it may have been sent, so it is not sent again
        log.error("notice %s: the provider failed: %s", message.delivery_id, where_it_arose(fault))  # noqa: TRY400
        why = f"the provider failed: {type(fault).__name__}"
        return Outcome(Verdict.UNKNOWN, why, fault=Fault.DOWN)
