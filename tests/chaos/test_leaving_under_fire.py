"""An unsubscribe against the gate, both at the same instant: the database says which was first."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import pytest

from tests.acceptance.test_up import url
from tests.chaos.ground import Ground
from worker.delivery import deliver_round
from worker.model import DeliveryState
from worker.store import Store

UNSUBSCRIBE_RACE = pytest.mark.row(
    name="unsubscribe-race", title="unsubscribe by the web door against the gate, at a barrier"
)

WEB = (sys.executable, "-m", "worker", "web", "--port", "0")
SPREAD = 0.02
"""Seconds by which a click may be late, the gate thrice as many: so both orders come up."""

TWO_DAYS = timedelta(days=2)


class AtTheBarrier:
    """A store whose gate opens at the same instant as somebody's click."""

    def __init__(self, store: Store, race: Race) -> None:
        self._store = store
        self._race = race

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def gate(self, claimed: Any, *more: Any) -> Any:
        self._race.click_for([each.enrollment_id for each in claimed])
        return self._store.gate(claimed, *more)


class Race:
    """Somebody who clicks the link of whoever's letter is at the gate."""

    def __init__(self, ground: Ground, door: str, seed: int) -> None:
        self._ground = ground
        self._door = door
        self._chance = random.Random(seed)
        self._clicks: list[threading.Thread] = []
        self.answers: list[int] = []

    def click_for(self, enrollment_ids: list[int]) -> None:
        barrier = threading.Barrier(len(enrollment_ids) + 1)
        late = [self._chance.uniform(0, SPREAD) for _ in enrollment_ids]
        for which, pause in zip(enrollment_ids, late, strict=True):
            link = urlsplit(self._ground.installation.links.unsubscribe(which)).path
            click = threading.Thread(target=self._click, args=[link, barrier, pause])
            self._clicks.append(click)
            click.start()
        barrier.wait(30)
        time.sleep(self._chance.uniform(0, 3 * SPREAD))

    def end(self) -> None:
        for click in self._clicks:
            click.join(30)

    def _click(self, link: str, barrier: threading.Barrier, pause: float) -> None:
        with httpx.Client(timeout=30) as browser:
            barrier.wait(30)
            time.sleep(pause)
            answer = browser.post(f"{self._door}{link}", data={"List-Unsubscribe": "One-Click"})
            self.answers.append(answer.status_code)


@pytest.fixture
def door(ground: Ground) -> Iterator[str]:
    with ExitStack() as stack:
        yield url(ground.start(stack, "web", *WEB))


def race(ground: Ground, door: str, people: int, seed: int, window: int) -> None:
    ground.enroll(people)
    racing = Race(ground, door, seed)
    store = cast("Store", AtTheBarrier(ground.installation.store, racing))
    courier = replace(ground.installation.courier(), store=store, window=window, ahead=1)
    while deliver_round(courier).claimed:
        pass
    racing.end()
    assert racing.answers == [200] * people
    ground.come_to_an_end(within=TWO_DAYS)
    assert ground.letters_of("goals") == 0, "a letter came to somebody who had left"
    states = ground.counts()
    assert states[DeliveryState.SENT] + states[DeliveryState.CANCELLED] == people
    assert ground.letters_of("welcome") == states[DeliveryState.SENT]
    ground.judge(left=ground.people, doubts=0)


@UNSUBSCRIBE_RACE
def test_a_click_at_the_instant_of_the_gate_stops_the_letter_or_comes_after_it(
    ground: Ground, door: str
) -> None:
    race(ground, door, people=16, seed=1, window=4)


@pytest.mark.chaos
@UNSUBSCRIBE_RACE
@pytest.mark.parametrize(("window", "seed"), [(1, 2), (5, 3)])
def test_of_many_clicks_at_the_gate_none_is_followed_by_a_letter(
    ground: Ground, door: str, window: int, seed: int
) -> None:
    race(ground, door, people=60, seed=seed, window=window)


@pytest.mark.every_seed
@pytest.mark.chaos
@UNSUBSCRIBE_RACE
@pytest.mark.parametrize("seed", range(4, 9))
def test_of_five_hundred_clicks_at_the_gate_none_is_followed_by_a_letter(
    ground: Ground, door: str, seed: int
) -> None:
    race(ground, door, people=100, seed=seed, window=3)
