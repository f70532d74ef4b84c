"""The calendar to come is what the ledger then does."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course.model import Schedule
from tests.worker.databases import Databases
from tests.worker.ledger import (
    DAY,
    DEFERRED,
    MONDAY,
    HandClock,
    World,
    edition,
    person,
)
from worker.calendar import calendar, walk
from worker.model import syllabus_of
from worker.pacing import Hours, Run
from worker.schedule import localise, zone_names
from worker.store.projecting import Calendar

HOUR = timedelta(hours=1)
BEN = 1
"""The enrollment of the first one to join."""

zones = st.sampled_from(["Europe/Berlin", "America/Havana", "Pacific/Apia", *sorted(zone_names())])
hours = st.times().map(lambda at: at.replace(second=0, microsecond=0))
waits = st.dictionaries(
    st.sampled_from(["goals", "support", "time"]),
    st.integers(1, 9).flatmap(
        lambda days: st.tuples(
            st.just(days), st.none() if days == 1 else st.none() | st.integers(1, days - 1)
        )
    ),
)
schedules = st.builds(
    Schedule,
    send_at=hours,
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda each: tuple(sorted(each))),
    minimum_gap=st.sampled_from([1, 12, 30]).map(lambda each: each * HOUR),
    timezone=zones,
)
KEYS = ("welcome", "goals", "support", "time", "finale")


def what_the_ledger_does(world: World) -> Calendar:
    before = {each.id for each in world.store.deliveries() if each.settled_at}
    world.let_time_pass()
    handed = [
        (each.letter, each.handed_at)
        for each in reversed(world.store.deliveries())
        if each.id not in before and each.handed_at and not each.letter.endswith("~nudge")
    ]
    return tuple(sorted(handed, key=lambda each: each[1]))


def test_the_calendar_to_come_is_what_the_ledger_does(databases: Databases) -> None:
    @settings(
        max_examples=60 if databases.kind == "sqlite" else 12,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(
        begin=st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
        schedule=schedules,
        waits=waits,
        zone=st.none() | zones,
        send_at=st.none() | hours,
        passed=st.integers(0, 12 * 24),
        answered=st.sets(st.sampled_from(KEYS)),
        late=st.booleans(),
    )
    def agrees(
        begin: datetime,
        schedule: Schedule,
        waits: dict[str, tuple[int, int | None]],
        zone: str | None,
        send_at: time | None,
        passed: int,
        answered: set[str],
        late: bool,
    ) -> None:
        with databases.lent() as address:
            store = databases.open(address)
            world = World(store, HandClock(begin))
            world.publish(edition(KEYS, schedule=schedule, waits=waits))
            world.enroll(person("ben", timezone=zone, send_at=send_at))
            world.until(begin + passed * HOUR)
            for key in answered:
                world.reflect(key)
            if late:
                world.clock.advance(5 * DAY)
            to_come = store.projection(BEN, world.clock.now())
            assert to_come == what_the_ledger_does(world)
            assert store.projection(BEN, world.clock.now()) == ()
            store.close()

    agrees()


def test_a_simulation_is_what_the_ledger_delivers(databases: Databases) -> None:
    around_changes = st.sampled_from(
        [date(2025, 3, 8), date(2025, 3, 29), date(2025, 10, 25), date(2025, 11, 1)]
    )

    @settings(
        max_examples=60 if databases.kind == "sqlite" else 12,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(
        day=around_changes | st.dates(date(2025, 1, 1), date(2026, 12, 31)),
        joins=st.none() | st.times().map(lambda at: at.replace(microsecond=0)),
        schedule=schedules,
        waits=waits,
        zone=zones,
        send_at=st.none() | hours,
    )
    def agrees(
        day: date,
        joins: time | None,
        schedule: Schedule,
        waits: dict[str, tuple[int, int | None]],
        zone: str,
        send_at: time | None,
    ) -> None:
        course = edition(KEYS, schedule=schedule, waits=waits)
        start = day if joins is None else datetime.combine(day, joins)
        simulated = calendar(syllabus_of(course), start, zone, send_at)
        begin = localise(day, joins or time(0), zone) - (DAY if joins is None else timedelta())
        with databases.lent() as address:
            store = databases.open(address)
            world = World(store, HandClock(begin))
            world.publish(course)
            begins = day if joins is None else None
            world.enroll(person("ben", timezone=zone, send_at=send_at, start=begins))
            world.let_time_pass()
            delivered = sorted((each.handed_at, each.letter) for each in store.deliveries())
            store.close()
        assert [(each.at, each.key) for each in simulated] == delivered

    agrees()


def test_the_calendar_of_somebody_new_needs_no_database(world: World) -> None:
    course = world.store.course("motivation")
    steps = walk(course, Hours("Asia/Tokyo"), Run(), due_at=MONDAY, now=MONDAY)
    calendar = tuple((step.key, step.at) for step in steps)
    world.enroll(person("ben", timezone="Asia/Tokyo"))
    assert calendar == world.store.projection(BEN, MONDAY) == what_the_ledger_does(world)


def test_the_calendar_begins_on_the_chosen_day(world: World) -> None:
    world.enroll(person("ben", start=date(2026, 4, 1)))
    assert world.store.projection(BEN, MONDAY)[0] == (
        "welcome",
        datetime(2026, 4, 1, 8, tzinfo=UTC),
    )


@pytest.mark.parametrize("waits", [{}, {"goals": (5, 2)}])
def test_a_letter_under_way_is_the_first_to_come(
    world: World, waits: dict[str, tuple[int, int | None]]
) -> None:
    world.publish(edition(waits=waits))
    world.enroll(person("ben"))
    world.until(MONDAY + (3 if waits else 2) * DAY)
    world.clock.advance(HOUR)
    world.settle(world.hand_over(), DEFERRED)
    calendar = world.store.projection(BEN, world.clock.now())
    assert calendar[0][0] == "support"
    assert calendar == what_the_ledger_does(world)


def test_a_course_that_stands_still_has_no_calendar(world: World) -> None:
    world.enroll(person("ben"))
    world.store.pause("ben@example.net", None, MONDAY)
    assert world.store.projection(BEN, MONDAY) == ()
    assert world.store.projection(4711, MONDAY) == ()
