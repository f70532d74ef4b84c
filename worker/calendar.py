"""The calendar to come: which letters somebody will get and when, if nothing comes between.

There is one for the whole house: the ledger's projection of a person, ``publish --plan``,
``simulate`` and the preview all go by ``walk``. It is pure: no clock and no database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from course.model import NUDGE, Kind
from worker.model import Syllabus
from worker.pacing import Handed, Hours, Plan, Run, in_place_of_nudge, plan_after
from worker.progress import is_nudge, kind_of, lesson_of, next_key
from worker.schedule import AFTER_WELCOME, Unfit, find_zone, localise, slots


@dataclass(frozen=True, slots=True)
class Step:
    """One letter or reminder of a walk through a course.

    Attributes:
        key: the letter's, ``LESSON~nudge`` for a reminder.
        at: when it is sent, in UTC.
        before: the run as it was until then.
    """

    key: str
    at: datetime
    before: Run


class Unusual(StrEnum):
    """What is not as on an ordinary day."""

    CLOCK_GAP = "clock_gap"
    CLOCK_TWICE = "clock_twice"
    WEEKDAY = "weekday"
    MINIMUM_GAP = "minimum_gap"
    REFLECTION = "reflection"
    REMINDER = "reminder"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a letter comes when it comes: a word for programs, a sentence for people."""

    what: Unusual
    why: str


@dataclass(frozen=True, slots=True)
class Planned:
    """One line of a person's calendar.

    Attributes:
        key: the letter's, ``LESSON~nudge`` for a reminder.
        at: when it is sent, in UTC; without a reflection, where the course waits for one.
        local: the same instant on the person's clock, with its offset.
        reasons: what is unusual about it; empty on an ordinary day.
        waits_for: the lesson whose reflection it waits for.
        earliest: when it comes if that reflection comes at once, in UTC.
    """

    key: str
    kind: Kind
    at: datetime
    local: datetime
    reasons: tuple[Reason, ...] = ()
    waits_for: str | None = None
    earliest: datetime | None = None


def calendar(
    course: Syllabus, start: date | datetime, zone: str, send_at: time | None = None
) -> tuple[Planned, ...]:
    """Return everything that one person will get, reminders included, if they never reply.

    Args:
        course: a published course, or ``syllabus_of`` a compiled edition.
        start: a date: the welcome comes on it at the send time, as with ``start`` in a list. A
            datetime: the instant at which they join; a naive one by the person's own clock.
        zone: the person's IANA zone.
        send_at: the person's own send time; the course's without one.

    Raises:
        LettercourseError: unknown zone.
    """
    clock = find_zone(zone)
    if isinstance(start, datetime):
        hours = Hours(zone, send_at)
        joined = start if start.tzinfo else localise(start.date(), start.time(), zone)
        joined = joined.astimezone(UTC)
    else:
        hours = Hours(zone, send_at, start)
        joined = localise(start, send_at or course.schedule.send_at, zone)
    return tuple(
        _planned(course, hours, step, clock)
        for step in walk(course, hours, Run(), due_at=joined, now=joined)
    )


def walk(
    course: Syllabus,
    hours: Hours,
    run: Run,
    *,
    due_at: datetime,
    now: datetime,
    reflected_on: Collection[str] = (),
    under_way: str | None = None,
) -> Iterator[Step]:
    """Yield the letters and reminders to come, each with when it will be sent.

    Every letter is taken to be sent the moment it is due, the welcome at ``due_at`` or now. Waits
    are counted with their full days, unless there is a reflection on their lesson already.

    Args:
        course: the newest edition, or one that is not published.
        hours: the person's own.
        run: what they were sent so far; empty for somebody new.
        due_at: when the ledger looks at them next.
        now: nothing is due earlier.
        reflected_on: keys of lessons with a reflection.
        under_way: the key of a letter that was made and is not sent yet, as it is called now.
    """
    at, key = max(due_at, now), under_way
    if key is not None and is_nudge(key):
        instead = in_place_of_nudge(hours, course, run, lesson_of(key), at)
        at, key = (at, key) if instead is None else (max(at, instead.letter_at), None)
    elif key not in course.keys:
        key = None
    while True:
        if key is None:
            plan = plan_after(hours, course, run).looked_at(at) if run.waits_on else Plan(at)
            at, key = plan.first_at, _next(course, run, plan)
        if key is None:
            return
        yield Step(key, at, run)
        if key == course.keys[-1]:
            return
        run = _handed(course, run, key, at, waits=key not in reflected_on)
        at, key = plan_after(hours, course, run).first_at, None


def _next(course: Syllabus, run: Run, plan: Plan) -> str | None:
    """Return what the ledger makes when the plan's first thing is due."""
    if plan.nudge_at is not None and plan.waits_on is not None:
        return plan.waits_on + NUDGE
    return next_key(course.keys, course.renames, [each.key for each in run.handed])


def _handed(course: Syllabus, run: Run, key: str, at: datetime, *, waits: bool) -> Run:
    handed = (*run.handed, Handed(key, kind_of(course.keys, key), at))
    if is_nudge(key):
        return replace(run, handed=handed, nudged=run.nudged | {lesson_of(key)})
    return replace(run, handed=handed, waits_on=key if waits and key in course.waits else None)


def _planned(course: Syllabus, hours: Hours, step: Step, clock: ZoneInfo) -> Planned:
    """Return a step as a line of the calendar."""
    lesson = step.before.waits_on
    waits_for = earliest = None
    reasons: list[Reason] = []
    if lesson is not None and not is_nudge(step.key):
        waits_for = lesson
        earliest = plan_after(hours, course, _at_once(step.before)).letter_at
        days = course.waits[lesson].days
        reasons.append(
            Reason(
                Unusual.REFLECTION,
                f"waits {_days(days)} for a reflection on {lesson}; "
                f"with one at once it comes {_shown(earliest, clock)}",
            )
        )
    elif lesson is not None:
        days = course.waits[lesson].nudge_days or 0
        reasons.append(
            Reason(
                Unusual.REMINDER,
                f"reminds of {lesson} if no reflection came within {_days(days)}",
            )
        )
    reasons += _passed_over(course, hours, step)
    if step.before.handed or hours.start is not None:
        reasons += _on_the_clock(step.at, hours.send_at or course.schedule.send_at, clock)
    return Planned(
        key=step.key,
        kind=kind_of(course.keys, step.key),
        at=step.at,
        local=step.at.astimezone(clock),
        reasons=tuple(reasons),
        waits_for=waits_for,
        earliest=earliest,
    )


def _at_once(run: Run) -> Run:
    """Return a run as it would have been with a reflection right after the lesson's hand-over."""
    return Run(tuple(each for each in run.handed if not is_nudge(each.key)))


def _passed_over(course: Syllabus, hours: Hours, step: Step) -> Iterator[Reason]:
    """Yield why slots were passed over before this one."""
    behind, dates_later = _counted_from(course, step)
    if behind is None:
        return
    schedule = course.schedule
    local = behind.at.astimezone(find_zone(hours.zone or schedule.timezone))
    closed: dict[str, None] = {}
    for slot, unfit in slots(
        behind.at,
        schedule,
        send_at=hours.send_at or schedule.send_at,
        zone=hours.zone or schedule.timezone,
        after_welcome=behind.kind is Kind.WELCOME,
        dates_later=dates_later,
    ):
        if slot >= step.at:
            break
        shown = slot.astimezone(local.tzinfo)
        if unfit is Unfit.WEEKDAY:
            closed[f"{shown:%A}s"] = None
        elif unfit is Unfit.GAP:
            gap = AFTER_WELCOME if behind.kind is Kind.WELCOME else schedule.minimum_gap
            why = f"{shown:%A %H:%M} is less than {_hours(gap)} after {behind.key}"
            yield Reason(Unusual.MINIMUM_GAP, why)
    if closed:
        yield Reason(Unusual.WEEKDAY, f"no letters on {_listed([*closed])} in this course")


def _counted_from(course: Syllabus, step: Step) -> tuple[Handed | None, int]:
    """Return the hand-over that a step's date is counted from, and by how many dates."""
    run = step.before
    last = run.last
    lesson = next((each for each in run.handed if each.key == run.waits_on), None)
    wait = course.waits.get(lesson.key) if lesson else None
    if lesson is None or wait is None:
        return last, 1
    return lesson, (wait.nudge_days or 1) if is_nudge(step.key) else wait.days


def _on_the_clock(at: datetime, send_at: time, clock: ZoneInfo) -> Iterator[Reason]:
    """Yield what the local clock did at a slot."""
    local = at.astimezone(clock)
    if local.time() != send_at:
        yield Reason(
            Unusual.CLOCK_GAP, f"{send_at:%H:%M} does not exist on this date: clocks go forward"
        )
    elif local.replace(fold=1).utcoffset() != local.replace(fold=0).utcoffset():
        yield Reason(
            Unusual.CLOCK_TWICE,
            f"{send_at:%H:%M} occurs twice on this date: clocks go back; this is the first",
        )


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _hours(gap: timedelta) -> str:
    hours = gap / timedelta(hours=1)
    return "1 hour" if hours == 1 else f"{hours:g} hours"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _shown(at: datetime, clock: ZoneInfo) -> str:
    return f"{at.astimezone(clock):%a %Y-%m-%d %H:%M}"
