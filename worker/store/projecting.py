"""What one person of the ledger will get and when, if nothing comes between."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from worker.calendar import walk
from worker.model import OPEN_STATES, EnrollmentState
from worker.progress import called_now, is_nudge
from worker.store.editions import Editions
from worker.store.runs import history, hours_of, reflected, run_of
from worker.store.schema import courses, enrollments

Calendar = tuple[tuple[str, datetime], ...]
"""Pairs of a letter's key and when it is due."""


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
    steps = walk(
        course,
        hours_of(enrollment),
        run_of(course, enrollment.waits_on, rows),
        due_at=due_at or now,
        now=now,
        reflected_on=reflected(connection, editions, [enrollment_id]).get(enrollment_id, ()),
        under_way=key,
    )
    return tuple((step.key, step.at) for step in steps if not is_nudge(step.key))
