"""What was published, as far as rows and workers need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from course.model import Letter, Schedule, Sender


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
    """A published letter with what composing needs of its edition."""

    id: int
    course: str
    course_title: str
    sender: Sender
    letter: Letter
