"""So many letters a second: of this process, or of every process that shares a Redis."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Protocol

from limits.errors import StorageError
from limits.storage import RedisStorage
from redis.backoff import NoBackoff
from redis.retry import Retry

AWAY = 10.0
"""Seconds for which a Redis that did not answer is not asked again."""

_WINDOW = 60
"""Seconds of the longest window; a rate that is no whole number of letters a second has one."""

log = logging.getLogger(__name__)


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


@dataclass(slots=True)
class SharedRate:
    """One count in Redis for all processes; its windows begin and end by Redis' clock alone.

    While Redis is away each process keeps to the rate by itself, so that letters go on.

    Args:
        storage: raises :class:`limits.errors.StorageError` when it cannot be asked.
        rate: letters a second.
        name: what is counted; the same in every process.
    """

    storage: RedisStorage
    rate: float
    name: str
    _alone: Bucket = field(init=False)
    _letters: int = field(init=False)
    _seconds: int = field(init=False)
    _away_until: float | None = None
    _ask_at: float = 0.0

    def __post_init__(self) -> None:
        self._alone = Bucket(self.rate)
        self._letters, self._seconds = window_of(self.rate)

    def take(self, most: int, now: float) -> int:
        """Return how many of ``most`` letters may leave now, and count them."""
        if self._is_away(now):
            return self._alone.take(most, now)
        try:
            counted = self._count(most)
            taken = min(max(self._letters - (counted - most), 0), most)
            if taken < most:
                self._count(taken - most)
        except StorageError as fault:
            self._go_alone(fault, now)
            return self._alone.take(most, now)
        if self._away_until is not None:
            self._away_until = None
            log.info("letters are counted in Redis again")
        if not taken:
            self._ask_at = now + min(self._seconds / 4, 1.0)
        return taken

    def put_back(self, count: int, now: float) -> None:
        """Uncount letters that did not leave after all."""
        if self._is_away(now):
            self._alone.put_back(count, now)
            return
        try:
            self._count(-count)
        except StorageError as fault:
            self._go_alone(fault, now)

    def again_in(self, now: float) -> float:
        """Return the seconds until asking again makes sense; Redis does not say."""
        return self._alone.again_in(now) if self._is_away(now) else max(self._ask_at - now, 0.0)

    def _count(self, letters: int) -> int:
        return self.storage.incr(self.name, self._seconds, letters)

    def _is_away(self, now: float) -> bool:
        return self._away_until is not None and now < self._away_until

    def _go_alone(self, fault: StorageError, now: float) -> None:
        if self._away_until is None:
            log.warning(
                "letters are counted in this process only: %s", type(fault.storage_error).__name__
            )
        self._away_until = now + AWAY


def window_of(rate: float) -> tuple[int, int]:
    """Return letters and whole seconds of a window with (very nearly) this rate."""
    exact = Fraction(rate).limit_denominator(_WINDOW)
    if exact.numerator:
        return exact.numerator, exact.denominator
    return 1, ceil(1 / rate)


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
    storage = RedisStorage(
        broker_url,
        wrap_exceptions=True,
        key_prefix="lettercourse-rate",
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
    )
    return SharedRate(storage, rate, name)
