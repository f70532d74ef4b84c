"""What was published, as far as rows and workers need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from course.model import Edition, Letter, Schedule, Sender


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a course waits for a reflection on one lesson.

    Attributes:
        days: after so many the next letter comes without one.
        nudge_days: after so many a reminder comes; ``None``: never.
        nudge_id: the stored letter of that reminder; ``None`` without one.
    """

    days: int
    nudge_days: int | None = None
    nudge_id: int | None = None


class Syllabus(Protocol):
    """What decides who gets which letter when; of an edition that is published, or is not."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Letter keys in order, welcome first, finale last."""

    @property
    def schedule(self) -> Schedule:
        """When letters may be sent, for what a person left open."""

    @property
    def renames(self) -> tuple[tuple[str, str], ...]:
        """Pairs of (former key, key)."""

    @property
    def waits(self) -> Mapping[str, Wait]:
        """By key, the lessons after which the course waits for a reflection."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """The syllabus of an edition that nobody has published, or not yet."""

    keys: tuple[str, ...]
    schedule: Schedule
    renames: tuple[tuple[str, str], ...] = ()
    waits: Mapping[str, Wait] = field(default_factory=dict)


def syllabus_of(edition: Edition) -> Proposed:
    """Return the syllabus of a compiled edition, by its own renames alone."""
    return Proposed(
        keys=tuple(letter.key for letter in edition.letters),
        schedule=edition.schedule,
        renames=edition.renames,
        waits={key: Wait(wait.days, wait.nudge_days) for key, wait in edition.waits.items()},
    )


@dataclass(frozen=True, slots=True)
class PublishedCourse:
    """A course's newest edition without its letters' bytes.

    Attributes:
        keys: letter keys in order, welcome first, finale last.
        letter_ids: the stored letters' ids, in the same order.
        renames: pairs of (former key, key).
        language: BCP 47 tag of its letters.
        waits: by key, the lessons after which the course waits for a reflection.
    """

    slug: str
    title: str
    edition_id: int
    digest: str
    sender: Sender
    schedule: Schedule
    keys: tuple[str, ...]
    letter_ids: tuple[int, ...]
    renames: tuple[tuple[str, str], ...]
    language: str = "en"
    waits: Mapping[str, Wait] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A published letter with what composing needs of its edition.

    Attributes:
        linked: ids of the stored letters that it links to, by key; empty for most.
    """

    id: int
    course: str
    course_title: str
    sender: Sender
    letter: Letter
    linked: Mapping[str, int] = field(default_factory=dict)
