"""When letters are due: dates first, then each person's own wall clock, then UTC.

No arithmetic is done on local datetimes: a day is added to a *date*, which is then localised (a
local day may last 23, 24 or 25 hours, or be missing). Every instant is an aware datetime in UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import cache, lru_cache
from itertools import count
from zoneinfo import ZoneInfo, available_timezones

from course.errors import LettercourseError
from course.model import Schedule

AFTER_WELCOME = timedelta(hours=8)
"""Least time between the welcome and the first lesson, whatever the course's own gap."""

_DAY = timedelta(days=1)
_NOT_A_PLACE = frozenset({"Factory", "localtime", "posixrules"})


@cache
def zone_names() -> frozenset[str]:
    """Return every IANA zone a person can live in."""
    return frozenset(available_timezones()) - _NOT_A_PLACE


def find_zone(name: str) -> ZoneInfo:
    """Return the IANA zone called exactly ``name``.

    Raises:
        LettercourseError: there is none; the remedy names the nearest one.
    """
    if name not in zone_names():
        raise LettercourseError(f'unknown time zone "{name}"', remedy=_remedy(name))
    return ZoneInfo(name)


def localise(day: date, at: time, zone: str) -> datetime:
    """Return the UTC instant at which clocks in ``zone`` show ``at`` on ``day``.

    A time inside a gap moves forward by the gap's length (02:30 on the night that 02:00 becomes
    03:00 is 03:30; a date that was skipped is the same time on the next one); a time that occurs
    twice is the first (PEP 495, ``fold=0``).

    Raises:
        LettercourseError: unknown zone.
    """
    return datetime.combine(day, at, find_zone(zone)).astimezone(UTC)


def welcome_at(now: datetime, start: date | None, send_at: time, zone: str) -> datetime:
    """Return when a new enrollment's welcome is due: at once, or on ``start`` at ``send_at``.

    A ``start`` whose send time has passed means at once.
    """
    return now if start is None else max(now, localise(start, send_at, zone))


class Unfit(StrEnum):
    """Why no letter is sent in a slot."""

    DATE = "date"
    EARLY = "early"
    WEEKDAY = "weekday"
    GAP = "gap"


def slots(
    handed_at: datetime,
    schedule: Schedule,
    *,
    send_at: time,
    zone: str,
    after_welcome: bool,
    not_before: datetime | None = None,
    dates_later: int = 1,
) -> Iterator[tuple[datetime, Unfit | None]]:
    """Yield one slot a date, each with why the letter after the one of ``handed_at`` is not sent.

    A slot is ``send_at`` as people in ``zone`` see their clock. It fits on an allowed weekday at
    least ``dates_later`` local dates behind ``handed_at``'s, at least the minimum gap after it, and
    not before ``not_before``. The gap is ``AFTER_WELCOME`` behind the welcome.

    Args:
        handed_at: when the last letter was handed over.
        schedule: for its allowed weekdays and minimum gap.
        send_at: this person's local send time.
        zone: this person's IANA zone.
        after_welcome: the last letter was the welcome.
        not_before: when sending may go on, such as the end of a pause.
        dates_later: 1 for the next date; more where the course waits.
    """
    clock = find_zone(zone)
    gap = AFTER_WELCOME if after_welcome else schedule.minimum_gap
    earliest = handed_at if not_before is None else max(handed_at, not_before)
    first_date = handed_at.astimezone(clock).date() + dates_later * _DAY

    def unfit(slot: datetime) -> Unfit | None:
        seen = slot.astimezone(clock).date()
        if seen < first_date:
            return Unfit.DATE
        if slot < earliest:
            return Unfit.EARLY
        if seen.weekday() not in schedule.days:
            return Unfit.WEEKDAY
        return Unfit.GAP if slot - handed_at < gap else None

    # A gap at midnight moves a slot into the next date: begin a day early.
    first = max(earliest.astimezone(clock).date(), first_date) - _DAY
    for days in count():
        slot = localise(first + days * _DAY, send_at, zone)
        yield slot, unfit(slot)


@lru_cache(maxsize=1024)
def next_slot(
    handed_at: datetime,
    schedule: Schedule,
    *,
    send_at: time,
    zone: str,
    after_welcome: bool,
    not_before: datetime | None = None,
    dates_later: int = 1,
) -> datetime:
    """Return the first slot that fits, as ``slots`` has them."""
    every = slots(
        handed_at,
        schedule,
        send_at=send_at,
        zone=zone,
        after_welcome=after_welcome,
        not_before=not_before,
        dates_later=dates_later,
    )
    return next(slot for slot, unfit in every if unfit is None)


def _remedy(name: str) -> str:
    wanted = name.strip().replace(" ", "_").casefold()
    known = {each.casefold(): each for each in sorted(zone_names())}
    for each in sorted(zone_names()):
        known.setdefault(each.rpartition("/")[2].casefold(), each)
    near = get_close_matches(wanted, known, n=1, cutoff=0.7)
    if near:
        return f"did you mean {known[near[0]]}?"
    return "use an IANA name such as Europe/Berlin or America/New_York"
