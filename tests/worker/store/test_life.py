"""Any order of events, crashes and people's wishes: the promises hold in every state."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from shutil import copy, rmtree
from tempfile import mkdtemp

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from course.errors import LettercourseError
from course.model import Edition
from tests.worker.ledger import (
    ACCEPTED,
    DEFERRED,
    LEASE,
    MONDAY,
    NO_SUCH_PERSON,
    REFUSED,
    UNKNOWN,
    HandClock,
    edition,
    person,
)
from worker.model import Claimed, EnrollmentState, Gated, Outcome, SubscriberState
from worker.store import Store
from worker.store.engine import Database, choose_driver

ZONES = {"ben": None, "cleo": "America/New_York", "dan": "Pacific/Auckland"}
OWNERS = ("w1", "w2")
HASTY = replace(choose_driver(), pragmas=("journal_mode=MEMORY", "synchronous=OFF"))
"""No disk is waited for: here workers die, not machines."""

names = st.sampled_from(sorted(ZONES))
owners = st.sampled_from(OWNERS)

ENDINGS: dict[str, Outcome | None] = {
    "accepted": ACCEPTED,
    "unknown, arrived": UNKNOWN,
    "worker died, arrived": None,
    "unknown, lost": UNKNOWN,
    "deferred": DEFERRED,
    "refused": REFUSED,
    "no such person": NO_SUCH_PERSON,
    "given back": None,
}
FROZEN = "frozen: it may end at any later time"
ARRIVING = ("accepted", "unknown, arrived", "worker died, arrived")

EDITIONS = (
    edition(),
    edition(("welcome", "early", "goals", "support", "finale")),
    edition(("welcome", "support", "finale")),
    edition(("welcome", "support", "goals", "finale")),
    edition(("welcome", "goals", "people", "finale"), renames=[("support", "people")]),
)


@cache
def published_ledger() -> Path:
    """Return a migrated database with the course in it, to be copied."""
    folder = mkdtemp()
    store = Store(Database(f"sqlite:///{folder}/ledger.db", HASTY))
    store.migrate()
    store.publish(EDITIONS[0], MONDAY)
    store.close()
    return Path(folder, "ledger.db")


class Life(RuleBasedStateMachine):
    """Three people, two workers that may die at any moment, and a sink that keeps everything."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(mkdtemp())
        copy(published_ledger(), self.folder)
        self.store = Store(Database(f"sqlite:///{self.folder}/ledger.db", HASTY))
        self.clock = HandClock()
        self.claimed: dict[str, list[Claimed]] = defaultdict(list)
        self.gated: list[Gated] = []
        self.arrived: dict[tuple[int, int], list[tuple[str, datetime]]] = defaultdict(list)
        self.left: set[str] = set()
        everybody = [person(name, timezone=zone) for name, zone in ZONES.items()]
        self.store.enroll(self.store.course("motivation"), everybody, MONDAY)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            rmtree(self.folder)

    # People

    @rule(name=names, wish=st.sampled_from(["pause", "resume", "resume", "restart", "unsubscribe"]))
    def somebody_wishes(self, name: str, wish: str) -> None:
        address, now = f"{name}@example.net", self.clock.now()
        with suppress(LettercourseError):  # a wish may be refused
            if wish == "unsubscribe" and name != "ben":
                self.store.unsubscribe(address, now)
            elif wish == "restart":
                self.store.restart(address, "motivation", now)
            elif wish == "pause":
                self.store.pause(address, None, now)
            elif wish == "resume":
                self.store.resume(address, None, now)

    @rule(published=st.sampled_from(EDITIONS))
    def publish(self, published: Edition) -> None:
        with suppress(LettercourseError):
            self.store.publish(published, self.clock.now())

    # Time

    @rule(passing=st.sampled_from([10, 31, 3600, *[25 * 3600] * 4, 30 * 24 * 3600]))
    def time_passes(self, passing: int) -> None:
        self.clock.advance(timedelta(seconds=passing))

    # Workers

    @rule(owner=owners, limit=st.integers(1, 4))
    def claim(self, owner: str, limit: int) -> None:
        self.claimed[owner] += self.store.claim(owner, self.clock.moment(), LEASE, limit)

    @rule(owner=owners)
    def gate(self, owner: str) -> None:
        held = self.claimed.pop(owner, [])
        passed = self.store.gate(held, owner, self.clock.moment(), LEASE).passed
        assert not {gated.claimed.address for gated in passed} & self.left
        self.gated += passed

    @rule(owner=owners, endings=st.lists(st.sampled_from([*ENDINGS, FROZEN, FROZEN]), min_size=3))
    def a_day_of_work(self, owner: str, endings: list[str]) -> None:
        self.clock.advance(timedelta(hours=25))
        self.store.reap(self.clock.moment())
        late = len(self.gated)
        self.claim(owner, 3)
        self.gate(owner)
        for ending in endings[: len(self.gated) - late]:
            if ending == FROZEN:
                late += 1
            else:
                self.a_hand_over_ends(late, ending)

    @precondition(lambda self: self.gated)
    @rule(which=st.integers(0, 5), ending=st.sampled_from([*ENDINGS]))
    def a_hand_over_ends(self, which: int, ending: str) -> None:
        gated = self.gated.pop(which % len(self.gated))
        if ending in ARRIVING:
            run = (gated.claimed.enrollment_id, gated.claimed.run)
            self.arrived[run].append((gated.claimed.letter_key, gated.gated_at))
        if ending == "given back":
            self.store.give_back([gated], self.clock.moment())
        elif (outcome := ENDINGS[ending]) is not None:
            self.store.settle([(gated, outcome)], self.clock.moment())

    @rule()
    def reap(self) -> None:
        self.store.reap(self.clock.moment())

    @rule()
    def left_alone_every_course_comes_to_its_end(self) -> None:
        self.clock.advance(LEASE + timedelta(seconds=1))
        self.store.reap(self.clock.moment())
        self.claimed.clear()
        self.gated.clear()
        while (due_at := self.store.next_due_at()) is not None:
            self.clock.advance(max(due_at - self.clock.at, timedelta()))
            claimed = self.store.claim("w1", self.clock.moment(), LEASE, 3)
            for gated in self.store.gate(claimed, "w1", self.clock.moment(), LEASE).passed:
                self.gated.append(gated)
                self.a_hand_over_ends(0, "accepted")
        for standing in self.store.subscribers():
            for enrollment in standing.enrollments:
                assert enrollment.state is not EnrollmentState.ACTIVE

    # Promises

    @invariant()
    def nobody_gets_a_letter_twice(self) -> None:
        for letters in getattr(self, "arrived", {}).values():
            keys = [{"people": "support"}.get(key, key) for key, _ in letters]
            assert len(keys) == len(set(keys))

    @invariant()
    def letters_keep_their_distance(self) -> None:
        for letters in getattr(self, "arrived", {}).values():
            in_time = sorted(letters, key=lambda letter: letter[1])
            for (key, earlier), (_, later) in pairwise(in_time):
                assert later - earlier >= timedelta(hours=8 if key == "welcome" else 12)

    @invariant()
    def the_ledger_breaks_no_promise(self) -> None:
        if not hasattr(self, "store"):
            return
        found = self.store.audit()
        assert found.violations == ()
        parts = (found.pending, found.sent, found.failed, found.in_doubt, found.cancelled)
        assert found.owed == sum(parts) + found.skipped
        for standing in self.store.subscribers():
            self.store.explain(standing.address, self.clock.now())
            if standing.state is not SubscriberState.ACTIVE:
                self.left.add(standing.address)
                assert {each.state for each in standing.enrollments} == {EnrollmentState.STOPPED}


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
