"""Heartbeats: one row a process, kept while it is seen, its counts for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from tests.worker.ledger import MONDAY
from worker.model import GATE_BUCKETS, GateTimes, Heartbeat, Moment
from worker.pulse import BEAT_EVERY, Identity, Pulse
from worker.store import Store
from worker.store.beating import FORGOTTEN_AFTER

SECOND = timedelta(seconds=1)


def heartbeat(name: str = "w1", gates: GateTimes | None = None) -> Heartbeat:
    return Heartbeat(
        name=name,
        host="ada.example.org",
        pid=7,
        version="0.1.0",
        started_at=MONDAY,
        seen_at=MONDAY,
        moved_at=MONDAY,
        gates=gates or GateTimes().and_one(0.02).and_one(30.0),
        breaker="the provider refuses our login",
    )


def test_a_heartbeat_comes_back_as_it_was(store: Store) -> None:
    store.beat(heartbeat())
    assert store.workers() == [heartbeat()]


def test_a_process_has_one_row_with_its_newest_sign_of_life(store: Store) -> None:
    store.beat(heartbeat())
    later = replace(heartbeat(), seen_at=MONDAY + 10 * SECOND, moved_at=None, breaker="")
    store.beat(later)
    assert store.workers() == [later]


def test_who_was_not_seen_for_an_hour_is_forgotten_but_its_gates_are_not(store: Store) -> None:
    store.beat(heartbeat("killed"))
    store.beat(replace(heartbeat("w2"), seen_at=MONDAY + FORGOTTEN_AFTER))
    assert [each.name for each in store.workers()] == ["killed", "w2"]
    store.beat(replace(heartbeat("w2"), seen_at=MONDAY + FORGOTTEN_AFTER + SECOND))
    assert [each.name for each in store.workers()] == ["w2"]
    assert store.vital_signs(Moment(MONDAY, MONDAY)).gates == heartbeat().gates + heartbeat().gates


def test_who_leaves_is_forgotten_at_once_and_leaving_twice_changes_nothing(store: Store) -> None:
    for name in ("w1", "w2", "w3"):
        store.beat(heartbeat(name))
    with ThreadPoolExecutor() as pool:
        list(pool.map(store.leave_work, ["w1", "w2", "w1", "w2", "w3"]))
    assert store.workers() == []
    times = heartbeat().gates
    assert store.vital_signs(Moment(MONDAY, MONDAY)).gates == times + times + times


def test_gates_are_counted_in_every_bucket_they_fit() -> None:
    times = GateTimes().and_one(0.02).and_one(0.025).and_one(99.0)
    assert times.gates == 3
    assert times.seconds == 99.045
    counts = dict(zip(GATE_BUCKETS, times.counts, strict=True))
    assert (counts[0.01], counts[0.025], counts[10.0]) == (0, 2, 2)


def test_of_many_threads_one_beats_in_ten_seconds() -> None:
    pulse = Pulse(Identity("w1", "ada.example.org", 7, "0.1.0", MONDAY))
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(pulse.is_due, [100.0] * 50)) == 1
    assert not pulse.is_due(99.9 + BEAT_EVERY)
    assert pulse.is_due(100.0 + BEAT_EVERY)


def test_a_pulse_tells_what_was_noted() -> None:
    pulse = Pulse(Identity("w1", "ada.example.org", 7, "0.1.0", MONDAY))
    assert pulse.beat(MONDAY).moved_at is None
    pulse.gated(0.02)
    pulse.gated(30.0)
    pulse.moved(MONDAY)
    assert pulse.beat(MONDAY, "the provider refuses our login") == heartbeat()
