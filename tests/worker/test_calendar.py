"""The calendar of one person, worked out from the course alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from course.model import Kind, Schedule
from tests.worker.ledger import edition
from worker.calendar import Planned, Unusual, calendar
from worker.model import syllabus_of

WORKDAYS = Schedule(days=(0, 1, 2, 3, 4))


def lines(planned: tuple[Planned, ...]) -> list[tuple[str, str]]:
    return [(each.key, f"{each.local:%a %Y-%m-%d %H:%M %z}") for each in planned]


def unusual(planned: tuple[Planned, ...]) -> dict[str, set[Unusual]]:
    return {each.key: {r.what for r in each.reasons} for each in planned if each.reasons}


def test_one_letter_a_day_at_eight() -> None:
    planned = calendar(syllabus_of(edition()), date(2026, 3, 2), "Asia/Tokyo")
    assert lines(planned) == [
        ("welcome", "Mon 2026-03-02 08:00 +0900"),
        ("goals", "Tue 2026-03-03 08:00 +0900"),
        ("support", "Wed 2026-03-04 08:00 +0900"),
        ("finale", "Thu 2026-03-05 08:00 +0900"),
    ]
    assert planned[0].at == datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert [each.kind for each in planned] == [
        Kind.WELCOME,
        Kind.LESSON,
        Kind.LESSON,
        Kind.FINALE,
    ]
    assert unusual(planned) == {}


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 3, 3, 0, 30),  # noqa: DTZ001 - on their own clock
        datetime(2026, 3, 2, 23, 30, tzinfo=UTC),
    ],
)
def test_who_joins_at_night_gets_the_welcome_at_night(at: datetime) -> None:
    planned = calendar(syllabus_of(edition()), at, "Europe/Berlin")
    assert lines(planned)[:2] == [
        ("welcome", "Tue 2026-03-03 00:30 +0100"),
        ("goals", "Wed 2026-03-04 08:00 +0100"),
    ]
    assert unusual(planned) == {}


def test_a_send_time_in_the_gap_is_shifted_and_said_so() -> None:
    planned = calendar(
        syllabus_of(edition()), date(2026, 3, 28), "Europe/Berlin", send_at=time(2, 30)
    )
    assert lines(planned)[:3] == [
        ("welcome", "Sat 2026-03-28 02:30 +0100"),
        ("goals", "Sun 2026-03-29 03:30 +0200"),
        ("support", "Mon 2026-03-30 02:30 +0200"),
    ]
    assert unusual(planned) == {"goals": {Unusual.CLOCK_GAP}}
    assert planned[1].reasons[0].why == "02:30 does not exist on this date: clocks go forward"


def test_a_send_time_that_occurs_twice_is_the_first_and_said_so() -> None:
    planned = calendar(
        syllabus_of(edition()), date(2026, 10, 24), "Europe/Berlin", send_at=time(2, 30)
    )
    assert lines(planned)[1] == ("goals", "Sun 2026-10-25 02:30 +0200")
    assert unusual(planned) == {"goals": {Unusual.CLOCK_TWICE}}


def test_a_weekday_without_letters_is_passed_over_and_said_so() -> None:
    planned = calendar(syllabus_of(edition(schedule=WORKDAYS)), date(2026, 3, 5), "UTC")
    assert [each.local.strftime("%a") for each in planned] == ["Thu", "Fri", "Mon", "Tue"]
    assert unusual(planned) == {"support": {Unusual.WEEKDAY}}
    assert planned[2].reasons[0].why == "no letters on Saturdays and Sundays in this course"


def test_a_slot_within_the_minimum_gap_is_passed_over_and_said_so() -> None:
    evening = Schedule(send_at=time(8), minimum_gap=timedelta(hours=30))
    planned = calendar(syllabus_of(edition(schedule=evening)), date(2026, 3, 2), "UTC")
    assert [each.local.day for each in planned] == [2, 3, 5, 7]
    assert unusual(planned) == {"support": {Unusual.MINIMUM_GAP}, "finale": {Unusual.MINIMUM_GAP}}
    assert planned[2].reasons[0].why == "Wednesday 08:00 is less than 30 hours after goals"


@pytest.mark.parametrize("nudge_days", [None, 2])
def test_a_wait_is_told_with_its_end_and_when_it_could_end(nudge_days: int | None) -> None:
    course = syllabus_of(edition(waits={"goals": (5, nudge_days)}))
    planned = {each.key: each for each in calendar(course, date(2026, 3, 2), "UTC")}
    support = planned["support"]
    assert support.at == datetime(2026, 3, 8, 8, tzinfo=UTC)
    assert support.earliest == datetime(2026, 3, 4, 8, tzinfo=UTC)
    assert support.waits_for == "goals"
    assert [each.what for each in support.reasons] == [Unusual.REFLECTION]
    if nudge_days:
        assert planned["goals~nudge"].at == datetime(2026, 3, 5, 8, tzinfo=UTC)
        assert planned["goals~nudge"].kind is Kind.LESSON
    else:
        assert "goals~nudge" not in planned
