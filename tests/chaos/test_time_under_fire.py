"""Clocks that are set, that differ, and a machine that sleeps: nobody is flooded or rushed."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.acceptance.processes import wait_for
from tests.chaos.couriers import Orders
from tests.chaos.ground import Couriers, Ground, wait_until_stopped

KEYS = ("welcome", "goals", "support", "time", "wins", "finale")
PEOPLE = 20
HOUR = 3600.0
DAY = 24 * HOUR
A_LETTER_LATER = 2 * DAY
"""By then everybody's next letter is due, at whatever hour the least gap before it began."""


@dataclass
class Hands:
    """The clock that the couriers read, as somebody sets it.

    Attributes:
        set_by: seconds by which the wall clock is off.
        slept: seconds that passed, on every clock.
    """

    file: Path
    set_by: float = 0.0
    slept: float = 0.0

    def turn(self, *, set_by: float = 0.0, slept: float = 0.0) -> None:
        self.set_by += set_by
        self.slept += slept
        draft = self.file.with_suffix(".new")
        draft.write_text(json.dumps({"set": self.set_by, "slept": self.slept}))
        draft.replace(self.file)


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    made = Hands(tmp_path / "clock.json")
    made.turn()
    return made


def see_rounds(ground: Ground, couriers: Couriers, more: int = 3) -> None:
    """Wait until rounds have passed: until people who come now have their welcome."""
    ground.enroll(len(ground.people) + more, KEYS)
    wanted = len(ground.people)
    wait_for(lambda: ground.letters_of("welcome") == wanted, 30, couriers, what="the welcome")


def arrived(ground: Ground) -> dict[str, int]:
    return {key: ground.letters_of(key) for key in KEYS[1:]}


@pytest.mark.row(
    name="clock-jumps", title="the wall clock set by an hour or a day, forward or back"
)
@pytest.mark.parametrize(
    "jump",
    [
        pytest.param(-HOUR, marks=pytest.mark.chaos, id="an hour back"),
        pytest.param(HOUR, marks=pytest.mark.chaos, id="an hour forward"),
        pytest.param(DAY, id="a day forward"),
        pytest.param(-DAY, marks=pytest.mark.chaos, id="a day back"),
    ],
)
def test_a_clock_that_is_set_brings_nobody_forward_and_stops_nobody(
    ground: Ground, hands: Hands, jump: float
) -> None:
    ground.enroll(PEOPLE, KEYS)
    with ground.couriers(Orders(workers=2, clock=str(hands.file))) as couriers:
        ground.wait_until_delivered(60, couriers)
        hands.turn(set_by=jump)
        see_rounds(ground, couriers)
        assert arrived(ground) == dict.fromkeys(KEYS[1:], 0), "somebody was brought forward"
        hands.turn(set_by=-jump)
        see_rounds(ground, couriers)
        hands.turn(slept=A_LETTER_LATER)
        wait_for(
            lambda: ground.letters_of("goals") == len(ground.people), 30, couriers, what="goals"
        )
        see_rounds(ground, couriers)
        assert arrived(ground) == {**dict.fromkeys(KEYS[1:], 0), "goals": len(ground.people) - 3}
        assert couriers.stop() == 0
    ground.judge(doubts=0)


@pytest.mark.row(name="asleep", title="a laptop asleep for a week in the middle of a course")
def test_after_a_week_asleep_everybody_gets_one_letter_and_goes_on_from_there(
    ground: Ground, hands: Hands
) -> None:
    ground.enroll(PEOPLE, KEYS)
    with ground.couriers(Orders(workers=2, clock=str(hands.file))) as couriers:
        ground.wait_until_delivered(60, couriers)
        assert not couriers.died(), couriers.output
        for pid in couriers.born():
            os.kill(pid, signal.SIGSTOP)
            wait_until_stopped(pid, 30)
        hands.turn(slept=7 * DAY)
        for pid in couriers.born():
            os.kill(pid, signal.SIGCONT)
        wait_for(lambda: ground.letters_of("goals") == PEOPLE, 30, couriers, what="one letter")
        see_rounds(ground, couriers)
        assert arrived(ground) == {**dict.fromkeys(KEYS[1:], 0), "goals": PEOPLE}, "flooded"
        hands.turn(slept=A_LETTER_LATER)
        newcomers = {"goals": len(ground.people), "support": PEOPLE}
        wait_for(
            lambda: newcomers.items() <= arrived(ground).items(), 30, couriers, what="the next"
        )
        assert couriers.stop() == 0
    ground.judge(doubts=0)


@pytest.mark.chaos
@pytest.mark.row(name="skew", title="workers whose clocks differ by more than a lease")
@pytest.mark.parametrize("skew", [40.0, -40.0, HOUR])
def test_workers_whose_clocks_differ_double_nothing(ground: Ground, skew: float) -> None:
    ground.enroll(160, KEYS)
    ground.sink.slow(0.02)
    with ground.couriers(Orders(workers=3, skew=skew)) as couriers:
        wait_for(lambda: not ground.untouched(), 60, couriers, what="the letters' beginning")
        assert couriers.stop() == 0
    ground.reap(timedelta(hours=6))
    ground.come_to_an_end()
    ground.judge()
