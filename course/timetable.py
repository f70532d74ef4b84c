"""The table ``[schedule]`` of the manifest: when letters may be sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from course.model import Schedule
from course.toml import Table

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_GAP = re.compile(r"(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?")
_LONGEST_GAP = timedelta(days=90)

_T = TypeVar("_T")


def read_schedule(table: Table) -> Schedule:
    """Return the schedule; what cannot be is noted as a fault, and the usual stands for it."""
    default = Schedule()
    schedule = Schedule(
        send_at=_parsed(table, "send_at", _time, default.send_at, 'write a time such as "08:00"'),
        days=_days(table) or default.days,
        minimum_gap=_parsed(
            table,
            "minimum_gap",
            _gap,
            default.minimum_gap,
            'write at most 90 days as "12h" or "90m"',
        ),
        timezone=_parsed(
            table, "timezone", _zone, default.timezone, 'write an IANA zone such as "Europe/Paris"'
        ),
    )
    table.close()
    return schedule


def _days(table: Table) -> tuple[int, ...]:
    days: set[int] = set()
    for text in table.texts("days"):
        day = text.value.casefold()[:3]
        if day in WEEKDAYS:
            days.add(WEEKDAYS.index(day))
        else:
            message = f'days: "{text.value}" is no weekday'
            table.fault("bad-value", text.line, message, f"use {', '.join(WEEKDAYS)}")
    if table.get("days") == []:
        table.fault(
            "bad-value", table.line_of("days"), "days is empty", "leave it out for every day"
        )
    return tuple(sorted(days))


def _parsed(
    table: Table, key: str, parse: Callable[[str], _T | None], default: _T, remedy: str
) -> _T:
    text = table.text(key)
    if not text.value:
        return default
    value = parse(text.value)
    if value is None:
        table.fault("bad-value", text.line, f'{key} cannot be "{text.value}"', remedy)
        return default
    return value


def _time(text: str) -> time | None:
    found = _TIME.fullmatch(text)
    return time(int(found[1]), int(found[2])) if found else None


def _gap(text: str) -> timedelta | None:
    found = _GAP.fullmatch(text.replace(" ", ""))
    if not found:
        return None
    days, hours, minutes = (int(part or 0) for part in found.groups())
    gap = timedelta(days=days, hours=hours, minutes=minutes)
    return gap if gap <= _LONGEST_GAP else None


def _zone(text: str) -> str | None:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return text
