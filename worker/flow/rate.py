"""So many letters a second: of this process, or of every process that shares a Redis."""

from __future__ import annotations

import threading
from math import floor
from typing import Protocol


class Rate(Protocol):
    """Hands out leave to send; every ``now`` is in seconds of a clock that is never set."""

    def take(self, most: int, now: float) -> int:
        """Return how many of ``most`` letters may leave now, and count them."""

    def put_back(self, count: int, now: float) -> None:
        """Uncount letters that did not leave after all."""

    def again_in(self, now: float) -> float:
        """Return the seconds until asking again makes sense; 0 when it does now."""


class Bucket:
    """A token bucket for one process, which holds the letters of one second.

    The one in ``limits`` counts by a clock that can be set: an hour back would stop letters for an
    hour.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._size = max(rate, 1.0)
        self._tokens = self._size
        self._filled_at: float | None = None
        self._lock = threading.Lock()

    def take(self, most: int, now: float) -> int:
        """Return how many of ``most`` letters may leave now, and count them."""
        with self._lock:
            self._fill(now)
            taken = min(most, floor(self._tokens))
            self._tokens -= taken
        return taken

    def put_back(self, count: int, now: float) -> None:
        """Uncount letters that did not leave after all."""
        with self._lock:
            self._fill(now)
            self._tokens = min(self._tokens + count, self._size)

    def again_in(self, now: float) -> float:
        """Return the seconds until there is one letter's leave."""
        with self._lock:
            self._fill(now)
            return max(1 - self._tokens, 0.0) / self._rate

    def _fill(self, now: float) -> None:
        if self._filled_at is not None:
            gained = max(now - self._filled_at, 0.0) * self._rate
            self._tokens = min(self._tokens + gained, self._size)
        self._filled_at = now


def open_rate(rate: float, broker_url: str, name: str) -> Rate | None:
    """Return what counts letters; ``None`` when nothing limits them.

    Args:
        rate: letters a second; 0 for no limit.
        broker_url: ``memory://``, or the Redis that all processes share.
        name: what is counted.
    """
    if not rate:
        return None
    if broker_url == "memory://":
        return Bucket(rate)
    # Redis' client takes as long to import as the rest of a command.
    from worker.flow.shared_rate import share

    return share(rate, broker_url, name)
