"""How often the form may be sent, so that nobody floods mailboxes through it.

Counted in this process's memory, or in Redis where several web servers share it. Who is counted is
kept as a keyed hash only, and no longer than a limit's own time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from enum import StrEnum
from ipaddress import IPv6Address, ip_address

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter, RateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)


class Counted(StrEnum):
    """What is counted."""

    CLIENT = "client"
    ADDRESS = "address"
    EVERYBODY = "everybody"


LIMITS: Mapping[Counted, tuple[str, ...]] = {
    Counted.CLIENT: ("10 per minute", "100 per day"),
    Counted.ADDRESS: ("3 per hour", "6 per day"),
    Counted.EVERYBODY: ("60 per minute", "2000 per day"),
}
"""Forms sent by one client, forms that name one mailbox, and forms in all."""

_ANSWERS_WITHIN = 1.0
"""Seconds that somebody who sends the form waits for Redis, once."""

_LEFT_ALONE = 10.0
"""Seconds in which nobody waits for a Redis that did not answer."""

_NEIGHBOURS = 64
"""Bits of an IPv6 address that one subscriber line has to itself (RFC 6177)."""


class Turnstile:
    """Counts, and says how long somebody has to wait.

    Args:
        broker_url: ``memory://``, or the Redis that web servers share.
        pseudonym: a keyed hash, so that no address is kept.
        limits: by what is counted.
    """

    def __init__(
        self,
        broker_url: str,
        pseudonym: Callable[[str], str],
        limits: Mapping[Counted, tuple[str, ...]] = LIMITS,
    ) -> None:
        self._shared = FixedWindowRateLimiter(_storage(broker_url))
        self._alone = FixedWindowRateLimiter(_storage("memory://"))
        self._away_until = 0.0
        self._pseudonym = pseudonym
        self._limits: dict[Counted, list[RateLimitItem]] = {
            counted: [parse(limit) for limit in texts] for counted, texts in limits.items()
        }

    def wait(self, counted: Counted, who: str, now: float) -> int:
        """Count one; return for how many seconds nothing more is taken, 0 when it may pass.

        While Redis is away, this process counts alone.

        Args:
            counted: by which limits.
            who: the client's or the person's address; empty for everybody.
            now: seconds since 1970, of the clock on the wall.
        """
        key = (counted.value, self._pseudonym(f"{counted} {who}") if who else "")
        if now >= self._away_until:
            try:
                return self._count(self._shared, counted, key, now)
            except StorageError as fault:
                reason = type(fault.storage_error).__name__
                logger.warning("forms are not counted in Redis: %s", reason)
                self._away_until = now + _LEFT_ALONE
        return self._count(self._alone, counted, key, now)

    def _count(
        self, limiter: RateLimiter, counted: Counted, key: tuple[str, str], now: float
    ) -> int:
        for limit in self._limits[counted]:
            if not limiter.hit(limit, *key):
                reset_at = limiter.get_window_stats(limit, *key).reset_time
                return max(1, round(reset_at - now))
        return 0


def mailbox_of(address: str) -> str:
    """Return whose mailbox a normalised address stands for: what follows a plus is a tag of theirs.

    Not every mail server reads it so (RFC 5233, 1), but nobody needs many of these in an hour.
    """
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def client_of(host: str) -> str:
    """Return whom an IP address stands for: an IPv6 network's neighbours are one."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(int(address) >> (128 - _NEIGHBOURS))


def _storage(broker_url: str) -> Storage:
    if broker_url == "memory://":
        return storage_from_string("memory://")  # type: ignore[return-value]
    return storage_from_string(  # type: ignore[return-value]
        broker_url,
        wrap_exceptions=True,
        key_prefix="lettercourse-limits",
        socket_timeout=_ANSWERS_WITHIN,
        socket_connect_timeout=_ANSWERS_WITHIN,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
    )
