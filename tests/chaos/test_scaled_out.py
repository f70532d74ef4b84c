"""Celery on Redis while either of them dies: doorbells get lost, letters do not."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.acceptance.processes import Process, wait_for
from tests.acceptance.test_up import url
from tests.chaos.broker import Broker, broker
from tests.chaos.ground import Ground, alive, children_of, wait_for_seconds
from tests.servers.ports import free_port

pytestmark = pytest.mark.chaos

CELERY = (sys.executable, "-m", "celery", "-A", "worker.tasks")
WORKER = (*CELERY, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle")
BEAT = (*CELERY, "beat")
WEB = (sys.executable, "-m", "worker", "web", "--port", "0")

IN_FLIGHT = 4 * 20
"""Letters past their gate in one process, at most: its lanes' windows."""

ALL_DELIVERED = 150.0
"""Seconds within which everybody has their letter after the last fault."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Broker]:
    with broker(tmp_path) as server:
        yield server


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Whatever runs, ended at the end."""
    with ExitStack() as held:
        yield held


def workers(ground: Ground, stack: ExitStack, address: str, number: int = 2) -> list[Process]:
    return [
        ground.start(stack, f"worker-{each}", *WORKER, "-n", f"w{each}@%h", broker_url=address)
        for each in range(number)
    ]


def beats(
    ground: Ground, stack: ExitStack, address: str, number: int = 1, name: str = "beat"
) -> list[Process]:
    return [
        ground.start(stack, f"{name}-{each}", *BEAT, broker_url=address) for each in range(number)
    ]


@pytest.mark.row(
    name="redis-killed", title="Redis kill -9 without persistence, four times under load"
)
@pytest.mark.parametrize("ground", ["postgresql"], indirect=True)
def test_redis_killed_four_times_under_load_loses_no_letter(
    ground: Ground, redis: Broker, stack: ExitStack
) -> None:
    ground.enroll(600)
    ground.sink.slow(0.04)
    running = [*workers(ground, stack, redis.url), *beats(ground, stack, redis.url)]
    for share in (60, 150, 240, 330):
        ground.wait_until_delivered(ALL_DELIVERED, *running, sent=share)
        redis.die_and_come_back()
    ground.wait_until_delivered(ALL_DELIVERED, *running)
    stop_all(running)
    ground.come_to_an_end()
    ground.judge(doubts=0)


@pytest.mark.row(name="redis-flushed", title="FLUSHALL with doorbells in the queue")
@pytest.mark.parametrize("ground", ["postgresql"], indirect=True)
def test_doorbells_that_were_flushed_are_rung_again(
    ground: Ground, redis: Broker, stack: ExitStack
) -> None:
    ground.enroll(300)
    ground.sink.slow(0.05)
    running = [*workers(ground, stack, redis.url, 1), *beats(ground, stack, redis.url, 3)]
    for share in (1, 40, 80):
        ground.wait_until_delivered(ALL_DELIVERED, *running, sent=share)
        redis.forget_everything()
    ground.wait_until_delivered(ALL_DELIVERED, *running)
    stop_all(running)
    ground.come_to_an_end()
    ground.judge(doubts=0)


@pytest.mark.row(
    name="redis-frozen", title="Redis frozen for 60 s: the web door stays open, sends go on"
)
@pytest.mark.parametrize("ground", ["postgresql"], indirect=True)
def test_while_redis_is_frozen_the_web_door_answers_and_letters_leave(
    ground: Ground, redis: Broker, stack: ExitStack
) -> None:
    ground.enroll(40)
    web = ground.start(stack, "web", *WEB, broker_url=redis.url)
    door = url(web)
    running = [*workers(ground, stack, redis.url), *beats(ground, stack, redis.url)]
    ground.wait_until_delivered(ALL_DELIVERED, *running)
    redis.freeze()
    frozen_at = time.monotonic()
    ground.enroll(80)
    slowest = 0.0
    while (passed := time.monotonic() - frozen_at) < 60:
        begun = time.monotonic()
        answer = httpx.post(
            f"{door}/subscribe/tiny", data={"email": f"f{passed:.0f}@example.org"}, timeout=20
        )
        assert answer.status_code in (200, 429), answer.text
        assert httpx.get(f"{door}/readyz", timeout=20).status_code in (200, 503)
        slowest = max(slowest, time.monotonic() - begun)
        wait_for_seconds(0.5)
    assert slowest < 5.0
    assert ground.letters_of("welcome") == 80, "letters waited for Redis"
    redis.thaw()
    ground.enroll(120)
    wait_for(
        lambda: ground.letters_of("welcome") == 120,
        ALL_DELIVERED,
        *running,
        what="delivery afterwards",
    )
    stop_all([web, *running])
    ground.come_to_an_end()
    ground.judge(doubts=0)


@pytest.mark.row(name="redis-cut", title="every Redis connection cut in the middle of sending")
@pytest.mark.parametrize("ground", ["postgresql"], indirect=True)
def test_connections_to_redis_cut_in_the_middle_double_nothing(
    ground: Ground, redis: Broker, stack: ExitStack
) -> None:
    ground.enroll(300)
    ground.sink.slow(0.04)
    running = [*workers(ground, stack, redis.url), *beats(ground, stack, redis.url)]
    for share in (20, 80, 140, 200):
        ground.wait_until_delivered(ALL_DELIVERED, *running, sent=share)
        assert redis.cut_everybody() > 0
    ground.wait_until_delivered(ALL_DELIVERED, *running)
    stop_all(running)
    ground.come_to_an_end()
    ground.judge(doubts=0)


@pytest.mark.row(name="redis-absent", title="Redis absent from the start")
@pytest.mark.parametrize("ground", ["postgresql"], indirect=True)
def test_workers_that_never_hear_a_doorbell_deliver(ground: Ground, stack: ExitStack) -> None:
    nobody = f"redis://127.0.0.1:{free_port()}/0"
    ground.enroll(60)
    running = [*workers(ground, stack, nobody), *beats(ground, stack, nobody)]
    ground.wait_until_delivered(90, *running)
    stop_all(running)
    ground.come_to_an_end()
    ground.judge(doubts=0)


@pytest.mark.row(
    name="prefork-child", title="only the prefork child killed, in the middle of a letter"
)
@pytest.mark.parametrize("ground", ["postgresql"], indirect=True)
def test_a_prefork_child_that_was_killed_is_replaced_and_its_window_in_doubt(
    ground: Ground, redis: Broker, stack: ExitStack
) -> None:
    ground.enroll(400)
    ground.sink.script(content=[*[None] * 10, "taken hold", "hold cut"])
    running = [*workers(ground, stack, redis.url, 1), *beats(ground, stack, redis.url)]
    wait_for(lambda: ground.sink.held() > 0, 90, *running, what="the letter in hand")
    children = children_of(running[0].pid)
    assert len(children) >= 2
    for child in children:
        os.kill(child, signal.SIGKILL)
    ground.sink.script()
    wait_for(lambda: not ground.untouched(), ALL_DELIVERED, *running, what="the others' letters")
    assert running[0].is_running()
    stop_all(running)
    ground.come_to_an_end()
    ground.judge(doubts=len(children) * IN_FLIGHT)


@pytest.mark.row(
    name="prefork-parent", title="only the prefork parent killed: no orphan goes on ringing"
)
@pytest.mark.parametrize("ground", ["postgresql"], indirect=True)
def test_children_whose_parent_was_killed_end_and_ring_for_nobody(
    ground: Ground, redis: Broker, stack: ExitStack
) -> None:
    ground.enroll(200)
    ground.sink.slow(0.05)
    (worker,) = workers(ground, stack, redis.url, 1)
    (beat,) = beats(ground, stack, redis.url)
    ground.wait_until_delivered(90, worker, beat, sent=20)
    beat.kill()
    children = children_of(worker.pid)
    assert len(children) >= 2
    os.kill(worker.pid, signal.SIGKILL)
    wait_for(lambda: not any(map(alive, children)), 60, what="the children's end")
    rung = redis.published()
    wait_for_seconds(12)  # longer than a tick
    assert redis.published() == rung, "somebody still rings"
    running = [
        ground.start(stack, "second", *WORKER, "-n", "second@%h", broker_url=redis.url),
        *beats(ground, stack, redis.url, name="later"),
    ]
    wait_for(lambda: not ground.untouched(), ALL_DELIVERED, *running, what="the others' letters")
    stop_all(running)
    ground.come_to_an_end()
    ground.judge(doubts=len(children) * IN_FLIGHT)


@pytest.mark.row(name="schedulers", title="three schedulers, then none, then one")
@pytest.mark.parametrize("ground", ["postgresql"], indirect=True)
def test_three_schedulers_then_none_then_one_deliver_each_letter_once(
    ground: Ground, redis: Broker, stack: ExitStack
) -> None:
    ground.enroll(100)
    running = workers(ground, stack, redis.url)
    three = beats(ground, stack, redis.url, 3)
    ground.wait_until_delivered(90, *running, *three)
    for each in three:
        each.kill()
    ground.enroll(200)
    wait_for_seconds(12)  # longer than a tick
    running += beats(ground, stack, redis.url, name="later")
    ground.wait_until_delivered(ALL_DELIVERED, *running)
    stop_all(running)
    ground.come_to_an_end()
    ground.judge(doubts=0)


def stop_all(running: list[Process]) -> None:
    """End in order, as an operator does, and see that everybody does so."""
    for process in running:
        process.send(signal.SIGTERM)
    for process in running:
        # Who is told to before it listens just ends.
        assert process.end(within=60) in (0, -signal.SIGTERM), process.output[-2000:]
