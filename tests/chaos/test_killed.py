"""Processes that die in the middle: what nobody can know is in doubt, and nothing is doubled."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import ExitStack

import pytest
from _pytest.mark import ParameterSet

from tests.acceptance.processes import UP, wait_for
from tests.acceptance.test_up import url
from tests.chaos.couriers import Orders
from tests.chaos.ground import Ground, wait_for_seconds, wait_until_stopped
from worker.model import DeliveryState

LEAVE_EVERY = 0.05
"""Seconds between two people who leave while letters go out and workers are killed."""

KILL_AT = pytest.mark.row(name="kill-at", title="SIGKILL at every fail point of a delivery")
KILL_RANDOM = pytest.mark.row(
    name="kill-random", title="SIGKILL by chance every 50 to 250 ms, 4 workers, people leaving"
)
STOPPED_PAST_LEASE = pytest.mark.row(
    name="stopped-past-lease", title="SIGSTOP after the gate past the lease, then SIGCONT"
)

UP_KILLED = pytest.mark.row(
    name="up-killed", title="SIGKILL of lettercourse up, five times under load"
)

PEOPLE = 45
WINDOW = 20
UP_IN_FLIGHT = 3 * 2 * WINDOW
"""Letters past their gate in one up, at most: its threads' windows, the next one's included."""

STEPS = (
    "before claim",
    "after claim",
    "before gate",
    "after gate",
    "before settle",
    "after settle",
)
"""What the ledger is asked for, in turn."""

TALK: dict[str, dict[str, list[str | None]]] = {
    "connecting": {"connect": ["hold"]},
    "at the sender": {"MAIL": ["hold"]},
    "before the first byte": {"DATA": [None, "hold"]},
    "after the first line": {"content": [None, None, "pause 1"]},
    "before the answer": {"content": [None, "hold cut"]},
    "after the letter was taken": {"content": [None, "taken hold"]},
}
"""Where in the talk with the mail server the end comes, as the sink's script."""

QUICK = ("after gate", "before settle", "after the letter was taken")


def each(points: Iterable[str]) -> list[ParameterSet]:
    """Return fail points as parameters; those that are not quick are for make chaos."""
    return [pytest.param(p, marks=() if p in QUICK else pytest.mark.chaos) for p in points]


@KILL_AT
@pytest.mark.parametrize("point", each(STEPS))
def test_killed_at_a_step_of_the_ledger_at_most_one_window_is_in_doubt(
    ground: Ground, point: str
) -> None:
    ground.enroll(PEOPLE)
    with ground.couriers(Orders(die=point)) as couriers:
        assert couriers.end(within=60) == 0
        assert f"died {couriers.born()[0]} -{signal.SIGKILL}" in couriers.output
    ground.come_to_an_end()
    nothing_was_handed_over = point in ("before claim", "after claim", "before gate")
    ground.judge(doubts=0 if nothing_was_handed_over else WINDOW)


@KILL_AT
@pytest.mark.parametrize("point", each(TALK))
def test_killed_in_the_talk_with_the_mail_server_at_most_one_window_is_in_doubt(
    ground: Ground, point: str
) -> None:
    ground.enroll(PEOPLE)
    ground.sink.script(**TALK[point])
    with ground.couriers() as couriers:
        wait_for(lambda: ground.sink.held() > 0, 60, couriers, what=f"the letter {point}")
        os.kill(couriers.born()[0], signal.SIGKILL)
        assert couriers.end(within=30) == 0
    ground.sink.script()
    ground.come_to_an_end()
    ground.judge(doubts=WINDOW)


@KILL_RANDOM
@pytest.mark.parametrize("seed", [1])
def test_four_workers_killed_all_the_time_double_nothing_and_miss_nobody(
    ground: Ground, seed: int
) -> None:
    under_random_kills(ground, seed, people=80, workers=2)


@pytest.mark.chaos
@KILL_RANDOM
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_under_random_kills_six_hundred_letters_arrive_once_or_are_in_doubt(
    ground: Ground, seed: int
) -> None:
    under_random_kills(ground, seed, people=600, workers=4)


@pytest.mark.every_seed
@pytest.mark.chaos
@KILL_RANDOM
@pytest.mark.parametrize("seed", range(5, 15))
def test_under_random_kills_of_every_seed_nothing_is_doubled(ground: Ground, seed: int) -> None:
    under_random_kills(ground, seed, people=600, workers=4)


def under_random_kills(ground: Ground, seed: int, people: int, workers: int) -> None:
    ground.enroll(people)
    ground.sink.slow(0.005)
    orders = Orders(workers=workers, lease=3.0, again=True, kill_every=(0.05, 0.25), seed=seed)
    leaving = ground.people[::10]
    with ground.couriers(orders) as couriers:
        for person in leaving:
            ground.installation.store.unsubscribe(person, ground.installation.now())
            wait_for_seconds(LEAVE_EVERY)
        wait_for(
            lambda: ground.undecided() <= people / 5 or len(couriers.died()) >= people / 2,
            200,
            couriers,
            what="most of the letters",
        )
        couriers.let_live()
        assert couriers.stop() == 0
        killed = couriers.output.count(f"-{signal.SIGKILL}")
    assert killed >= workers, couriers.output
    ground.come_to_an_end()
    ground.judge(left=leaving, doubts=killed * WINDOW)


@STOPPED_PAST_LEASE
@pytest.mark.parametrize("point", ["after gate", "after claim"])
def test_who_sleeps_past_the_lease_and_goes_on_doubles_nothing(ground: Ground, point: str) -> None:
    ground.enroll(PEOPLE)
    with ground.couriers(Orders(lease=1.0, die=point, sign=signal.SIGSTOP), "sleeper") as sleeper:
        wait_for(lambda: bool(sleeper.born()), 60, sleeper, what="the sleeper's birth")
        (pid,) = sleeper.born()
        wait_until_stopped(pid, 60)
        with ground.couriers(name="others") as others:
            wait_for(lambda: len(ground.records(DeliveryState.SENT)) >= PEOPLE - WINDOW, 60, others)
            if point == "after gate":
                ground.reap()
                assert len(ground.records(DeliveryState.IN_DOUBT)) == WINDOW
            os.kill(pid, signal.SIGCONT)
            assert sleeper.stop() == 0
            assert others.stop() == 0
    ground.come_to_an_end()
    ground.judge(doubts=WINDOW)


@pytest.mark.chaos
@UP_KILLED
def test_up_killed_five_times_and_started_again_doubles_nothing_and_misses_nobody(
    ground: Ground,
) -> None:
    ground.enroll(600)
    ground.sink.slow(0.02)
    for life in range(1, 6):
        with ExitStack() as stack:
            process = ground.start(stack, f"up-{life}", *UP)
            ground.wait_until_delivered(60, process, sent=len(ground.arrivals()) + 20)
    with ExitStack() as stack:
        process = ground.start(stack, "up-again", *UP)
        assert url(process)
        wait_for(lambda: not ground.untouched(), 120, process, what="the letters' beginning")
        process.send(signal.SIGTERM)
        assert process.end(within=10) == 0
    ground.come_to_an_end()
    ground.judge(doubts=5 * UP_IN_FLIGHT)
