"""So many letters a second of all processes that share a Redis."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

from limits.errors import StorageError
from limits.storage import RedisStorage
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.flow.rate import Bucket

AWAY = 10.0
"""Seconds for which a Redis that did not answer is not asked again."""

_WINDOW = 60
"""Seconds of the longest window; a rate that is no whole number of letters a second has one."""

log = logging.getLogger(__name__)


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


def share(rate: float, broker_url: str, name: str) -> SharedRate:
    """Return what counts letters for every process that shares this Redis."""
    storage = RedisStorage(
        broker_url,
        wrap_exceptions=True,
        key_prefix="lettercourse-rate",
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
    )
    return SharedRate(storage, rate, name)
