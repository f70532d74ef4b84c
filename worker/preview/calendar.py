"""Who would get what when: the days of one imagined person, by the clock that really delivers."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from course.errors import LettercourseError
from course.model import Edition, Letter
from worker.calendar import Planned, Unusual, calendar
from worker.model import syllabus_of
from worker.progress import is_nudge
from worker.schedule import find_zone, localise, zone_names

_YEARS = range(1970, 2101)
_OF_THE_CLOCK = frozenset({Unusual.CLOCK_GAP, Unusual.CLOCK_TWICE})


def calendar_answer(edition: Edition, start: str, zone: str) -> dict[str, object]:
    """Return a calendar as the page shows it, in the person's own dates and hours.

    Args:
        edition: the course.
        start: ``2026-01-05T10:00``, by the clock in ``zone``.
        zone: an IANA name.

    Raises:
        LettercourseError: unknown zone, or a start that is no instant between 1970 and 2100.
    """
    clock = find_zone(zone)
    begin = localise(*_day_and_hour(start), zone)
    letters = _letters(edition)
    stops = calendar(syllabus_of(edition), begin, zone)
    rows, offset = [], stops[0].at.astimezone(clock).utcoffset()
    for stop in stops:
        changed, offset = stop.local.utcoffset() != offset, stop.local.utcoffset()
        notes = [
            _waiting(stop, edition),
            f"clocks changed: now {_offset(offset)}" if changed else "",
        ]
        notes += [each.why for each in stop.reasons if each.what in _OF_THE_CLOCK]
        rows.append(
            {
                "key": stop.key,
                "title": letters[stop.key].title,
                "reminder": is_nudge(stop.key),
                "date": f"{stop.local:%a} {stop.local.day} {stop.local:%b %Y}",
                "time": f"{stop.local:%H:%M}",
                "utc": f"{stop.at:%Y-%m-%d %H:%M}",
                "note": ", ".join(filter(None, notes)),
            }
        )
    first, last = stops[0].local, stops[-1].local
    days = (last.date() - first.date()).days + 1
    return {
        "zone": zone,
        "start": start,
        "summary": f"Somebody in {zone} who joins on {first:%A}, {first.day} {first:%B %Y} at "
        f"{first:%H:%M} and never replies is through after {days} days.",
        "stops": rows,
    }


def all_zones() -> list[str]:
    """Return the zones somebody can choose from, in order."""
    return sorted(zone_names())


def _day_and_hour(start: str) -> tuple[date, time]:
    try:
        told = datetime.fromisoformat(start)
    except ValueError:
        told = None
    if told is None or told.tzinfo or told.year not in _YEARS:
        raise LettercourseError(f'"{start}" is no start', remedy="write 2026-01-05T10:00")
    return told.date(), told.time()


def _letters(edition: Edition) -> dict[str, Letter]:
    """Return every letter and reminder by its key."""
    nudges = [wait.nudge for wait in edition.waits.values() if wait.nudge]
    return {letter.key: letter for letter in (*edition.letters, *nudges)}


def _waiting(stop: Planned, edition: Edition) -> str:
    if is_nudge(stop.key):
        return "a reminder, only without a reply"
    if wait := edition.waits.get(stop.key):
        return f"then waits up to {wait.days} day{'' if wait.days == 1 else 's'} for a reply"
    return ""


def _offset(offset: timedelta | None) -> str:
    minutes = round((offset or timedelta()).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}"
