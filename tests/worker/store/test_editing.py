"""Whatever an author does to a course that people are taking: the plan says what then happens."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from course.errors import LettercourseError
from course.model import Edition, Schedule
from tests.worker.databases import Databases, query
from tests.worker.ledger import (
    ACCEPTED,
    DAY,
    DEFERRED,
    HandClock,
    Mailbox,
    World,
    edition,
    person,
)
from worker.errors import Refused
from worker.model import Coming, DeliveryState, EnrollmentState, Message, Outcome, PublishPlan
from worker.progress import called_now

NAMES = ("ben", "cleo", "dan", "eve", "fay")
ZONES = (None, "America/New_York", "Pacific/Auckland", "Europe/Berlin")
HOUR = timedelta(hours=1)

names = st.sampled_from(NAMES)
schedules = st.builds(
    Schedule,
    send_at=st.sampled_from([time(8), time(2, 30), time(21)]),
    days=st.sampled_from([(0, 1, 2, 3, 4, 5, 6), (0, 2, 4), (5,)]),
    minimum_gap=st.sampled_from([12 * HOUR, 30 * HOUR, HOUR]),
    timezone=st.sampled_from(["UTC", "Europe/Berlin"]),
)
hours = st.sampled_from([None, time(6), time(23, 30)])
some_wait = st.sampled_from([(5, 2), (3, None), (2, 1), (9, 8)])


def address_of(name: str) -> str:
    return f"{name}@example.net"


@dataclass(frozen=True)
class Place:
    """Where one person stands, as a cohort names it."""

    state: EnrollmentState
    had: frozenset[str]
    under_way: str | None
    waits_on: str | None


def places(world: World) -> dict[str, Place]:
    """Return where everybody stands whose course goes on, read person by person."""
    renames = dict(world.store.course("motivation").renames)
    waiting = dict(
        query(
            world.store,
            "SELECT s.address, e.waits_on FROM enrollments e"
            " JOIN subscribers s ON s.id = e.subscriber_id WHERE e.waits_on IS NOT NULL",
        )
    )
    under_way = {
        each.address: called_now(renames, each.letter)
        for each in world.store.deliveries()
        if each.state in (DeliveryState.PLANNED, DeliveryState.CLAIMED, DeliveryState.HANDING)
    }
    return {
        each.address: Place(
            mine.state,
            frozenset(mine.sent),
            under_way.get(each.address),
            (lesson := waiting.get(each.address)) and called_now(renames, lesson),
        )
        for each in world.store.subscribers()
        for mine in each.enrollments
        if mine.state in (EnrollmentState.ACTIVE, EnrollmentState.PAUSED, EnrollmentState.HELD)
    }


def letters_had(world: World) -> dict[str, list[tuple[str, datetime]]]:
    """Return what everybody got in their present run, in order, by the names of now."""
    renames = dict(world.store.course("motivation").renames)
    present = {
        each[0]
        for each in query(
            world.store,
            "SELECT d.id FROM deliveries d JOIN enrollments e ON e.id = d.enrollment_id"
            " WHERE d.run = e.run",
        )
    }
    had: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for each in world.store.deliveries():
        if each.handed_at and each.id in present and not each.letter.endswith("~nudge"):
            had[each.address].append((each.handed_at, called_now(renames, each.letter)))
    return {who: [(key, at) for at, key in sorted(letters)] for who, letters in had.items()}


def assert_it_happens(
    world: World, plan: PublishPlan, *, edited: bool, stood: dict[str, Place]
) -> None:
    """Let time run forward, and hold what everybody got against what the plan said."""
    had = {who: len(letters) for who, letters in letters_had(world).items()}
    for who, place in stood.items():
        if place.state is not EnrollmentState.ACTIVE:
            world.store.resume(who, None, world.clock.now())
    world.let_time_pass()
    came = {who: letters[had.get(who, 0) :] for who, letters in letters_had(world).items()}
    by_place: dict[Place, list[str]] = defaultdict(list)
    for who, place in stood.items():
        by_place[place].append(who)
    cohorts = {
        Place(each.state, frozenset(each.had), each.under_way, each.waits_on): each
        for each in plan.cohorts
    }
    assert {place: len(people) for place, people in by_place.items()} == {
        place: cohort.people for place, cohort in cohorts.items()
    }
    for place, people in by_place.items():
        told = cohorts[place].after if edited else cohorts[place].before
        for who in people:
            assert [key for key, _ in came.get(who, [])] == [each.letter for each in told]
        if place.state is EnrollmentState.ACTIVE:
            assert list(told) == [
                Coming(
                    each.letter,
                    min(dict(came[who])[each.letter] for who in people),
                    max(dict(came[who])[each.letter] for who in people),
                )
                for each in told
            ]
    assert {each.state for one in world.store.subscribers() for each in one.enrollments} <= {
        EnrollmentState.COMPLETED
    }


class Editing(RuleBasedStateMachine):
    """An author who edits a course while five people take it."""

    databases: Databases

    @initialize(
        schedule=schedules,
        waits=st.dictionaries(st.sampled_from(["a", "b", "c"]), some_wait, max_size=3),
        people=st.lists(st.tuples(st.sampled_from(ZONES), hours, st.integers(0, 40)), max_size=5),
        lived=st.integers(0, 90),
        busy=st.sets(names),
        paused=st.sets(names, max_size=2),
    )
    def begin(
        self,
        schedule: Schedule,
        waits: dict[str, tuple[int, int | None]],
        people: list[tuple[str | None, time | None, int]],
        lived: int,
        busy: set[str],
        paused: set[str],
    ) -> None:
        self.numbers = count(1)
        self.schedule = schedule
        self.lessons = ["a", "b", "c"]
        self.words = {key: f"Words of {key}." for key in ("welcome", *self.lessons, "finale")}
        self.waits = dict(waits)
        self.renames: list[tuple[str, str]] = []
        self.address = self.databases.copy()
        self.mailbox = Mailbox(self.answer)
        self.busy: set[str] = set()
        self.clock = HandClock()
        self.world = World(self.databases.open(self.address), self.clock, self.mailbox)
        self.world.publish(self.edition())
        for name, (zone, hour, later) in zip(NAMES, people, strict=False):
            self.world.until(self.clock.at + later * HOUR)
            self.world.enroll(person(name, timezone=zone, send_at=hour))
        self.world.until(self.clock.at + lived * HOUR)
        if busy:
            self.some_mailboxes_are_busy(busy, 24)
        for name in paused:
            self.somebody_wishes(name, "pause")

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.store.close()
            self.databases.remove(self.address)

    def answer(self, message: Message) -> Outcome:
        return DEFERRED if message.recipient in self.busy else ACCEPTED

    def edition(self) -> Edition:
        return edition(
            ("welcome", *self.lessons, "finale"),
            renames=self.renames,
            schedule=self.schedule,
            words=self.words,
            waits={key: wait for key, wait in self.waits.items() if key in self.lessons},
        )

    @contextmanager
    def elsewhere(self) -> Iterator[World]:
        """Lend a copy of the world in which time may run forward."""
        self.world.store.close()
        with self.databases.lent(self.address) as address:
            store = self.databases.open(address)
            yield World(store, replace(self.clock))
            store.close()

    # People

    @rule(
        name=names,
        zone=st.sampled_from(ZONES),
        hour=hours,
        days=st.none() | st.integers(-1, 3),
    )
    def somebody_joins(
        self, name: str, zone: str | None, hour: time | None, days: int | None
    ) -> None:
        start = None if days is None else (self.clock.at + days * DAY).date()
        self.world.enroll(person(name, timezone=zone, send_at=hour, start=start))

    @rule(hours=st.sampled_from([1, 5, 24, 24, 49, 100]))
    def time_passes(self, hours: int) -> None:
        self.world.until(self.clock.at + hours * HOUR)

    @rule(hours=st.sampled_from([3, 30, 100]))
    def nothing_is_sent_for_a_while(self, hours: int) -> None:
        self.clock.advance(hours * HOUR)

    @rule(busy=st.sets(names, min_size=1), hours=st.sampled_from([24, 50]))
    def some_mailboxes_are_busy(self, busy: set[str], hours: int) -> None:
        self.busy = {address_of(name) for name in busy}
        for _ in range(hours):
            self.clock.advance(HOUR)
            self.world.tick()
        self.busy = set()

    @rule(name=names, wish=st.sampled_from(["pause", "resume", "restart"]))
    def somebody_wishes(self, name: str, wish: str) -> None:
        with suppress(LettercourseError):  # it may be refused
            if wish == "pause":
                self.world.store.pause(address_of(name), None, self.clock.at)
            elif wish == "resume":
                self.world.store.resume(address_of(name), None, self.clock.at)
            else:
                self.world.store.restart(address_of(name), "motivation", self.clock.at)

    @rule(name=names, back=st.integers(0, 1))
    def somebody_reflects(self, name: str, back: int) -> None:
        lessons = [key for key, _ in letters_had(self.world).get(address_of(name), [])][1:]
        for key in lessons[-1 - back :][:1]:
            self.world.reflect(key, name=name)

    # The author

    @rule(at=st.integers(0, 9))
    def a_lesson_is_inserted(self, at: int) -> None:
        key = f"new{next(self.numbers)}"
        self.words[key] = f"Words of {key}."
        self.lessons.insert(at % (len(self.lessons) + 1), key)
        self.publish()

    @precondition(lambda self: self.lessons)
    @rule(at=st.integers(0, 9))
    def a_lesson_is_removed(self, at: int) -> None:
        self.lessons.pop(at % len(self.lessons))
        self.publish()

    @rule(at=st.integers(0, 9), which=st.integers(0, 9))
    def a_lesson_comes_back(self, at: int, which: int) -> None:
        former = {old for old, _ in self.world.store.course("motivation").renames}
        away = [key for key in self.words if key not in (*self.lessons, "welcome", "finale")]
        away = [key for key in away if key not in former]
        if away:
            self.lessons.insert(at % (len(self.lessons) + 1), away[which % len(away)])
            self.publish()

    @precondition(lambda self: self.lessons)
    @rule(at=st.integers(0, 9), reworded=st.booleans(), kept=st.booleans())
    def a_lesson_is_renamed(self, at: int, reworded: bool, kept: bool) -> None:
        at %= len(self.lessons)
        old, new = self.lessons[at], f"renamed{next(self.numbers)}"
        self.words[new] = f"Words of {new}." if reworded else self.words[old]
        if old in self.waits:
            self.waits[new] = self.waits[old]
        self.lessons[at] = new
        was, self.renames = self.renames, [*(self.renames if kept else ()), (old, new)]
        self.renames = [(a, new if b == old else b) for a, b in self.renames]
        self.publish()
        self.renames = self.renames if kept else was and [(old, new)]

    @precondition(lambda self: self.lessons)
    @rule(at=st.integers(0, 9))
    def a_lesson_is_renamed_and_nobody_told(self, at: int) -> None:
        at %= len(self.lessons)
        old, new = self.lessons[at], f"renamed{next(self.numbers)}"
        before = self.lessons.copy(), self.world.store.course("motivation")
        self.words[new], self.lessons[at] = self.words[old], new
        plan = self.world.store.foresee(self.edition(), self.clock.at)
        assert [each.what for each in plan.refused] == [
            f'the lesson "{new}" was published before as "{old}"'
        ]
        assert plan.refused[0].remedy == f'give it renamed_from = ["{old}"], or its former key'
        with pytest.raises(Refused, match="was published before as"):
            self.world.publish(self.edition())
        del self.words[new]
        self.lessons, newest = before
        assert self.world.store.course("motivation") == newest

    @precondition(lambda self: self.lessons)
    @rule(at=st.integers(0, 9))
    def a_lesson_is_reworded(self, at: int) -> None:
        key = self.lessons[at % len(self.lessons)]
        self.words[key] = f"Other words {next(self.numbers)}."
        self.publish()

    @rule(order=st.randoms(use_true_random=False))
    def lessons_change_places(self, order: object) -> None:
        order.shuffle(self.lessons)  # type: ignore[attr-defined]
        self.publish()

    @rule(schedule=schedules)
    def the_schedule_changes(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.publish()

    @precondition(lambda self: self.lessons)
    @rule(at=st.integers(0, 9), wait=st.none() | some_wait)
    def a_wait_changes(self, at: int, wait: tuple[int, int | None] | None) -> None:
        key = self.lessons[at % len(self.lessons)]
        self.waits.pop(key, None)
        if wait is not None:
            self.waits[key] = wait
        self.publish()

    def publish(self) -> None:
        """Publish, and hold what the plan says against what happens with and without it."""
        edited, now = self.edition(), self.clock.at
        before = self.world.store.deliveries(), self.world.store.subscribers()
        plan = self.world.store.foresee(edited, now)
        assert before == (self.world.store.deliveries(), self.world.store.subscribers())
        assert plan.refused == ()
        stood = places(self.world)
        with self.elsewhere() as world:
            assert_it_happens(world, plan, edited=False, stood=stood)
        assert self.world.store.publish(edited, now) is plan.changed
        with self.elsewhere() as world:
            assert_it_happens(world, plan, edited=True, stood=stood)
        assert not self.world.store.foresee(edited, now).changed

    # Promises

    @invariant()
    def nobody_gets_a_letter_twice(self) -> None:
        if hasattr(self, "world"):
            for letters in letters_had(self.world).values():
                assert max(Counter(key for key, _ in letters).values()) == 1

    @invariant()
    def the_ledger_breaks_no_promise(self) -> None:
        if hasattr(self, "world"):
            assert self.world.store.audit().violations == ()

    @invariant()
    def every_letter_is_explained(self) -> None:
        if not hasattr(self, "world"):
            return
        keys = self.world.store.course("motivation").keys
        for standing in self.world.store.subscribers():
            (mine,) = standing.enrollments
            (story,) = self.world.store.explain(standing.address, self.clock.at).courses
            told = {each.letter: each for each in story.letters}
            assert set(keys) <= set(told)
            assert all(each.why for each in story.letters)
            furthest = max((keys.index(key) for key in mine.sent if key in keys), default=-1)
            for key in keys[: max(furthest, 0)]:
                if key not in mine.sent:  # or it is tried again, and keeps its turn
                    passed = (DeliveryState.SKIPPED, DeliveryState.PLANNED)
                    assert told[key].state in passed, told[key]
            if mine.next is not None:
                assert mine.next in keys
        silent = "SELECT id FROM deliveries WHERE state = 'skipped' AND detail = ''"
        assert query(self.world.store, silent) == []


def test_over_any_edits_the_plan_is_what_happens(databases: Databases) -> None:
    class Here(Editing):
        pass

    Here.databases = databases
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=20 if databases.kind == "sqlite" else 3,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
