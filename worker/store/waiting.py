"""Waiting for a reflection: what a course that waits needs of the ledger, and what ends a wait.

``enrollments.waits_on`` names the lesson. It is set when the lesson was handed over without a
reflection on it, and emptied by one, by whoever goes on all the same, and by the next letter's
claim. A reminder that is not waited for any more is skipped where it stands before its gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from worker.model import OPEN_STATES, DeliveryState, EnrollmentState, PublishedCourse
from worker.pacing import Run, in_place_of_nudge, plan_after, slot_once_reflected
from worker.progress import called_now, is_nudge, lesson_of
from worker.store.editions import Editions
from worker.store.runs import history, hours_of, reflected, run_of, runs
from worker.store.schema import courses, deliveries, enrollments
from worker.store.types import Record, those

THEY_ANSWERED = "they answered before it was handed over"
NOT_WAITED_FOR = "their reflection is not waited for any more"


def release_wait(
    connection: Connection,
    editions: Editions,
    enrollment_id: int,
    letter_key: str,
    now: datetime,
) -> bool:
    """Go on with the next ordinary slot if the course waits for a reflection on this very letter.

    To be called after a reflection was kept, in its transaction: one of somebody else, or of a
    former run, ends no wait. A reminder past its gate still arrives, and the next letter keeps its
    distance from it.

    Args:
        connection: a writing transaction.
        editions: the shelf.
        enrollment_id: whose reflection came.
        letter_key: what it is about, under any name the lesson had; its reminder's will do.
        now: the calendar's instant.

    Returns:
        Whether a wait ended.
    """
    row = _locked(connection, enrollment_id)
    if row is None or row.waits_on is None:
        return False
    course = editions.edition(connection, row.edition_id)
    renames = dict(course.renames)
    lesson = called_now(renames, row.waits_on)
    if lesson != called_now(renames, lesson_of(letter_key)):
        return False
    if lesson not in reflected(connection, editions, [row.id]).get(row.id, ()):
        return False
    run, under_way = _run(connection, course, row)
    end_waits(connection, [row.id])
    if under_way is not None and not skip_nudge(connection, under_way, now, THEY_ANSWERED):
        return True
    if row.state == EnrollmentState.ACTIVE and run.last is not None:
        put_off(connection, [(row.id, slot_once_reflected(hours_of(row), course, run, now))])
    return True


def replan(connection: Connection, editions: Editions, enrollment_id: int, now: datetime) -> None:
    """Set anew when the next letter is due, after a person's hour or zone was changed.

    A wait goes on by the new hour. What is under way, frozen or over stays as it is.
    """
    row = _locked(connection, enrollment_id)
    if row is None or row.next_at is None:
        return
    course = editions.edition(connection, row.edition_id)
    run, _ = _run(connection, course, row)
    put_off(connection, [(row.id, plan_after(hours_of(row), course, run, not_before=now).first_at)])


def skip_nudge(connection: Connection, delivery: Record, now: datetime, why: str) -> bool:
    """Skip a delivery if it is a reminder that is not past its gate; tell whether it was."""
    if not is_nudge(delivery.letter_key):
        return False
    skipped = connection.execute(
        update(deliveries)
        .where(
            deliveries.c.id == delivery.id,
            deliveries.c.state.in_((DeliveryState.PLANNED, DeliveryState.CLAIMED)),
        )
        .values(
            state=DeliveryState.SKIPPED,
            owner=None,
            lease_until=None,
            retry_at=None,
            settled_at=now,
            detail=why,
        )
    )
    return skipped.rowcount == 1


def still_wanted(
    connection: Connection, editions: Editions, nudges: Sequence[Record], now: datetime
) -> list[Record]:
    """Return those planned reminders that are still to be sent; the others are skipped."""
    wanted = []
    known = runs(connection, editions, [row.enrollment_id for row in nudges])
    for row in nudges:
        hours, course, run = known[row.enrollment_id]
        lesson = lesson_of(called_now(dict(course.renames), row.letter_key))
        plan = in_place_of_nudge(hours, course, run, lesson, now)
        if plan is None:
            wanted.append(row)
            continue
        skip_nudge(connection, row, now, NOT_WAITED_FOR)
        put_off(connection, [(row.enrollment_id, plan.letter_at)])
    return wanted


def end_waits(connection: Connection, enrollment_ids: Iterable[int]) -> None:
    """Let nobody of these wait any longer; when their next letter is due stays as it is."""
    ids = list(enrollment_ids)
    if ids:
        connection.execute(_END, {"ids": ids})


def put_off(connection: Connection, due_at: Sequence[tuple[int, datetime]]) -> None:
    """Set when the next letter of each of these enrollments is due."""
    if due_at:
        connection.execute(_PUT_OFF, [{"which": which, "at": at} for which, at in due_at])


def _locked(connection: Connection, enrollment_id: int) -> Record | None:
    return connection.execute(_LOCKED, {"which": enrollment_id}).one_or_none()


def _run(
    connection: Connection, course: PublishedCourse, enrollment: Record
) -> tuple[Run, Record | None]:
    """Return the present run and the delivery that is under way."""
    rows = history(connection, [enrollment.id])[enrollment.id]
    under_way = next((row for row in rows if row.state in OPEN_STATES), None)
    return run_of(course, enrollment.waits_on, rows), under_way


_LOCKED = (
    select(enrollments, courses.c.edition_id)
    .join(courses, courses.c.id == enrollments.c.course_id)
    .where(enrollments.c.id == bindparam("which"))
    .with_for_update(of=enrollments)
)

_END = update(enrollments).where(enrollments.c.id.in_(those())).values(waits_on=None)

_PUT_OFF = (
    update(enrollments)
    .where(enrollments.c.id == bindparam("which"))
    .values(next_at=bindparam("at"))
)
