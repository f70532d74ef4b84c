"""The calendar to come: what one person will get and when, if nothing comes between.

``project`` is pure; ``projection`` asks it about an enrollment of the ledger.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from course.model import NUDGE, Kind
from worker.model import OPEN_STATES, EnrollmentState, PublishedCourse
from worker.store.editions import Editions, kind_of
from worker.store.pacing import Handed, Hours, Plan, Run, plan_after, run_of
from worker.store.progress import called_now, is_nudge, lesson_of, next_key
from worker.store.runs import history, reflected
from worker.store.schema import courses, enrollments

Calendar = tuple[tuple[str, datetime], ...]
"""Pairs of a letter's key and when it is due."""


def project(
    course: PublishedCourse,
    hours: Hours,
    run: Run,
    *,
    due_at: datetime,
    now: datetime,
    reflected_on: Collection[str] = (),
    under_way: str | None = None,
) -> Calendar:
    """Return the letters to come, each with when it will be sent; reminders are none of them.

    Every letter is taken to be sent the moment it is due, the welcome at ``due_at`` or now. Waits
    are counted with their full days, unless there is a reflection on their lesson already.

    Args:
        course: the newest edition, or one that is not published.
        hours: the person's own.
        run: what they were sent so far; empty for somebody new.
        due_at: when the ledger looks at them next.
        now: nothing is due earlier.
        reflected_on: keys of lessons with a reflection.
        under_way: the key of a letter that was made and is not sent yet.
    """
    calendar: list[tuple[str, datetime]] = []
    at, key = max(due_at, now), under_way
    while True:
        if key is None:
            plan = plan_after(hours, course, run).looked_at(at) if run.waits_on else Plan(at)
            at, key = plan.first_at, _next(course, run, plan)
        if key is None:
            return tuple(calendar)
        if not is_nudge(key):
            calendar.append((key, at))
            if key == course.keys[-1]:
                return tuple(calendar)
        run = _handed(course, run, key, at, waits=key not in reflected_on)
        at, key = plan_after(hours, course, run).first_at, None


def projection(
    connection: Connection, editions: Editions, enrollment_id: int, now: datetime
) -> Calendar:
    """Return the letters that are to come for an enrollment; empty where its course stands still.

    A letter that was refused for now is taken to be sent when it is tried again.
    """
    enrollment = connection.execute(
        select(enrollments, courses.c.edition_id)
        .join(courses, courses.c.id == enrollments.c.course_id)
        .where(enrollments.c.id == enrollment_id)
    ).one_or_none()
    if enrollment is None or enrollment.state != EnrollmentState.ACTIVE:
        return ()
    rows = history(connection, [enrollment_id])[enrollment_id]
    course = editions.edition(connection, enrollment.edition_id)
    under_way = next((row for row in rows if row.state in OPEN_STATES), None)
    due_at, key = enrollment.next_at, None
    if under_way is not None:
        due_at, key = under_way.retry_at, called_now(dict(course.renames), under_way.letter_key)
    return project(
        course,
        Hours(enrollment.zone, enrollment.send_at, enrollment.start),
        run_of(course, enrollment.waits_on, rows),
        due_at=due_at or now,
        now=now,
        reflected_on=reflected(connection, editions, [enrollment_id]).get(enrollment_id, ()),
        under_way=key,
    )


def _next(course: PublishedCourse, run: Run, plan: Plan) -> str | None:
    """Return what the ledger makes when the plan's first thing is due."""
    if plan.nudge_at is not None and plan.waits_on is not None:
        return plan.waits_on + NUDGE
    return next_key(course.keys, course.renames, [each.key for each in run.handed])


def _handed(course: PublishedCourse, run: Run, key: str, at: datetime, *, waits: bool) -> Run:
    handed = (*run.handed, Handed(key, _kind(course, key), at))
    if is_nudge(key):
        return replace(run, handed=handed, nudged=run.nudged | {lesson_of(key)})
    return replace(run, handed=handed, waits_on=key if waits and key in course.waits else None)


def _kind(course: PublishedCourse, key: str) -> Kind:
    return Kind.LESSON if is_nudge(key) else kind_of(course, key)
