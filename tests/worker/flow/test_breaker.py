from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from worker.flow.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, TRIAL, Breaker
from worker.model import Fault, Outcome, Verdict

TAKEN = Outcome(Verdict.ACCEPTED)
DOWN = Outcome(Verdict.DEFERRED, "connecting: Connection refused", fault=Fault.DOWN)
LOST = Outcome(Verdict.UNKNOWN, "after the content: connection reset", fault=Fault.DOWN)
TURNED_AWAY = Outcome(Verdict.DEFERRED, "the login was refused (535)", fault=Fault.CREDENTIALS)
TOO_FAST = Outcome(Verdict.DEFERRED, "429", fault=Fault.RATE)
NOT_BEGUN = Outcome(Verdict.NOT_BEGUN)
LATER = Outcome(Verdict.DEFERRED, "RCPT: 450 mailbox busy")


def breaker(seed: int = 0) -> Breaker:
    return Breaker(Random(seed).random)


def shut_by(*outcomes: Outcome) -> Breaker:
    made = breaker()
    made.learn(outcomes, now=0.0)
    return made


def test_a_provider_that_is_down_is_believed_after_several_letters() -> None:
    made = shut_by(*[DOWN] * (FAILURES - 1))
    assert made.admit(20, 0.0) == 20
    made.learn([DOWN], 0.0)
    assert made.admit(20, 0.0) == 0
    assert made.why == "the provider cannot be reached (connecting: Connection refused)"


def test_a_letter_that_gets_through_starts_the_count_anew() -> None:
    made = shut_by(*[DOWN] * 4, TAKEN, *[LOST] * 4)
    assert made.admit(20, 0.0) == 20


def test_what_was_not_begun_says_nothing() -> None:
    assert shut_by(*[DOWN] * 4, NOT_BEGUN, DOWN).admit(20, 0.0) == 0


def test_a_letter_that_is_put_off_for_its_own_sake_shuts_nothing() -> None:
    assert shut_by(*[LATER] * 50).admit(20, 0.0) == 20


@pytest.mark.parametrize("outcome", [TURNED_AWAY, TOO_FAST])
def test_one_refused_login_and_one_429_are_enough(outcome: Outcome) -> None:
    assert shut_by(outcome).admit(20, 0.0) == 0


@pytest.mark.parametrize("fault", list(Fault))
def test_it_resumes_alone_with_one_letter_first(fault: Fault) -> None:
    made = shut_by(*[Outcome(Verdict.DEFERRED, fault=fault)] * FAILURES)
    pause = made.again_in(0.0)
    assert FIRST_PAUSE[fault] / 2 <= pause <= FIRST_PAUSE[fault]
    assert made.admit(20, pause * 0.9) == 0
    assert made.admit(20, pause) == 1
    assert made.admit(20, pause) == 0
    made.learn([TAKEN], pause)
    assert made.admit(20, pause) == 20
    assert made.why == ""


def test_each_failed_trial_doubles_the_pause_up_to_five_minutes() -> None:
    made, now, pauses = shut_by(*[DOWN] * FAILURES), 0.0, []
    for _ in range(12):
        pauses.append(made.again_in(now))
        now += pauses[-1]
        assert made.admit(20, now) == 1
        made.learn([DOWN], now)
    for turn, pause in enumerate(pauses):
        full = min(FIRST_PAUSE[Fault.DOWN] * 2**turn, LONGEST_PAUSE)
        assert full / 2 <= pause <= full


def test_processes_that_were_shut_together_do_not_come_back_together() -> None:
    pauses = set()
    for seed in range(50):
        made = breaker(seed)
        made.learn([DOWN] * FAILURES, 0.0)
        pauses.add(round(made.again_in(0.0), 2))
    assert len(pauses) > 30


def test_a_server_that_names_its_pause_is_believed_at_once() -> None:
    busy = Outcome(Verdict.UNKNOWN, "503", retry_after=timedelta(seconds=120), fault=Fault.DOWN)
    assert shut_by(busy).again_in(0.0) >= 120


def test_what_the_provider_asks_for_is_kept_however_long() -> None:
    hour = Outcome(Verdict.DEFERRED, fault=Fault.RATE, retry_after=timedelta(hours=1))
    made = shut_by(hour)
    assert made.admit(20, 3599.0) == 0
    assert made.admit(20, 3600.0 * 1.1) == 1


def test_what_is_asked_of_a_letter_already_on_its_way_counts_too() -> None:
    made = shut_by(*[DOWN] * FAILURES)
    made.learn(
        [Outcome(Verdict.DEFERRED, fault=Fault.RATE, retry_after=timedelta(minutes=10))], 1.0
    )
    assert made.again_in(1.0) >= 600


def test_a_late_success_from_before_does_not_open_the_door() -> None:
    made = shut_by(*[DOWN] * FAILURES)
    made.learn([TAKEN], 0.1)
    assert made.admit(20, 0.1) == 0


def test_a_trial_that_nobody_answers_is_given_up() -> None:
    made = shut_by(*[DOWN] * FAILURES)
    now = made.again_in(0.0)
    assert made.admit(20, now) == 1
    assert made.admit(20, now + TRIAL - 1) == 0
    assert made.admit(20, now + TRIAL) == 1


def test_a_trial_without_a_letter_is_passed_on() -> None:
    made = shut_by(*[DOWN] * FAILURES)
    now = made.again_in(0.0)
    assert made.admit(20, now) == 1
    made.unused()
    assert made.admit(20, now) == 1


class Life(RuleBasedStateMachine):
    """Whatever happens, letters are held back for a bounded time, and come back one by one."""

    @initialize(seed=st.integers(0, 1000))
    def start(self, seed: int) -> None:
        self.breaker = breaker(seed)
        self.now = 1000.0
        self.trials = 0
        self.longest = LONGEST_PAUSE

    @rule(seconds=st.floats(0, 400))
    def time_passes(self, seconds: float) -> None:
        if seconds >= TRIAL:
            self.trials = 0
        self.now += seconds

    @rule(most=st.integers(0, 50))
    def a_courier_asks(self, most: int) -> None:
        shut = self.breaker.why != ""
        admitted = self.breaker.admit(most, self.now)
        if not shut:
            assert admitted == most
        elif admitted:
            assert admitted == 1
            assert self.trials == 0
            self.trials = 1

    @rule(outcomes=st.lists(st.sampled_from([TAKEN, DOWN, LOST, NOT_BEGUN, LATER]), max_size=8))
    def answers_come(self, outcomes: list[Outcome]) -> None:
        self.breaker.learn(outcomes, self.now)
        self.trials = 0

    @rule(outcome=st.sampled_from([TURNED_AWAY, TOO_FAST]))
    def it_is_turned_away(self, outcome: Outcome) -> None:
        self.breaker.learn([outcome], self.now)
        self.trials = 0
        assert self.breaker.admit(20, self.now) == 0

    @invariant()
    def it_is_never_shut_for_longer_than_it_says(self) -> None:
        wait = self.breaker.again_in(self.now)
        assert 0 <= wait <= LONGEST_PAUSE
        assert bool(wait) <= bool(self.breaker.why)

    def teardown(self) -> None:
        self.now += self.breaker.again_in(self.now)
        assert self.breaker.admit(20, self.now) >= 1
        self.breaker.learn([TAKEN], self.now)
        assert self.breaker.admit(20, self.now) == 20


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase
