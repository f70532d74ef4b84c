"""One process's pulse: what its threads note while they deliver, for the next heartbeat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from worker.model import GateTimes, Heartbeat

BEAT_EVERY = 10.0
"""Seconds between two heartbeats of a process."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process it is; the fields are those of ``Heartbeat``."""

    name: str
    host: str
    pid: int
    version: str
    started_at: datetime


class Pulse:
    """Counts what a process does; may be shared by its threads, not by forks."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._lock = Lock()
        self._gates = GateTimes()
        self._moved_at: datetime | None = None
        self._beaten_at: float | None = None

    def gated(self, seconds: float) -> None:
        """Note one gate and how long its transaction took."""
        with self._lock:
            self._gates = self._gates.and_one(seconds)

    def moved(self, wall: datetime) -> None:
        """Note that this process finished something that it was asked to do."""
        with self._lock:
            self._moved_at = wall

    def is_due(self, boot: float) -> bool:
        """Tell whether it is time for a heartbeat; of several who ask at once, one is told so."""
        with self._lock:
            if self._beaten_at is not None and boot - self._beaten_at < BEAT_EVERY:
                return False
            self._beaten_at = boot
            return True

    def beat(self, wall: datetime, breaker: str = "") -> Heartbeat:
        """Return the sign of life to be stored now.

        Args:
            wall: the machine's instant.
            breaker: why nothing is handed over; empty while it is.
        """
        who = self.identity
        with self._lock:
            return Heartbeat(
                name=who.name,
                host=who.host,
                pid=who.pid,
                version=who.version,
                started_at=who.started_at,
                seen_at=wall,
                moved_at=self._moved_at,
                gates=self._gates,
                breaker=breaker,
            )
