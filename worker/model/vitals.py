"""How an installation does, in numbers; none of them is about a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from worker.model.news import News
from worker.model.states import DeliveryState, ReplyKind
from worker.model.workers import GateTimes, Heartbeat

COUNTED_DUE = 100_000
"""Due letters are counted up to here: more says the same, and costs more."""


@dataclass(frozen=True, slots=True)
class Census:
    """What the ledger holds, counted row by row; it takes longer the more there is.

    Attributes:
        letters: deliveries by state, every state named; owed is their sum.
        held: enrollments that stand still until the operator decides.
    """

    letters: Mapping[DeliveryState, int]
    held: int
    events: Mapping[News, int]
    replies: Mapping[ReplyKind, int]

    @property
    def owed(self) -> int:
        """Return how many letters fell due so far."""
        return sum(self.letters.values())


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind the installation is.

    Attributes:
        due: letters that are due and not claimed, ``COUNTED_DUE`` at most.
        oldest_due_at: since when the oldest of them is due; ``None``: nothing is.
    """

    due: int
    oldest_due_at: datetime | None

    def seconds(self, now: datetime) -> float:
        """Return how long the oldest due letter has been waiting."""
        if self.oldest_due_at is None:
            return 0.0
        return max((now - self.oldest_due_at).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class DatabaseCondition:
    """What a database is, and what makes its commits durable.

    Attributes:
        kind: ``sqlite`` or ``postgresql``.
        settings: by name, as the database says them.
    """

    kind: str
    version: tuple[int, ...]
    settings: Mapping[str, str]

    @property
    def shown(self) -> str:
        """Return the version as people write it."""
        return ".".join(map(str, self.version))


@dataclass(frozen=True, slots=True)
class VitalSigns:
    """What is cheap to ask for, however much the ledger holds.

    Attributes:
        workers: the newest sign of life of each.
        gates: how long gates took, of all workers that are and were.
    """

    lag: Lag
    workers: tuple[Heartbeat, ...]
    gates: GateTimes
