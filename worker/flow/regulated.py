"""One answer to one question: how many letters may leave now?"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Sequence

from worker.flow.breaker import Breaker
from worker.flow.rate import Rate, open_rate
from worker.model import Flow, Outcome
from worker.settings import Settings

log = logging.getLogger(__name__)


class RegulatedFlow:
    """The rate of letters and the circuit breaker of one process; thread-safe.

    Args:
        boot: seconds since some fixed moment, of a clock that is never set.
        rate: counts letters; ``None`` for no limit.
        breaker: one of its own by default.
    """

    def __init__(
        self, boot: Callable[[], float], rate: Rate | None = None, breaker: Breaker | None = None
    ) -> None:
        self._boot = boot
        self._rate = rate
        self._breaker = breaker or Breaker(secrets.SystemRandom().random)
        self._lock = threading.Lock()

    def admit(self, most: int) -> int:
        """Return how many of ``most`` letters may be gated now; what is not, goes to `unused`."""
        now = self._boot()
        with self._lock:
            admitted = self._breaker.admit(most, now)
        if not admitted or self._rate is None:
            return admitted
        taken = self._rate.take(admitted, now)
        if not taken:
            with self._lock:
                self._breaker.unused()
        return taken

    def unused(self, count: int) -> None:
        """Give back leave for letters that were not there to be sent."""
        if count <= 0:
            return
        with self._lock:
            self._breaker.unused()
        if self._rate is not None:
            self._rate.put_back(count, self._boot())

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Take in what the provider answered, in the order of the hand-overs."""
        with self._lock:
            before = self._breaker.why
            self._breaker.learn(outcomes, self._boot())
            after = self._breaker.why
        if after and not before:
            log.warning("no letter leaves for now: %s", after)
        elif before and not after:
            log.warning("letters leave again")

    @property
    def why(self) -> str:
        """Why no letter leaves, without a person; empty while they do, or one is on trial."""
        now = self._boot()
        with self._lock:
            return "" if self._breaker.is_trying(now) else self._breaker.why

    def again_in(self) -> float:
        """Return the seconds after which asking again makes sense; 0 when it does now."""
        now = self._boot()
        with self._lock:
            shut = self._breaker.again_in(now)
        return max(shut, self._rate.again_in(now) if self._rate else 0.0)


def open_flow(settings: Settings, boot: Callable[[], float]) -> Flow:
    """Return the flow that the settings ask for.

    Args:
        settings: validated.
        boot: see :class:`RegulatedFlow`.
    """
    return RegulatedFlow(
        boot, open_rate(settings.send_rate, settings.broker_url, settings.provider.value)
    )
