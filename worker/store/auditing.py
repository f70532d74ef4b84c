"""The audit: every promise that the ledger can check, checked on the rows themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import groupby, pairwise

from sqlalchemy import Connection, exists, func, select

from course.model import Kind
from worker.model import (
    OPEN_STATES,
    PACING_STATES,
    Audit,
    DeliveryState,
    EnrollmentState,
    News,
)
from worker.schedule import AFTER_WELCOME
from worker.store.fate import strongest
from worker.store.news import heard_of, of_newest
from worker.store.progress import called_now, lesson_of
from worker.store.schema import (
    attempts,
    courses,
    deliveries,
    editions,
    enrollments,
    events,
    letters,
    reflections,
    subscribers,
)
from worker.store.wishes import asked_next, came_early

NAMED = 20
"""Violations of one kind that are written out; the rest is counted."""


def audit(connection: Connection) -> Audit:
    """Count what is owed and look for broken promises; reads every delivery."""
    by_state = select(deliveries.c.state, func.count().label("n")).group_by(deliveries.c.state)
    counts: dict[str, int] = {row.state: row.n for row in connection.execute(by_state)}
    violations = [line for check in CHECKS for line in _named(check(connection))]
    return Audit(
        owed=sum(counts.values()),
        pending=sum(counts.get(state, 0) for state in OPEN_STATES),
        sent=counts.get(DeliveryState.SENT, 0),
        failed=counts.get(DeliveryState.FAILED, 0),
        in_doubt=counts.get(DeliveryState.IN_DOUBT, 0),
        cancelled=counts.get(DeliveryState.CANCELLED, 0),
        skipped=counts.get(DeliveryState.SKIPPED, 0),
        violations=tuple(violations),
    )


def _named(found: Iterator[str]) -> Iterator[str]:
    more = 0
    for number, line in enumerate(found):
        if number < NAMED:
            yield line
        else:
            more += 1
    if more:
        yield f"... and {more} more of this kind"


def one_live_attempt(connection: Connection) -> Iterator[str]:
    """No delivery has two hand-overs whose answer may still come."""
    live = (
        select(attempts.c.delivery_id)
        .where(attempts.c.outcome.is_(None))
        .group_by(attempts.c.delivery_id)
        .having(func.count() > 1)
    )
    for (delivery_id,) in connection.execute(live):
        yield f"delivery {delivery_id} has more than one live attempt"


def one_open_delivery(connection: Connection) -> Iterator[str]:
    """No enrollment has two letters under way."""
    several = (
        select(deliveries.c.enrollment_id)
        .where(deliveries.c.state.in_(OPEN_STATES))
        .group_by(deliveries.c.enrollment_id)
        .having(func.count() > 1)
    )
    for (enrollment_id,) in connection.execute(several):
        yield f"enrollment {enrollment_id} has more than one open delivery"


def nobody_after_leaving(connection: Connection) -> Iterator[str]:
    """No hand-over came after the person left, in the order in which the database took both."""
    late = (
        select(attempts.c.delivery_id)
        .join(deliveries, deliveries.c.id == attempts.c.delivery_id)
        .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
        .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
        .where(attempts.c.id > subscribers.c.left_after)
    )
    for (delivery_id,) in connection.execute(late):
        yield f"delivery {delivery_id} was handed over after the person had left"


def nobody_is_stuck(connection: Connection) -> Iterator[str]:
    """Every active course has a next letter, due or under way."""
    under_way = exists().where(
        deliveries.c.enrollment_id == enrollments.c.id, deliveries.c.state.in_(OPEN_STATES)
    )
    stuck = select(enrollments.c.id).where(
        enrollments.c.state == EnrollmentState.ACTIVE,
        enrollments.c.next_at.is_(None),
        ~under_way,
    )
    for (enrollment_id,) in connection.execute(stuck):
        yield f"enrollment {enrollment_id} is active, but no letter comes next"


def nothing_waits_for_those_who_left(connection: Connection) -> Iterator[str]:
    """No letter that is not past its gate is kept for a course that was stopped."""
    waiting = (
        select(deliveries.c.id)
        .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
        .where(
            deliveries.c.state.in_((DeliveryState.PLANNED, DeliveryState.CLAIMED)),
            enrollments.c.state == EnrollmentState.STOPPED,
        )
    )
    for (delivery_id,) in connection.execute(waiting):
        yield f"delivery {delivery_id} still waits though its course was stopped"


def completed_with_the_finale(connection: Connection) -> Iterator[str]:
    """Nobody completed a course without its finale."""
    finale = (
        exists()
        .where(deliveries.c.enrollment_id == enrollments.c.id)
        .where(deliveries.c.run == enrollments.c.run)
        .where(deliveries.c.state.in_(PACING_STATES))
        .where(letters.c.id == deliveries.c.letter_id, letters.c.kind == Kind.FINALE)
    )
    unfinished = select(enrollments.c.id).where(
        enrollments.c.state == EnrollmentState.COMPLETED, ~finale
    )
    for (enrollment_id,) in connection.execute(unfinished):
        yield f"enrollment {enrollment_id} is completed without the finale"


def each_letter_once_in_order_and_apart(connection: Connection) -> Iterator[str]:
    """In one run no key comes twice, letters keep their order, and the least gap lies between.

    A letter that its person asked for may come sooner.
    """
    handed = connection.execute(
        select(
            deliveries.c.id,
            deliveries.c.enrollment_id,
            deliveries.c.run,
            deliveries.c.letter_key,
            deliveries.c.handed_at,
            enrollments.c.course_id,
            letters.c.edition_id,
            letters.c.position,
            letters.c.kind,
            letters.c.reminds_of,
        )
        .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
        .join(letters, letters.c.id == deliveries.c.letter_id)
        .where(deliveries.c.state.in_((*PACING_STATES, DeliveryState.HANDING)))
        .order_by(deliveries.c.enrollment_id, deliveries.c.run, deliveries.c.handed_at)
        .execution_options(yield_per=1000)
    )
    renames = _renames(connection)
    gaps = _least_gaps(connection)
    asked = asked_next(connection)
    for (enrollment_id, _), letters_of_run in groupby(
        handed, key=lambda row: (row.enrollment_id, row.run)
    ):
        rows = list(letters_of_run)
        for place, row in enumerate(rows):
            known = renames[row.edition_id]  # what keys were called when this letter was made
            before = {called_now(known, each.letter_key) for each in rows[:place]}
            if row.letter_key in before:
                yield f"enrollment {enrollment_id} got a letter twice"
        for earlier, later in pairwise(row for row in rows if row.reminds_of is None):
            if earlier.edition_id == later.edition_id and later.position < earlier.position:
                yield f"delivery {later.id} overtook a letter that comes before it"
        for earlier, later in pairwise(rows):
            gap = AFTER_WELCOME if earlier.kind == Kind.WELCOME else gaps[earlier.course_id]
            is_early = later.handed_at - earlier.handed_at < gap
            if is_early and not came_early(
                asked.get(enrollment_id, ()), earlier.handed_at, later.handed_at
            ):
                yield f"delivery {later.id} came too soon after the letter before it"


def as_the_providers_told(connection: Connection) -> Iterator[str]:
    """No letter is in doubt of which events told, and none counts as sent that they saw fail."""
    settled = select(
        deliveries.c.id,
        deliveries.c.state,
        deliveries.c.attempts,
        attempts.c.gated_wall,
    ).join(
        attempts,
        (attempts.c.delivery_id == deliveries.c.id) & (attempts.c.number == deliveries.c.attempts),
    )
    told = exists().where(events.c.delivery_id == deliveries.c.id, events.c.news != News.OTHER)
    missed = told.where(events.c.undelivered)
    unsettled = (DeliveryState.HANDING, DeliveryState.IN_DOUBT)
    rows = connection.execute(
        settled.where(
            (deliveries.c.state.in_(unsettled) & told)
            | ((deliveries.c.state == DeliveryState.SENT) & missed)
        )
    ).all()
    heard = heard_of(connection, [row.id for row in rows])
    for row in rows:
        last = strongest(of_newest(heard[row.id], row.attempts, row.gated_wall))
        if last is not None and (last.undelivered or row.state in unsettled):
            yield f"delivery {row.id} is {row.state}, though its provider told what became of it"


def nobody_waits_for_what_came(connection: Connection) -> Iterator[str]:
    """No course waits for a reflection that it has."""
    renames = _renames(connection)
    came = connection.execute(
        select(
            enrollments.c.id,
            enrollments.c.waits_on,
            reflections.c.letter_key,
            courses.c.edition_id,
        )
        .join(courses, courses.c.id == enrollments.c.course_id)
        .join(reflections, reflections.c.enrollment_id == enrollments.c.id)
        .where(
            enrollments.c.waits_on.is_not(None),
            reflections.c.run == enrollments.c.run,
            reflections.c.from_subscriber,
        )
    )
    for row in came:
        known = renames[row.edition_id]
        if called_now(known, lesson_of(row.letter_key)) == called_now(known, row.waits_on):
            yield f"enrollment {row.id} waits for a reflection that came"


CHECKS: tuple[Callable[[Connection], Iterator[str]], ...] = (
    one_live_attempt,
    one_open_delivery,
    nobody_after_leaving,
    nobody_is_stuck,
    nothing_waits_for_those_who_left,
    completed_with_the_finale,
    each_letter_once_in_order_and_apart,
    as_the_providers_told,
    nobody_waits_for_what_came,
)


def _renames(connection: Connection) -> dict[int, dict[str, str]]:
    rows = connection.execute(select(editions.c.id, editions.c.renames))
    return {row.id: dict(row.renames) for row in rows}


def _least_gaps(connection: Connection) -> dict[int, timedelta]:
    """Return the least gap that any edition allowed: which one was followed is not on record."""
    least = connection.execute(
        select(editions.c.course_id, func.min(editions.c.minimum_gap).label("gap")).group_by(
            editions.c.course_id
        )
    )
    return {row.course_id: timedelta(seconds=row.gap) for row in least}
