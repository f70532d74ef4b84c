"""Whoever counts: one client at a time, one address, all of them; in memory or in a real Redis."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.servers.valkey import start_valkey
from worker.joining.limits import LIMITS, Counted, Turnstile, client_of
from worker.pseudonyms import Pseudonyms

PSEUDONYMS = Pseudonyms(["a secret of at least sixteen bytes"])
NARROW = {
    Counted.CLIENT: ("2 per minute", "3 per day"),
    Counted.ADDRESS: ("1 per hour",),
    Counted.EVERYBODY: ("4 per day",),
}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    server = start_valkey(tmp_path / "valkey")
    yield f"redis://127.0.0.1:{server.port}/0"
    server.stop()


def turnstile(broker_url: str = "memory://") -> Turnstile:
    return Turnstile(broker_url, lambda who: PSEUDONYMS.digests(who)[0], NARROW)


def test_each_is_counted_apart() -> None:
    counts, now = turnstile(), time.time()
    assert [counts.wait(Counted.CLIENT, "192.0.2.1", now) > 0 for _ in range(3)] == [
        False,
        False,
        True,
    ]
    assert counts.wait(Counted.CLIENT, "192.0.2.2", now) == 0
    assert counts.wait(Counted.ADDRESS, "192.0.2.1", now) == 0


def test_how_long_to_wait_is_the_rest_of_the_limits_time() -> None:
    counts, now = turnstile(), time.time()
    counts.wait(Counted.ADDRESS, "a@example.org", now)
    assert 1 <= counts.wait(Counted.ADDRESS, "a@example.org", now) <= 3600


def test_web_servers_that_share_a_redis_share_the_count_and_no_address(broker: str) -> None:
    now = time.time()
    first, second = turnstile(broker), turnstile(broker)
    assert first.wait(Counted.ADDRESS, "mira@example.org", now) == 0
    assert second.wait(Counted.ADDRESS, "mira@example.org", now) > 0
    kept = redis.Redis.from_url(broker)
    names = kept.keys("*")
    assert isinstance(names, list)
    assert names
    assert not [name for name in names if b"mira" in name or b"example" in name]
    assert all(kept.ttl(name) != -1 for name in names)
    kept.close()


def test_people_may_join_while_redis_is_away_and_are_counted_here(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_valkey(tmp_path / "valkey")
    counts = turnstile(f"redis://127.0.0.1:{server.port}/0")
    counts.wait(Counted.ADDRESS, "mira@example.org", time.time())
    server.stop()
    with caplog.at_level(logging.WARNING):
        assert counts.wait(Counted.ADDRESS, "mira@example.org", time.time()) == 0
        assert counts.wait(Counted.ADDRESS, "mira@example.org", time.time()) > 0
    assert "forms are not counted in Redis" in caplog.text
    assert "mira" not in caplog.text


def test_a_redis_that_froze_is_waited_for_once_and_asked_again_later(broker: str) -> None:
    counts, now = turnstile(broker), time.time()
    with redis.Redis.from_url(broker) as operator:
        operator.client_pause(1_500)
    begun = time.monotonic()
    for client in range(5):
        assert counts.wait(Counted.CLIENT, f"192.0.2.{client}", now) == 0
    assert time.monotonic() - begun < 2.5
    with redis.Redis.from_url(broker) as operator:
        assert operator.keys("*") == []
        assert counts.wait(Counted.CLIENT, "192.0.2.9", now + 60) == 0
        assert operator.keys("*") != []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "unix", False),
    ],
)
def test_who_counts_as_one_client(one: str, other: str, same: bool) -> None:
    assert (client_of(one) == client_of(other)) is same


def test_every_kind_of_count_has_a_limit() -> None:
    assert set(LIMITS) == set(Counted)
