"""One row's cells become a person, or the reasons why they cannot."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any
from unicodedata import category

from course.errors import LettercourseError
from worker.addresses import normalise_address
from worker.model import Person
from worker.schedule import find_zone

LONGEST_NAME = 200

_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::00)?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_YEARS = range(1970, 2200)


def read_person(cells: Mapping[str, str]) -> Person:
    """Return the person in a row's cells, given by our own names of the columns.

    A person is called by their first name where the list has it. Cells that are missing or blank
    leave the choice to the course.

    Raises:
        LettercourseError: with everything in the row that cannot be used.
    """
    found: dict[str, Any] = {}
    faults: list[str] = []
    for column, reader in _READERS.items():
        cell = cells.get(column)
        if not cell or cell.isspace() or (column == "name" and found.get("first_name")):
            continue
        try:
            found[column] = reader(cell)
        except LettercourseError as fault:
            faults.append(str(fault))
    if "email" not in found and not faults:
        faults.append("there is no email address")
    if faults:
        raise LettercourseError("; ".join(faults))
    return Person(
        found["email"],
        found.get("first_name") or found.get("name", ""),
        found.get("timezone"),
        found.get("send_at"),
        found.get("start"),
    )


def read_name(text: str) -> str:
    """Return a name on one line.

    Raises:
        LettercourseError: it is too long, or its letters cannot be read.
    """
    if not text.isprintable():  # or no character of it ends a line
        text = "".join(" " if _ends_line(each) else each for each in text)
    name = " ".join(text.split())
    if len(name) > LONGEST_NAME:
        raise LettercourseError(
            f"a name has {len(name)} characters", remedy=f"use {LONGEST_NAME} at most"
        )
    if "\ufffd" in name:
        raise LettercourseError(
            "a name has letters that cannot be read", remedy="export the list in UTF-8"
        )
    return name


def read_time(text: str) -> time:
    """Return a time of day such as 8:00 or 17:30.

    Raises:
        LettercourseError: it is not one.
    """
    clock = _CLOCK.fullmatch(text.strip())
    if clock is None or int(clock[1]) > 23 or int(clock[2]) > 59:
        raise LettercourseError(
            f'"{_short(text)}" is not a time', remedy="write it as 08:00 or 17:30"
        )
    return time(int(clock[1]), int(clock[2]))


def read_date(text: str) -> date:
    """Return a date such as 2030-12-31.

    Raises:
        LettercourseError: it is not one, or in no year that anybody means.
    """
    written = text.strip()
    try:
        day = date.fromisoformat(written) if _DATE.fullmatch(written) else None
    except ValueError:
        day = None
    if day is None or day.year not in _YEARS:
        raise LettercourseError(f'"{_short(text)}" is not a date', remedy="write it as 2030-12-31")
    return day


def _read_zone(text: str) -> str:
    return find_zone(text.strip()).key


_READERS: Mapping[str, Callable[[str], object]] = {
    "email": normalise_address,
    "first_name": read_name,
    "name": read_name,
    "timezone": _read_zone,
    "send_at": read_time,
    "start": read_date,
}
"""What reads each column; the first ones' faults are told first."""


def _ends_line(character: str) -> bool:
    return category(character) in {"Cc", "Zl", "Zp"}


def _short(text: str) -> str:
    shown = text.strip()
    return shown if len(shown) <= 80 else f"{shown[:79]}…"
