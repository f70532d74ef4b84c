"""What must hold for every row, and between a row and those that hang on it.

Some of it the database refuses anyway, by a constraint; the audit believes none of them, as a
database that was restored or mended may have lost some.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, exists, func, select

from course.model import Kind
from worker.model import (
    OPEN_STATES,
    PACING_STATES,
    Decision,
    DeliveryState,
    EnrollmentState,
    News,
    Verdict,
)
from worker.progress import called_now, lesson_of
from worker.store.fate import strongest
from worker.store.news import heard_of, of_newest
from worker.store.rebuilt_letters import hand_overs_rebuilt
from worker.store.schema import (
    attempts,
    courses,
    deliveries,
    editions,
    enrollments,
    events,
    letters,
    reflections,
    settlements,
    subscribers,
)

# A delivery and its attempts


def every_state_is_known(connection: Connection) -> Iterator[str]:
    """Every letter owed ends in a state that has a name."""
    unknown = select(deliveries.c.id).where(deliveries.c.state.not_in(list(DeliveryState)))
    for (delivery_id,) in connection.execute(unknown):
        yield f"delivery {delivery_id} is in a state that nobody knows"


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


def live_where_an_answer_may_come(connection: Connection) -> Iterator[str]:
    """A letter being handed over has a live attempt; one that was settled has none.

    One in doubt may have: the answer of the same attempt would still settle it.
    """
    live = exists().where(attempts.c.delivery_id == deliveries.c.id, attempts.c.outcome.is_(None))
    handing = deliveries.c.state == DeliveryState.HANDING
    for (delivery_id,) in connection.execute(select(deliveries.c.id).where(handing, ~live)):
        yield f"delivery {delivery_id} is being handed over without a live attempt"
    waiting = (DeliveryState.HANDING, DeliveryState.IN_DOUBT)
    settled = (
        select(deliveries.c.id, deliveries.c.state)
        .join(attempts, attempts.c.delivery_id == deliveries.c.id)
        .where(attempts.c.outcome.is_(None), deliveries.c.state.not_in(waiting))
    )
    for row in connection.execute(settled):
        yield f"delivery {row.id} is {row.state}, but an attempt of it is live"


def attempts_in_order(connection: Connection) -> Iterator[str]:
    """The attempts of a delivery count 1, 2, 3, in the order the database took them.

    What was rebuilt by a journal is not among them: its ids may have been used again by then.
    """
    rebuilt = hand_overs_rebuilt(connection)
    before = attempts.alias()
    follows = exists().where(
        before.c.delivery_id == attempts.c.delivery_id,
        before.c.number == attempts.c.number - 1,
        before.c.id < attempts.c.id,
    )
    astray = select(attempts.c.delivery_id, attempts.c.number).where(
        attempts.c.number != 1, ~follows
    )
    for row in connection.execute(astray):
        if row.delivery_id not in rebuilt:
            yield f"delivery {row.delivery_id} has an attempt {row.number} out of its order"


def attempts_as_counted(connection: Connection) -> Iterator[str]:
    """A delivery has as many attempts as it counts, and each of them needed a claim.

    What was rebuilt by a journal is not among them: it knows hand-overs, not those that came back.
    """
    rebuilt = hand_overs_rebuilt(connection)
    made = (
        select(attempts.c.delivery_id, func.count().label("n"))
        .group_by(attempts.c.delivery_id)
        .subquery()
    )
    found = func.coalesce(made.c.n, 0)
    wrong = (
        select(deliveries.c.id, deliveries.c.attempts, deliveries.c.epoch, found.label("found"))
        .outerjoin(made, made.c.delivery_id == deliveries.c.id)
        .where((deliveries.c.attempts != found) | (deliveries.c.epoch < deliveries.c.attempts))
    )
    for row in connection.execute(wrong):
        if row.id in rebuilt:
            continue
        yield (
            f"delivery {row.id} counts {row.attempts} attempts in epoch {row.epoch}, "
            f"and has {row.found}"
        )


def instants_as_the_state_says(connection: Connection) -> Iterator[str]:
    """What is final says since when, what is open does not; what was handed over says when."""
    is_open = deliveries.c.state.in_(OPEN_STATES)
    handed = deliveries.c.state.in_((*PACING_STATES, DeliveryState.HANDING))
    wrong = select(deliveries.c.id, deliveries.c.state).where(
        (is_open == deliveries.c.settled_at.is_not(None))
        | (handed & deliveries.c.handed_at.is_(None))
    )
    for row in connection.execute(wrong):
        yield f"delivery {row.id} is {row.state}, but its instants say something else"


def sent_was_answered(connection: Connection) -> Iterator[str]:
    """Nothing counts as sent unless a provider took it, told so later, or the operator says so."""
    accepted = exists().where(
        attempts.c.delivery_id == deliveries.c.id, attempts.c.outcome == Verdict.ACCEPTED
    )
    told = exists().where(
        events.c.delivery_id == deliveries.c.id, events.c.news != News.OTHER, ~events.c.undelivered
    )
    decided = exists().where(
        settlements.c.delivery_id == deliveries.c.id, settlements.c.decision == Decision.SENT
    )
    unheard = select(deliveries.c.id).where(
        deliveries.c.state == DeliveryState.SENT, ~accepted, ~told, ~decided
    )
    for (delivery_id,) in connection.execute(unheard):
        yield f"delivery {delivery_id} is sent, but nobody said that it was taken"


def as_the_providers_told(connection: Connection) -> Iterator[str]:
    """No letter is in doubt of which events told, and none counts as sent that they saw fail."""
    about = select(events.c.delivery_id).where(events.c.news != News.OTHER)
    unsettled = (DeliveryState.HANDING, DeliveryState.IN_DOUBT)
    rows = connection.execute(
        select(deliveries.c.id, deliveries.c.state, deliveries.c.attempts, attempts.c.gated_wall)
        .join(
            attempts,
            (attempts.c.delivery_id == deliveries.c.id)
            & (attempts.c.number == deliveries.c.attempts),
        )
        .where(
            (deliveries.c.state.in_(unsettled) & deliveries.c.id.in_(about))
            | (
                (deliveries.c.state == DeliveryState.SENT)
                & deliveries.c.id.in_(about.where(events.c.undelivered))
            )
        )
    ).all()
    heard = heard_of(connection, [row.id for row in rows])
    for row in rows:
        last = strongest(of_newest(heard[row.id], row.attempts, row.gated_wall))
        if last is not None and (last.undelivered or row.state in unsettled):
            yield f"delivery {row.id} is {row.state}, though its provider told what became of it"


# An enrollment and its deliveries


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


def nobody_waits_for_what_came(connection: Connection) -> Iterator[str]:
    """No course waits for a reflection that it has."""
    renames = {
        row.id: dict(row.renames)
        for row in connection.execute(select(editions.c.id, editions.c.renames))
    }
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
