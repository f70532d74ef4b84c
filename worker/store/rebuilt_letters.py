"""Letters that only a journal knows were handed over: in doubt, and their courses go on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from course.model import Kind
from worker.journal import Gate
from worker.journal.entries import EDITION_DIGITS
from worker.model import PACING_STATES, DeliveryState, EnrollmentState, Verdict
from worker.pacing import Plan, slot_after
from worker.progress import called_now
from worker.store.claiming import delivery_id
from worker.store.editions import Editions
from worker.store.runs import history, hours_of, plans_after
from worker.store.schema import attempts, courses, deliveries, editions, enrollments, letters
from worker.store.types import Record

WHY_IN_DOUBT = "only the journal knows of its hand-over"
WHY_PASSED = "the course had gone on, by the journal"

_WAITING = (DeliveryState.PLANNED, DeliveryState.CLAIMED)


def letter_of(connection: Connection, shelf: Editions, gate: Gate) -> int | None:
    """Return the stored letter of a hand-over; where its edition is lost, the newest one's.

    ``None`` where no edition of the course that is here has such a letter.
    """
    exact = connection.scalar(
        select(letters.c.id)
        .join(editions, editions.c.id == letters.c.edition_id)
        .join(courses, courses.c.id == editions.c.course_id)
        .where(
            courses.c.slug == gate.course,
            letters.c.key == gate.key,
            func.substr(editions.c.digest, 1, EDITION_DIGITS) == gate.edition,
        )
    )
    if exact is not None:
        return int(exact)
    newest = connection.scalar(select(courses.c.edition_id).where(courses.c.slug == gate.course))
    if newest is None:
        return None
    key = called_now(dict(shelf.edition(connection, newest).renames), gate.key)
    found: int | None = connection.scalar(
        select(letters.c.id).where(letters.c.edition_id == newest, letters.c.key == key)
    )
    return found


def put_in_doubt(
    connection: Connection,
    installation: str,
    gate: Gate,
    enrollment_id: int,
    letter_id: int,
    now: datetime,
) -> int:
    """Record one hand-over of an enrollment that is there; return the attempt's id.

    Its delivery is in doubt from now on, unless the database knows something newer of it.
    """
    _come_to_run(connection, enrollment_id, gate.run, now)
    which = gate.delivery
    if enrollment_id != gate.enrollment:
        which = delivery_id(installation, enrollment_id, gate.run, gate.key)
    known = connection.execute(select(deliveries).where(deliveries.c.id == which)).one_or_none()
    if known is None:
        connection.execute(
            insert(deliveries).values(
                id=which,
                enrollment_id=enrollment_id,
                run=gate.run,
                letter_key=gate.key,
                letter_id=letter_id,
                state=DeliveryState.IN_DOUBT,
                epoch=1,
                due_at=gate.at,
                handed_at=gate.at,
                settled_at=now,
                attempts=gate.number,
                deferrals=0,
                detail=WHY_IN_DOUBT,
            )
        )
    elif _is_older(known, gate.at):
        _close_attempts(connection, which, now)
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == which)
            .values(
                state=DeliveryState.IN_DOUBT,
                epoch=known.epoch + 1,
                owner=None,
                lease_until=None,
                retry_at=None,
                handed_at=gate.at,
                settled_at=now,
                attempts=max(known.attempts, gate.number),
                detail=WHY_IN_DOUBT,
            )
        )
    return _record_attempt(connection, which, gate, now)


def pace_again(
    connection: Connection, shelf: Editions, enrollment_id: int, run: int, now: datetime
) -> None:
    """Let a course go on behind hand-overs of a run that were just recorded.

    What was still to be handed over lay before them: the journal saw the course go past it.
    """
    enrollment = connection.execute(
        select(enrollments).where(enrollments.c.id == enrollment_id)
    ).one()
    if enrollment.run > run:
        return
    of_these = deliveries.c.enrollment_id == enrollment_id
    connection.execute(
        update(deliveries)
        .where(of_these, deliveries.c.state.in_(_WAITING))
        .values(
            state=DeliveryState.SKIPPED,
            epoch=deliveries.c.epoch + 1,
            owner=None,
            lease_until=None,
            retry_at=None,
            settled_at=now,
            detail=WHY_PASSED,
        )
    )
    _doubt_what_was_under_way(connection, enrollment_id, now)
    rows = history(connection, [enrollment_id])[enrollment_id]
    is_handing = any(row.state == DeliveryState.HANDING for row in rows)
    if enrollment.state == EnrollmentState.STOPPED or is_handing:
        return
    handed = [row for row in rows if row.state in PACING_STATES]
    if not handed:
        return
    last = max(handed, key=lambda row: row.handed_at)
    state, plan = EnrollmentState(enrollment.state), None
    if any(row.kind == Kind.FINALE for row in handed):
        state = EnrollmentState.COMPLETED
    elif state in (EnrollmentState.ACTIVE, EnrollmentState.HELD, EnrollmentState.COMPLETED):
        state, plan = EnrollmentState.ACTIVE, _plan(connection, shelf, last)
    connection.execute(
        update(enrollments)
        .where(enrollments.c.id == enrollment_id)
        .values(
            state=state,
            next_at=plan.first_at if plan else None,
            waits_on=plan.waits_on if plan else None,
            changed_at=enrollment.changed_at if state == enrollment.state else now,
        )
    )


def _doubt_what_was_under_way(connection: Connection, enrollment_id: int, now: datetime) -> None:
    """Put in doubt what was being handed over before the newest hand-over: nobody settles it."""
    newest = (
        select(func.max(deliveries.c.handed_at))
        .where(deliveries.c.enrollment_id == enrollment_id, deliveries.c.state.in_(PACING_STATES))
        .scalar_subquery()
    )
    under_way = connection.scalars(
        select(deliveries.c.id).where(
            deliveries.c.enrollment_id == enrollment_id,
            deliveries.c.state == DeliveryState.HANDING,
            deliveries.c.handed_at < newest,
        )
    ).all()
    for which in under_way:
        _close_attempts(connection, which, now)
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == which)
            .values(
                state=DeliveryState.IN_DOUBT,
                epoch=deliveries.c.epoch + 1,
                owner=None,
                lease_until=None,
                settled_at=now,
                detail=WHY_PASSED,
            )
        )


def _close_attempts(connection: Connection, which: str, now: datetime) -> None:
    connection.execute(
        update(attempts)
        .where(attempts.c.delivery_id == which, attempts.c.outcome.is_(None))
        .values(outcome=Verdict.UNKNOWN, answered_at=now, detail=WHY_IN_DOUBT)
    )


def hand_overs_rebuilt(connection: Connection) -> set[str]:
    """Return the deliveries of which a hand-over was known to a journal alone."""
    return set(
        connection.scalars(select(attempts.c.delivery_id).where(attempts.c.detail == WHY_IN_DOUBT))
    )


def _plan(connection: Connection, shelf: Editions, last: Record) -> Plan:
    plan = plans_after(connection, shelf, [last]).get(last.id)
    if plan is not None:
        return plan
    slot = slot_after(
        hours_of(last),
        shelf.edition(connection, last.edition_id).schedule,
        handed_at=last.handed_at,
        kind=Kind(last.kind),
        not_before=last.handed_at,
    )
    return Plan(slot)


def _is_older(known: Record, at: datetime) -> bool:
    """Tell whether what the database knows of a delivery comes before a hand-over."""
    if known.state not in (DeliveryState.HANDING, *PACING_STATES):
        return True
    return bool(known.state != DeliveryState.SENT and known.handed_at < at)


def _come_to_run(connection: Connection, enrollment_id: int, run: int, now: datetime) -> None:
    """Let a course be in the run that the journal saw; whoever left stays away."""
    enrollment = connection.execute(
        select(enrollments.c.run, enrollments.c.state).where(enrollments.c.id == enrollment_id)
    ).one()
    if enrollment.run >= run:
        return
    began = enrollment.state in (EnrollmentState.COMPLETED, EnrollmentState.HELD)
    connection.execute(
        update(enrollments)
        .where(enrollments.c.id == enrollment_id)
        .values(
            run=run,
            state=EnrollmentState.ACTIVE if began else enrollment.state,
            next_at=None,
            waits_on=None,
            changed_at=now,
        )
    )


def _record_attempt(connection: Connection, which: str, gate: Gate, now: datetime) -> int:
    """Write the attempt; where another one has its id or number by now, one below all others."""
    taken = connection.scalar(select(attempts.c.id).where(attempts.c.id == gate.attempt))
    least = connection.scalar(select(func.min(attempts.c.id))) or 0
    theirs = connection.scalars(
        select(attempts.c.number).where(attempts.c.delivery_id == which)
    ).all()
    attempt_id = gate.attempt if taken is None else min(least, 0) - 1
    connection.execute(
        insert(attempts).values(
            id=attempt_id,
            delivery_id=which,
            number=gate.number if gate.number not in theirs else min(theirs) - 1,
            gated_at=gate.at,
            gated_wall=gate.at,
            deadline=gate.at,
            outcome=Verdict.UNKNOWN,
            detail=WHY_IN_DOUBT,
            answered_at=now,
        )
    )
    return attempt_id
