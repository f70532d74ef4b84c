"""A circuit breaker: letters stay where they are while their provider cannot or will not take them.

Closed, it lets everything pass. It opens when the provider cannot be reached several times in a
row, or once when it refuses our login or says that we are too fast. After a pause it is half open:
one letter may try, and its answer closes it, or opens it for twice as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from worker.model import Fault, Outcome, Verdict

FAILURES = 5
"""Answers in a row that say the provider is down before the breaker believes it."""

FIRST_PAUSE: Mapping[Fault, float] = {Fault.DOWN: 5.0, Fault.CREDENTIALS: 30.0, Fault.RATE: 5.0}
"""Seconds; a refused login waits longer, as servers lock out who tries a wrong one often."""

LONGEST_PAUSE = 300.0
TRIAL = 30.0
"""Seconds after which a letter on trial is given up for lost, and the next one may try."""

WORDS: Mapping[Fault, str] = {
    Fault.DOWN: "the provider cannot be reached",
    Fault.CREDENTIALS: "the provider does not let us in",
    Fault.RATE: "the provider asks us to wait",
}


@dataclass(slots=True)
class Breaker:
    """Learns from outcomes and says how many letters may try; not thread-safe.

    Every ``now`` is in seconds of a clock that is never set.

    Args:
        chance: a number from 0 to 1, anew with each call: processes that were shut together do
            not come back together.

    Attributes:
        why: empty while closed; else what is wrong, in words without a person.
    """

    chance: Callable[[], float]
    why: str = ""
    _failures: int = 0
    _openings: int = 0
    _shut_until: float = 0.0
    _trial_until: float | None = None

    def admit(self, most: int, now: float) -> int:
        """Return how many of ``most`` letters may try."""
        if not self.why:
            return most
        if self.again_in(now) > 0:
            return 0
        self._trial_until = now + TRIAL
        return min(most, 1)

    def unused(self) -> None:
        """Let somebody else try: whoever was admitted had no letter."""
        self._trial_until = None

    def is_trying(self, now: float) -> bool:
        """Whether a letter is on trial."""
        return self._trial_until is not None and now < self._trial_until

    def again_in(self, now: float) -> float:
        """Return the seconds until somebody may try; 0 when they may now."""
        if not self.why:
            return 0.0
        return max(self._shut_until - now, (self._trial_until or now) - now, 0.0)

    def learn(self, outcomes: Iterable[Outcome], now: float) -> None:
        """Take in what became of hand-overs, in their order."""
        for outcome in outcomes:
            if outcome.verdict is Verdict.NOT_BEGUN:
                continue
            if outcome.fault is None:
                self._works(now)
            else:
                self._fails(outcome.fault, outcome, now)

    def _works(self, now: float) -> None:
        """Close, unless it is the late answer to a letter from before the breaker opened."""
        if not self.why or now >= self._shut_until:
            self.why = ""
            self._failures = self._openings = 0
            self._trial_until = None

    def _fails(self, fault: Fault, outcome: Outcome, now: float) -> None:
        asked = outcome.retry_after.total_seconds() if outcome.retry_after else 0.0
        if self.why and now < self._shut_until:
            # Others were on their way when it opened; only what the provider asks counts.
            self._shut_until = max(self._shut_until, now + asked)
            return
        self._failures += 1
        if self.why or asked or fault is not Fault.DOWN or self._failures >= FAILURES:
            self._open(fault, outcome.detail, asked, now)

    def _open(self, fault: Fault, detail: str, asked: float, now: float) -> None:
        pause = min(FIRST_PAUSE[fault] * 2 ** min(self._openings, 20), LONGEST_PAUSE)
        pause *= 0.5 + self.chance() / 2
        self._shut_until = now + max(pause, asked * (1 + self.chance() / 10))
        self._trial_until = None
        self._openings += 1
        self.why = f"{WORDS[fault]} ({detail})" if detail else WORDS[fault]
