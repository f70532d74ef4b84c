"""What has happened in enrollments' present runs, and what falls due behind it; reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from course.model import Kind
from worker.model import PACING_STATES, PublishedCourse, Syllabus
from worker.pacing import Handed, Hours, Plan, Run, plan_after
from worker.progress import called_now, is_nudge, lesson_of
from worker.store.editions import Editions
from worker.store.engine import rows_of
from worker.store.given import among
from worker.store.schema import courses, deliveries, enrollments, letters, reflections
from worker.store.types import Record


def run_of(course: Syllabus, waits_on: str | None, rows: Iterable[Record]) -> Run:
    """Return a run from its deliveries.

    Args:
        course: the newest edition, for what keys are called now.
        waits_on: the enrollment's, as the lesson was called then.
        rows: with ``letter_key``, ``state``, ``handed_at`` and the letter's ``kind``.
    """
    renames = dict(course.renames)
    by_key = [(called_now(renames, row.letter_key), row) for row in rows]
    handed = tuple(
        Handed(key, Kind(row.kind), row.handed_at)
        for key, row in by_key
        if row.state in PACING_STATES
    )
    lesson = None if waits_on is None else called_now(renames, waits_on)
    return Run(
        handed,
        nudged=frozenset(lesson_of(key) for key, _ in by_key if is_nudge(key)),
        waits_on=lesson if lesson in {each.key for each in handed} else None,
    )


def hours_of(enrollment: Record) -> Hours:
    """Return a person's own choices from a row with ``zone``, ``send_at`` and ``start``."""
    return Hours(enrollment.zone, enrollment.send_at, enrollment.start)


def history(connection: Connection, enrollment_ids: Collection[int]) -> dict[int, list[Record]]:
    """Return the deliveries of these enrollments' present runs, in any order."""
    rows: dict[int, list[Record]] = defaultdict(list)
    if enrollment_ids:
        for row in connection.execute(_HISTORY, {"ids": list(enrollment_ids)}):
            rows[row.enrollment_id].append(row)
    return rows


def runs(
    connection: Connection, editions: Editions, enrollment_ids: Collection[int]
) -> dict[int, tuple[Hours, PublishedCourse, Run]]:
    """Return hours, newest edition and present run of each of these enrollments."""
    found = {}
    for enrollment_id, theirs in history(connection, enrollment_ids).items():
        any_of_them = theirs[0]
        course = editions.edition(connection, any_of_them.edition_id)
        found[enrollment_id] = (
            hours_of(any_of_them),
            course,
            run_of(course, any_of_them.waits_on, theirs),
        )
    return found


def plans(
    connection: Connection, editions: Editions, enrollment_ids: Collection[int]
) -> dict[int, Plan]:
    """Return when things fall due for enrollments that had a hand-over in their present run."""
    return {
        enrollment_id: plan_after(hours, course, run)
        for enrollment_id, (hours, course, run) in runs(
            connection, editions, enrollment_ids
        ).items()
        if run.last is not None
    }


def plans_after(
    connection: Connection, editions: Editions, handed: Sequence[Record]
) -> dict[str, Plan]:
    """Return when things fall due behind hand-overs that a course may wait on, by delivery.

    A lesson that is reflected on already is not waited on; a reminder goes on with its wait.

    Args:
        connection: a transaction in which the hand-overs are on record.
        editions: the shelf.
        handed: with ``id``, ``enrollment_id``, ``letter_key`` and ``edition_id``, the newest.
    """
    behind: dict[int, tuple[Record, str]] = {}
    for row in handed:
        course = editions.edition(connection, row.edition_id)
        key = called_now(dict(course.renames), row.letter_key) if course.waits else ""
        if lesson_of(key) in course.waits:
            behind[row.enrollment_id] = (row, key)
    answered = reflected(connection, editions, list(behind))
    plans = {}
    for enrollment_id, (hours, course, run) in runs(connection, editions, list(behind)).items():
        row, key = behind[enrollment_id]
        present = run
        if not is_nudge(key):
            waits = key not in answered.get(enrollment_id, ())
            present = replace(run, waits_on=key if waits else None)
        plans[row.id] = plan_after(hours, course, present)
    return plans


def reflected(
    connection: Connection, editions: Editions, enrollment_ids: Sequence[int]
) -> dict[int, tuple[str, ...]]:
    """Return the lessons that these enrollments' own people reflected on, in the present run.

    Keys are the ones used now, by when they were first written about.
    """
    keys: dict[int, dict[str, None]] = defaultdict(dict)
    for row in rows_of(connection, _REFLECTED, enrollment_ids):
        renames = dict(editions.edition(connection, row.edition_id).renames)
        keys[row.enrollment_id][called_now(renames, lesson_of(row.letter_key))] = None
    return {enrollment_id: tuple(theirs) for enrollment_id, theirs in keys.items()}


_HISTORY = (
    select(
        deliveries.c.id,
        deliveries.c.enrollment_id,
        deliveries.c.letter_key,
        deliveries.c.state,
        deliveries.c.retry_at,
        deliveries.c.deferrals,
        deliveries.c.handed_at,
        letters.c.kind,
        enrollments.c.waits_on,
        enrollments.c.zone,
        enrollments.c.send_at,
        enrollments.c.start,
        courses.c.edition_id,
    )
    .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
    .join(courses, courses.c.id == enrollments.c.course_id)
    .join(letters, letters.c.id == deliveries.c.letter_id)
    .where(among(enrollments.c.id), deliveries.c.run == enrollments.c.run)
)

_REFLECTED = (
    select(reflections.c.enrollment_id, reflections.c.letter_key, courses.c.edition_id)
    .join(enrollments, enrollments.c.id == reflections.c.enrollment_id)
    .join(courses, courses.c.id == enrollments.c.course_id)
    .where(
        among(enrollments.c.id),
        reflections.c.run == enrollments.c.run,
        reflections.c.from_subscriber,
    )
    .order_by(reflections.c.received_at, reflections.c.id)
)
