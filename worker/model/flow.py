"""Whether letters may leave now: a rate that is shared, a breaker that trips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from worker.model.handing import Outcome


class Flow(Protocol):
    """What hand-overs pass through, on their way out and with their answers."""

    @property
    def why(self) -> str:
        """Why it is shut, in a few words; empty while it is open, however slow."""

    def admit(self, most: int) -> int:
        """Return how many of ``most`` letters may be gated now; they count as on their way."""

    def unused(self, count: int) -> None:
        """Uncount admitted letters that were not there to be sent."""

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Take note of what became of letters, in the order of their hand-overs."""

    def again_in(self) -> float:
        """Return the seconds after which asking again makes sense; 0 when it does now."""


class Open:
    """Lets everything through at once."""

    why = ""

    def admit(self, most: int) -> int:
        """Admit all."""
        return most

    def unused(self, count: int) -> None:
        """Do nothing: nothing is counted."""

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Do nothing: there is nothing to learn for."""

    def again_in(self) -> float:
        """Return none: it is never shut."""
        return 0.0
