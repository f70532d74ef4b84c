"""The calendar: every zone, every hour, gaps, overlaps, and dates that never were."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from course.errors import LettercourseError
from course.model import Schedule
from worker.schedule import (
    AFTER_WELCOME,
    find_zone,
    localise,
    next_slot,
    welcome_at,
    zone_names,
)

DAY = timedelta(days=1)
DAILY = Schedule()
EIGHT = time(8)

zones = st.sampled_from(sorted(zone_names()))
days = st.dates(date(1950, 1, 1), date(2080, 12, 31))
times = st.times().map(lambda at: at.replace(second=0, microsecond=0))
instants = st.datetimes(
    datetime(1950, 1, 1),  # noqa: DTZ001 - the strategy wants naive bounds
    datetime(2080, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
weekdays = st.sets(st.integers(0, 6), min_size=1).map(lambda chosen: tuple(sorted(chosen)))
gaps = st.sampled_from([timedelta(hours=h) for h in (0, 1, 8, 12, 20, 24)])


def wall(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def shown_at(day: date, at: time, zone: str) -> list[datetime]:
    """Every instant at which clocks in the zone show that: none in a gap, two in an overlap."""
    wanted = datetime.combine(day, at)
    noon = datetime.combine(day, time(12), UTC)
    offsets = {
        (noon + timedelta(hours=h)).astimezone(ZoneInfo(zone)).utcoffset() for h in range(-48, 49)
    }
    candidates = {(wanted - offset).replace(tzinfo=UTC) for offset in offsets if offset is not None}
    return sorted(each for each in candidates if wall(each, zone) == wanted)


@settings(max_examples=300, deadline=None)
@given(days, times, zones)
@example(date(2024, 3, 10), time(2, 30), "America/New_York")
@example(date(2024, 11, 3), time(1, 30), "America/New_York")
@example(date(2024, 3, 10), time(0), "America/Havana")
@example(date(2024, 11, 3), time(0, 30), "America/Havana")
@example(date(2011, 12, 30), EIGHT, "Pacific/Apia")
@example(date(2024, 10, 6), time(2, 15), "Australia/Lord_Howe")
@example(date(2024, 4, 7), time(1, 45), "Australia/Lord_Howe")
@example(date(2025, 3, 29), time(23, 30), "America/Nuuk")
@example(date(2024, 3, 31), time(1, 30), "Europe/Dublin")
@example(date(2024, 4, 14), time(2, 30), "Africa/Casablanca")
@example(date(2024, 3, 31), time(1, 30), "Antarctica/Troll")
def test_a_local_time_is_its_first_instant_or_moves_forward_out_of_a_gap(
    day: date, at: time, zone: str
) -> None:
    result = localise(day, at, zone)
    assert result.tzinfo is UTC
    if instants := shown_at(day, at, zone):
        assert result == instants[0]
        return
    moved = wall(result, zone) - datetime.combine(day, at)
    assert timedelta(0) < moved <= DAY
    before = (result - moved).astimezone(ZoneInfo(zone)).utcoffset()
    after = result.astimezone(ZoneInfo(zone)).utcoffset()
    assert before is not None
    assert after is not None
    assert moved == after - before


def clock_changes(zone: str) -> list[date]:
    """The dates of three years on which clocks in the zone are turned."""
    clock = ZoneInfo(zone)
    dates = [date(2024, 1, 1) + n * DAY for n in range(3 * 366)]
    offsets = [datetime.combine(day, time(0), clock).utcoffset() for day in dates]
    return [dates[n] for n, (one, other) in enumerate(pairwise(offsets)) if one != other]


def test_every_half_hour_of_every_clock_change_in_every_zone() -> None:
    turned = {(zone, day) for zone in zone_names() for day in clock_changes(zone)}
    assert len({zone for zone, _ in turned}) > 150
    half_hours = [time(n // 2, n % 2 * 30) for n in range(48)]
    for zone, day in turned:
        clock = ZoneInfo(zone)
        before, after = (
            datetime.combine(each, time(12), clock).utcoffset() for each in (day - DAY, day + DAY)
        )
        assert before is not None
        assert after is not None
        for at in half_hours:
            wanted = datetime.combine(day, at)
            early, late = sorted(
                (wanted - offset).replace(tzinfo=UTC) for offset in (before, after)
            )
            right = [each for each in (early, late) if wall(each, zone) == wanted]
            expected = right[0] if right else late
            assert localise(day, at, zone) == expected, (zone, day, at)

            handed_at = localise(day - DAY, at, zone)
            slot = next_slot(handed_at, DAILY, send_at=at, zone=zone, after_welcome=False)
            assert DAILY.minimum_gap <= slot - handed_at <= timedelta(hours=26), (zone, day, at)


@pytest.mark.parametrize(
    ("day", "at", "zone", "instant"),
    [
        ("2024-03-10", "02:30", "America/New_York", "2024-03-10T07:30Z"),  # 03:30 EDT
        ("2024-11-03", "01:30", "America/New_York", "2024-11-03T05:30Z"),  # EDT, the first
        ("2024-03-10", "00:00", "America/Havana", "2024-03-10T05:00Z"),  # no midnight: 01:00
        ("2011-12-30", "08:00", "Pacific/Apia", "2011-12-30T18:00Z"),  # 31 December, 08:00
        ("2011-12-31", "08:00", "Pacific/Apia", "2011-12-30T18:00Z"),
        ("2024-07-01", "08:00", "Pacific/Kiritimati", "2024-06-30T18:00Z"),  # UTC+14
        ("2024-10-06", "02:15", "Australia/Lord_Howe", "2024-10-05T15:45Z"),  # 02:45, by 30 min
        ("2024-04-07", "01:45", "Australia/Lord_Howe", "2024-04-06T14:45Z"),  # the first
        ("2024-03-31", "01:30", "Europe/Dublin", "2024-03-31T01:30Z"),  # 02:30 IST
        ("2024-10-27", "01:30", "Europe/Dublin", "2024-10-27T00:30Z"),  # IST, the first
        ("2024-03-09", "08:00", "Africa/Casablanca", "2024-03-09T07:00Z"),
        ("2024-03-10", "08:00", "Africa/Casablanca", "2024-03-10T08:00Z"),  # Ramadan: UTC+0
        ("2024-04-14", "02:30", "Africa/Casablanca", "2024-04-14T02:30Z"),  # 03:30
        ("2024-03-31", "01:30", "Antarctica/Troll", "2024-03-31T01:30Z"),  # 03:30, by two hours
        ("2024-07-01", "08:00", "Asia/Kathmandu", "2024-07-01T02:15Z"),
    ],
)
def test_known_hours_of_known_places(day: str, at: str, zone: str, instant: str) -> None:
    expected = datetime.fromisoformat(instant)
    assert localise(date.fromisoformat(day), time.fromisoformat(at), zone) == expected


@settings(max_examples=300, deadline=None)
@given(instants, weekdays, gaps, times, zones, st.booleans(), st.none() | st.integers(-48, 2000))
@example(
    datetime(2011, 12, 29, 18, tzinfo=UTC),
    (4,),
    timedelta(hours=12),
    EIGHT,
    "Pacific/Apia",
    False,
    None,
)
def test_the_next_slot_keeps_every_rule_and_is_the_first_that_does(
    handed_at: datetime,
    days: tuple[int, ...],
    gap: timedelta,
    send_at: time,
    zone: str,
    after_welcome: bool,
    wait_hours: int | None,
) -> None:
    schedule = Schedule(days=days, minimum_gap=gap)
    not_before = None if wait_hours is None else handed_at + timedelta(hours=wait_hours)
    slot = next_slot(
        handed_at,
        schedule,
        send_at=send_at,
        zone=zone,
        after_welcome=after_welcome,
        not_before=not_before,
    )
    least = AFTER_WELCOME if after_welcome else gap
    earliest = max(handed_at + least, not_before or handed_at)

    assert slot > handed_at
    assert slot >= earliest
    assert wall(slot, zone).date() > wall(handed_at, zone).date()
    assert wall(slot, zone).weekday() in days

    begin = wall(handed_at, zone).date() - 2 * DAY
    length = (wall(slot, zone).date() - begin).days + 1
    dates = [begin + n * DAY for n in range(length)]
    slots = {localise(day, send_at, zone): day for day in dates}
    assert slot in slots, "a letter left at another hour than its own"
    assert slot == min(
        each
        for each in slots
        if each >= earliest
        and wall(each, zone).date() > wall(handed_at, zone).date()
        and wall(each, zone).weekday() in days
    )
    displaced = any(wall(each, zone).date() != day for each, day in slots.items())
    assert slot - earliest <= (16 if displaced else 9) * DAY, "stuck"


@settings(max_examples=200, deadline=None)
@given(instants, instants, times, zones)
def test_who_was_served_later_is_not_due_earlier(
    one: datetime, other: datetime, send_at: time, zone: str
) -> None:
    first, second = (
        next_slot(each, DAILY, send_at=send_at, zone=zone, after_welcome=False)
        for each in sorted([one, other])
    )
    assert first <= second


disturbances = st.lists(
    st.one_of(st.just(timedelta(0)), st.timedeltas(timedelta(0), timedelta(days=3))),
    min_size=8,
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(
    instants,
    st.none() | st.integers(-3, 20),
    weekdays,
    gaps,
    times,
    zones,
    disturbances,
    disturbances,
)
def test_everybody_gets_all_letters_in_order_and_nobody_too_soon(
    now: datetime,
    starts_in: int | None,
    days: tuple[int, ...],
    gap: timedelta,
    send_at: time,
    zone: str,
    outages: list[timedelta],
    pauses: list[timedelta],
) -> None:
    schedule = Schedule(send_at=send_at, days=days, minimum_gap=gap)
    start = None if starts_in is None else wall(now, zone).date() + starts_in * DAY
    due = welcome_at(now, start, send_at, zone)
    assert due >= now
    handed: list[datetime] = []
    for outage, pause in zip(outages, pauses, strict=True):
        handed.append(due + outage)
        resumed = handed[-1] + pause if pause else None
        due = next_slot(
            handed[-1],
            schedule,
            send_at=send_at,
            zone=zone,
            after_welcome=len(handed) == 1,
            not_before=resumed,
        )
        assert due >= (resumed or now)
        shown = wall(due, zone)
        on_time = shown.time() == send_at
        assert on_time or not shown_at(shown.date(), send_at, zone) or shown.time() < send_at
        assert on_time or due in {localise(shown.date() - n * DAY, send_at, zone) for n in (0, 1)}
    assert len(handed) == 8
    spaces = [later - earlier for earlier, later in pairwise(handed)]
    assert spaces[0] >= AFTER_WELCOME
    assert all(space >= gap for space in spaces[1:])
    dates = [wall(each, zone).date() for each in handed]
    assert dates == sorted(set(dates)), "two letters on one local date"


@settings(max_examples=200, deadline=None)
@given(st.datetimes(datetime(2015, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)), zones)  # noqa: DTZ001
def test_an_undisturbed_course_takes_one_letter_a_local_day(now: datetime, zone: str) -> None:
    handed = [welcome_at(now, None, EIGHT, zone)]
    while len(handed) < 8:
        handed.append(
            next_slot(handed[-1], DAILY, send_at=EIGHT, zone=zone, after_welcome=len(handed) == 1)
        )
    dates = [wall(each, zone).date() for each in handed]
    assert all(wall(each, zone).time() == EIGHT for each in handed[1:])
    assert [later - dates[1] for later in dates[1:]] == [n * DAY for n in range(7)]
    assert dates[1] - dates[0] in (DAY, 2 * DAY)


def slot_after(handed: str, zone: str = "Europe/Berlin", **other: Any) -> str:
    welcome = bool(other.pop("after_welcome", False))
    schedule = Schedule(**other)
    found = next_slot(
        datetime.fromisoformat(handed),
        schedule,
        send_at=schedule.send_at,
        zone=zone,
        after_welcome=welcome,
    )
    return found.astimezone(ZoneInfo(zone)).strftime("%a %Y-%m-%d %H:%M")


def test_the_first_lesson_comes_next_morning_when_the_welcome_is_eight_hours_old() -> None:
    assert slot_after("2024-05-06T23:59+02:00", after_welcome=True) == "Tue 2024-05-07 08:00"
    assert slot_after("2024-05-07T00:00+02:00", after_welcome=True) == "Wed 2024-05-08 08:00"
    assert (
        slot_after("2024-05-06T23:59+02:00", after_welcome=True, send_at=time(7))
        == "Wed 2024-05-08 07:00"
    )


def test_the_gap_after_the_welcome_is_eight_hours_whatever_the_course_says() -> None:
    long = timedelta(hours=36)
    assert (
        slot_after("2024-05-06T20:00+02:00", after_welcome=True, minimum_gap=long)
        == "Tue 2024-05-07 08:00"
    )
    assert slot_after("2024-05-06T20:00+02:00", minimum_gap=long) == "Wed 2024-05-08 08:00"


def test_after_a_late_letter_the_course_shifts_and_does_not_flood() -> None:
    assert slot_after("2024-05-06T19:59+02:00") == "Tue 2024-05-07 08:00"
    assert slot_after("2024-05-06T20:01+02:00") == "Wed 2024-05-08 08:00"


def test_letters_keep_their_hour_across_daylight_saving() -> None:
    assert slot_after("2024-03-30T08:00+01:00") == "Sun 2024-03-31 08:00"
    assert slot_after("2024-10-26T08:00+02:00") == "Sun 2024-10-27 08:00"


def test_a_weekday_course_rests_at_the_weekend() -> None:
    assert slot_after("2024-05-10T08:00+02:00", days=(0, 1, 2, 3, 4)) == "Mon 2024-05-13 08:00"


def test_where_midnight_is_missing_the_letter_comes_at_one() -> None:
    assert (
        slot_after("2024-03-09T00:00-05:00", zone="America/Havana", send_at=time(0))
        == "Sun 2024-03-10 01:00"
    )


def test_a_lost_day_loses_no_letter_and_doubles_none() -> None:
    first = slot_after("2011-12-29T08:00-10:00", zone="Pacific/Apia")
    assert first == "Sat 2011-12-31 08:00"
    assert slot_after("2011-12-31T08:00+14:00", zone="Pacific/Apia") == "Sun 2012-01-01 08:00"


def test_a_slot_that_a_gap_moves_past_midnight_counts_for_the_day_it_falls_on() -> None:
    nuuk: dict[str, Any] = {"zone": "America/Nuuk", "send_at": time(23, 30)}
    assert slot_after("2025-03-28T23:30-02:00", **nuuk) == "Sun 2025-03-30 00:30"
    assert slot_after("2025-03-28T23:30-02:00", days=(4, 5), **nuuk) == "Fri 2025-04-04 23:30"


def test_a_slot_moved_past_midnight_is_not_overlooked_after_a_pause() -> None:
    slot = next_slot(
        datetime.fromisoformat("2025-03-28T23:30-02:00"),
        DAILY,
        send_at=time(23, 30),
        zone="America/Nuuk",
        after_welcome=False,
        not_before=datetime.fromisoformat("2025-03-30T00:15-01:00"),
    )
    assert slot == datetime.fromisoformat("2025-03-30T00:30-01:00")


def test_a_welcome_waits_for_a_start_in_the_future_only() -> None:
    now = datetime(2024, 5, 6, 12, tzinfo=UTC)

    def welcome(start: date | None, zone: str = "Europe/Berlin") -> datetime:
        return welcome_at(now, start, EIGHT, zone)

    assert welcome(None) == now
    assert welcome(date(2024, 5, 6)) == now
    assert welcome(date(2020, 1, 1)) == now
    assert welcome(date(2024, 5, 7)) == datetime(2024, 5, 7, 6, tzinfo=UTC)
    assert welcome(date(2024, 5, 6), "America/Los_Angeles") == datetime(2024, 5, 6, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("(GMT-05:00) Eastern Time", "IANA name"),
        ("", "IANA name"),
        ("../../etc/passwd", "IANA name"),
        ("/usr/share/zoneinfo/UTC", "IANA name"),
        ("localtime", "IANA name"),
        ("Europe/Berlin\r\nBcc: x@example.org", "IANA name"),
        ("\0", "IANA name"),
    ],
)
def test_an_unknown_zone_is_one_line_with_a_remedy(name: str, remedy: str) -> None:
    with pytest.raises(LettercourseError) as caught:
        find_zone(name)
    assert remedy in caught.value.remedy
    assert len(str(caught.value).splitlines()) == 1


def test_every_zone_of_the_database_can_be_lived_in() -> None:
    for name in available_timezones() - {"Factory", "localtime", "posixrules"}:
        assert find_zone(name).key == name
