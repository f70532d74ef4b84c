"""What a letter knows of the ones before it: the days reflected on, and in the finale the words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from course.letters.segments import Marks
from course.letters.wording import Wording
from course.letters.wrapping import hanging, wrap
from course.mail.own_words import WIDTH
from course.model import Course, Kind, Lesson


@dataclass(frozen=True, slots=True)
class Day:
    """One lesson in the rail at the top of a letter.

    Attributes:
        done: it has come, at the latest with this letter.
        reflected: the name of the section that is there if it was reflected on; empty where that
            cannot be yet.
        spoken: its title, closed like a sentence, to be read aloud in a row with others.
        listed: its title as an item of a list in the text part.
    """

    done: bool
    reflected: str
    spoken: str
    listed: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What the finale gives back of one letter.

    Attributes:
        reflected: the name of the section that is there if its reader replied to it.
        words: a mark for what they wrote.
    """

    reflected: str
    title: str
    prompt: str
    words: str


def rail(lesson: Lesson, course: Course) -> list[Day]:
    """Return the days of the course as they stand when ``lesson`` comes; at least one."""
    return [
        Day(
            done=day.number <= lesson.number,
            reflected=_section([day]) if day.number < lesson.number else "",
            spoken=day.title if day.title[-1] in ".?!…。？！" else f"{day.title}.",
            listed=hanging("- ", wrap(day.title, WIDTH - 2)),
        )
        for day in _days(course)
    ] or [Day(done=lesson.kind is Kind.FINALE, reflected="", spoken="", listed="")]


def any_day(lesson: Lesson, course: Course) -> str:
    """Return the name of the section that is there if any day before was; empty on the first."""
    return _section(day for day in _days(course) if day.number < lesson.number)


def given_back(course: Course, words: Wording, marks: Marks) -> list[Answered]:
    """Return the letters before the finale in order, the welcome among them."""
    return [
        Answered(
            reflected=_section([other]),
            title=words.welcome if other.kind is Kind.WELCOME else other.title,
            prompt=other.prompt,
            words=marks.lines(f"words:{other.key}"),
        )
        for other in course.lessons
        if other.kind is not Kind.FINALE
    ]


def anything(course: Course) -> str:
    """Return the name of the section that is there if there is something to give back."""
    return _section(other for other in course.lessons if other.kind is not Kind.FINALE)


def _days(course: Course) -> list[Lesson]:
    return [lesson for lesson in course.lessons if lesson.kind is Kind.LESSON]


def _section(lessons: Iterable[Lesson]) -> str:
    keys = ",".join(lesson.key for lesson in lessons)
    return f"reflected:{keys}" if keys else ""
