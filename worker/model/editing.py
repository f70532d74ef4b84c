"""What an edit of a course means for the people who take it, before it is published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from worker.model.states import EnrollmentState


class Change(StrEnum):
    """What an edit does to one letter."""

    INSERTED = "inserted"
    REMOVED = "removed"
    RENAMED = "renamed"
    MOVED = "moved"
    REWORDED = "reworded"
    RESHAPED = "reshaped"


@dataclass(frozen=True, slots=True)
class LetterEdit:
    """What an edit does to one letter.

    Attributes:
        letter: its key in the new edition; of a removed one the key it had.
        was: the key it had in the newest published edition; ``None`` where it is new.
        changes: at least one. ``REWORDED``: its own words or its subject; ``RESHAPED``: anything
            else that a reader could see, such as its number, its question or its design.
    """

    letter: str
    was: str | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class SettingEdit:
    """One line of the manifest with what it said and says; ``None`` where it is not there.

    Attributes:
        name: as in the manifest, such as ``schedule.days`` or ``goals.wait_days``.
    """

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an edition is not published, and what to do about it."""

    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Coming:
    """A letter to come for some people: when the first and the last of them get it.

    Attributes:
        earliest, latest: ``None`` while nobody can know, because their course stands still.
    """

    letter: str
    earliest: datetime | None
    latest: datetime | None


@dataclass(frozen=True, slots=True)
class Passed:
    """A letter of the new edition that some people will not get, and why."""

    letter: str
    why: str


@dataclass(frozen=True, slots=True)
class Cohort:
    """People who stand in the same place of a course, and what an edit means for them.

    Attributes:
        people: how many.
        state: ``active``, ``paused`` or ``held``.
        had: keys of what they got in this run, in the published course's order.
        under_way: key of a letter that was made for them and is not sent yet.
        waits_on: the lesson whose reflection their next letter waits for.
        before: what they get if nothing is published, in order; reminders are not among it.
        after: what they get with the edit.
        gained: keys that only ``after`` has, as they are called then.
        lost: keys that only ``before`` has, as they are called before.
        passed: letters of the new edition that come too late for them.
    """

    people: int
    state: EnrollmentState
    had: tuple[str, ...]
    under_way: str | None
    waits_on: str | None
    before: tuple[Coming, ...]
    after: tuple[Coming, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    passed: tuple[Passed, ...]


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """What publishing an edition would do; nothing of it is done.

    Attributes:
        course: the slug.
        digest: of the edition that would be published.
        newest: digest of the one that is; ``None`` where there is none.
        changed: publishing would make a new edition.
        refused: why it would not be published; empty where it would be.
        letters: letters that are not as they were; the others are left out.
        settings: what else is not as it was.
        people: how many people's course goes on.
        cohorts: all of them, those who had least first; empty where nobody asked for people.
        completed: people whose course is over and stays so.
        stopped: people who left the course.
    """

    course: str
    digest: str
    newest: str | None
    changed: bool
    refused: tuple[Refusal, ...]
    letters: tuple[LetterEdit, ...]
    settings: tuple[SettingEdit, ...]
    people: int
    cohorts: tuple[Cohort, ...]
    completed: int
    stopped: int
