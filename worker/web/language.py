"""The language of a page: its phrases, and how it writes days and hours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from functools import cache
from gettext import NullTranslations
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import DateTimePattern, format_date, format_time, match_skeleton, parse_pattern

from course.catalogue import SOURCE, spoken, translations

_LONGEST_WISH = 1000


@dataclass(frozen=True, slots=True)
class Language:
    """What a page is written in, which is English where we do not speak the course's language.

    Attributes:
        tag: BCP 47, for ``lang``.
        direction: ``ltr`` or ``rtl``, for ``dir``.
    """

    tag: str
    direction: str
    catalogue: NullTranslations
    locale: Locale

    def day(self, at: datetime, zone: str) -> str:
        """Return the weekday, day and month of an instant where somebody lives."""
        return _written_out(self.locale).apply(at.astimezone(ZoneInfo(zone)), self.locale)

    def date(self, at: datetime, zone: str) -> str:
        """Return the date of an instant where somebody lives, with its year."""
        return format_date(at.astimezone(ZoneInfo(zone)).date(), "long", locale=self.locale)

    def hour(self, at: datetime, zone: str) -> str:
        """Return what clocks show at an instant where somebody lives."""
        return self.clock(at.astimezone(ZoneInfo(zone)).time())

    def clock(self, at: time) -> str:
        """Return a local time of day."""
        return format_time(at, "short", locale=self.locale)


@cache
def _written_out(locale: Locale) -> DateTimePattern:
    """Return the locale's order of weekday, day and month, with both names in full.

    Many locales know this order only with short names, and Babel then keeps to those.
    """
    known = locale.datetime_skeletons
    pattern = str(known[match_skeleton("MMMMEEEEd", known)])
    pattern = re.sub(r"E+|c+", "EEEE", pattern)
    return parse_pattern(re.sub(r"M{3,}|L{3,}", "MMMM", pattern))


@cache
def language_of(course_language: str) -> Language:
    """Return the language of pages about a course in a BCP 47 language."""
    tag = course_language if spoken(course_language) else SOURCE
    locale = _locale(tag)
    return Language(tag, locale.text_direction, translations(tag), locale)


def language_wished(headers: Mapping[str, str]) -> str:
    """Return what we speak of the languages that a browser asks for, by its preference.

    For pages that belong to no course, or to one that we could not find out.

    Args:
        headers: of the request, by lower-case names; Accept-Language (RFC 9110, 12.5.4) may hold
            anything.
    """
    accepted = headers.get("accept-language", "")[:_LONGEST_WISH]
    wishes: list[tuple[float, str]] = []
    for wish in accepted.split(","):
        tag, _, weight = wish.partition(";")
        found = re.fullmatch(r"\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", weight)
        wishes.append((float(found[1]) if found else 1.0, spoken(tag.strip())))
    wishes.sort(key=lambda wish: -wish[0])
    return next((tag for weight, tag in wishes if tag and weight), SOURCE)


def _locale(tag: str) -> Locale:
    """Return the locale of a tag, or of the nearest around it."""
    parts = tag.replace("_", "-").split("-")
    for length in range(len(parts), 0, -1):
        try:
            return Locale.parse("-".join(parts[:length]), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(SOURCE)
