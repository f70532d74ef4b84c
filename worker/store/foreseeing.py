"""What publishing an edition would change, and for whom; reads only."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from course.model import Edition
from worker.edits import edited_letters, edited_settings
from worker.model import (
    EnrollmentState,
    PublishedCourse,
    PublishPlan,
    Refusal,
    SubscriberState,
    syllabus_of,
)
from worker.progress import carry_over
from worker.store.cohorts import OF_COURSE, cohorts
from worker.store.editions import Editions, is_new, refusals
from worker.store.membership import GOING_ON
from worker.store.schema import enrollments, subscribers


def foresee(
    connection: Connection,
    editions: Editions,
    edition: Edition,
    now: datetime,
    *,
    for_whom: bool = True,
) -> PublishPlan:
    """Return what publishing ``edition`` would change, and for whom.

    Whatever is overdue is taken to be sent ``now``, and every later letter the moment it is due.
    Without ``for_whom``, and where publishing is refused, there are no cohorts.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
    newest = editions.newest_or_none(connection, edition.course)
    former = dict(newest.renames) if newest else {}
    carried = carry_over([*former.items()], edition.renames)
    changed = newest is None or is_new(edition, carried, newest.digest, former)
    refused = refusals(connection, edition, carried) if changed else []
    plan = PublishPlan(
        course=edition.course,
        digest=edition.digest,
        newest=newest.digest if newest else None,
        changed=changed,
        refused=tuple(Refusal(each.what, each.remedy) for each in refused),
        letters=(),
        settings=(),
        people=0,
        cohorts=(),
        completed=0,
        stopped=0,
    )
    if newest is None:
        return replace(plan, letters=edited_letters((), edition.letters, {}))
    after = replace(syllabus_of(edition), renames=tuple(sorted(carried.items())))
    stored = [editions.letter(connection, each).letter for each in newest.letter_ids]
    states = _states(connection, newest)
    for_whom = for_whom and not refused
    return replace(
        plan,
        letters=edited_letters(stored, edition.letters, carried),
        settings=edited_settings(newest, edition, after.waits, carried),
        people=sum(states[each] for each in GOING_ON),
        cohorts=tuple(cohorts(connection, newest, after, now)) if for_whom else (),
        completed=states[EnrollmentState.COMPLETED],
        stopped=states[EnrollmentState.STOPPED],
    )


def _states(connection: Connection, newest: PublishedCourse) -> Counter[str]:
    """Count people by the state of their course; who cannot be written to yet is not counted."""
    rows = connection.execute(_BY_STATE, {"course": newest.slug})
    return Counter({row.state: row.people for row in rows})


_BY_STATE = (
    select(enrollments.c.state, func.count().label("people"))
    .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
    .where(
        OF_COURSE,
        (subscribers.c.state == SubscriberState.ACTIVE) | enrollments.c.state.not_in(GOING_ON),
    )
    .group_by(enrollments.c.state)
)
