"""What somebody typed into the form becomes a person, or the fields that need a second look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from course.catalogue import translations
from course.errors import LettercourseError
from worker.lists import normalise_address
from worker.lists.person import read_name
from worker.model import Person
from worker.schedule import find_zone

T = TypeVar("T")

TRAP = "subject"
"""The field that people do not see: whoever fills it in is a program."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A filled-in form.

    Attributes:
        person: ``None`` when a field needs a second look.
        faults: names of those fields.
        trapped: a program filled it in.
    """

    person: Person | None
    faults: frozenset[str]
    trapped: bool


def read_wish(fields: Mapping[str, str]) -> Wish:
    """Return what a form says; addresses, names and zones go by the rules of lists."""
    faults: set[str] = set()

    def read(field: str, reader: Callable[[str], T]) -> T | None:
        text = fields.get(field, "").strip()
        try:
            return reader(text) if text else None
        except LettercourseError:
            faults.add(field)
            return None

    address = read("email", normalise_address)
    name = read("name", read_name)
    timezone = read("timezone", lambda text: find_zone(text).key)
    if address is None:
        faults.add("email")
    person = None if address is None or faults else Person(address, name or "", timezone)
    return Wish(person, frozenset(faults), trapped=bool(fields.get(TRAP, "").strip()))


def consent_text(title: str, language: str) -> str:
    """Return what somebody agrees to who sends the form, as it stands there and as it is kept."""
    text = translations(language).gettext(
        "Yes, send me the course “{course}” by email, one letter at a time. I can stop at any "
        "time with one click in every letter."
    )
    return text.format(course=title)
