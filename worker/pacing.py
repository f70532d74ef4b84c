"""How one hand-over sets the time of the next, on each person's own clock; no database here.

Where a course waits for a reflection, two things may fall due after a lesson: its reminder, and
the next letter when the wait is over. A reflection, or a person who wants to go on, ends the wait.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time

from course.model import Kind, Schedule
from worker.model import Syllabus
from worker.schedule import next_slot, welcome_at


@dataclass(frozen=True, slots=True)
class Hours:
    """One person's own choices; ``None`` is the course's."""

    zone: str | None = None
    send_at: time | None = None
    start: date | None = None


@dataclass(frozen=True, slots=True)
class Handed:
    """One hand-over: the letter by the key it has now, what it was, and when."""

    key: str
    kind: Kind
    at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """What pacing needs to know of one run of a course; every key is the one used now.

    Attributes:
        handed: hand-overs that pace the course, reminders included.
        nudged: lessons whose reminder was made, whatever became of it: there is one at most.
        waits_on: the one of them whose reflection the next letter waits for.
    """

    handed: tuple[Handed, ...] = ()
    nudged: frozenset[str] = frozenset()
    waits_on: str | None = None

    @property
    def last(self) -> Handed | None:
        """The newest hand-over."""
        return max(self.handed, key=lambda each: each.at, default=None)


@dataclass(frozen=True, slots=True)
class Plan:
    """When the next things fall due.

    Attributes:
        letter_at: the course's next letter, where no reflection comes before.
        nudge_at: the reminder, earlier than that; ``None`` where none comes.
        waits_on: the lesson whose reflection the letter waits for; ``None`` for none.
    """

    letter_at: datetime
    nudge_at: datetime | None = None
    waits_on: str | None = None

    @property
    def first_at(self) -> datetime:
        """When the first of them falls due."""
        return self.nudge_at or self.letter_at

    def nudges(self, now: datetime) -> bool:
        """Tell whether the reminder is due; not when the wait is over anyway."""
        return self.nudge_at is not None and self.nudge_at <= now < self.letter_at

    def looked_at(self, due_at: datetime) -> Plan:
        """Return the plan as it comes true if the ledger looks at it at ``due_at``."""
        if self.first_at > due_at:
            return self
        if self.nudges(due_at):
            return replace(self, nudge_at=due_at)
        return Plan(due_at, None, self.waits_on)


def slot_after(
    hours: Hours,
    schedule: Schedule,
    *,
    handed_at: datetime | None,
    kind: Kind | None,
    not_before: datetime,
    dates_later: int = 1,
) -> datetime:
    """Return when the next letter is due.

    Args:
        hours: the person's own.
        schedule: the newest edition's, for what the person left open.
        handed_at: the run's last hand-over; ``None`` before the welcome's.
        kind: what was handed over then.
        not_before: when sending may go on.
        dates_later: the least number of local dates behind that hand-over.
    """
    send_at = hours.send_at or schedule.send_at
    zone = hours.zone or schedule.timezone
    if handed_at is None:
        return welcome_at(not_before, hours.start, send_at, zone)
    return next_slot(
        handed_at,
        schedule,
        send_at=send_at,
        zone=zone,
        after_welcome=kind is Kind.WELCOME,
        not_before=not_before,
        dates_later=dates_later,
    )


def plan_after(
    hours: Hours,
    course: Syllabus,
    run: Run,
    not_before: datetime | None = None,
) -> Plan:
    """Return when the next letter falls due, and a reminder before it.

    A wait counts from its lesson's hand-over and is the newest edition's; where that has no such
    lesson, or does not wait for it, the next letter has its ordinary slot.

    Args:
        hours: the person's own.
        course: the newest edition.
        run: what was handed over, and what is waited for.
        not_before: when sending may go on; by default at once. Needed while nothing counts as
            handed over: nothing was yet, or the provider dropped all of it.

    Raises:
        ValueError: there is neither a hand-over nor ``not_before`` to count from.
    """
    last = run.last
    if last is None:
        if not_before is None:
            raise ValueError("there is nothing that the next letter could come after")
        schedule = course.schedule
        return Plan(slot_after(hours, schedule, handed_at=None, kind=None, not_before=not_before))
    earliest = not_before or last.at

    def slot(behind: Handed, dates_later: int = 1) -> datetime:
        return slot_after(
            hours,
            course.schedule,
            handed_at=behind.at,
            kind=behind.kind,
            not_before=earliest,
            dates_later=dates_later,
        )

    ordinary = slot(last)
    lesson = next((each for each in run.handed if each.key == run.waits_on), None)
    wait = course.waits.get(lesson.key) if lesson else None
    if lesson is None or wait is None:
        return Plan(ordinary)
    over = max(ordinary, slot(lesson, wait.days))
    nudge_at = None
    if wait.nudge_days and lesson.key not in run.nudged:
        nudge_at = max(ordinary, slot(lesson, wait.nudge_days))
    return Plan(over, nudge_at if nudge_at and nudge_at < over else None, lesson.key)


def slot_once_reflected(hours: Hours, course: Syllabus, run: Run, now: datetime) -> datetime:
    """Return when the next letter falls due after a reflection that came ``now``.

    That is the next ordinary slot, and never later than without the reflection.
    """
    free = plan_after(hours, course, Run(run.handed), not_before=now)
    return min(free.letter_at, plan_after(hours, course, run).letter_at)


def in_place_of_nudge(
    hours: Hours, course: Syllabus, run: Run, lesson: str, now: datetime
) -> Plan | None:
    """Return how a course goes on whose reminder is not wanted any more; ``None``: it still is.

    Args:
        hours: the person's own.
        course: the newest edition.
        run: in which the reminder was made.
        lesson: what it reminds of.
        now: when the reminder would be sent.
    """
    without = replace(run, nudged=run.nudged - {lesson})
    plan = plan_after(hours, course, without, not_before=None if run.last else now)
    if plan.waits_on == lesson and plan.nudge_at and now < plan.letter_at:
        return None
    return plan if plan.waits_on else plan_after(hours, course, run, not_before=now)
