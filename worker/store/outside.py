"""Notes of a transaction as entries of a journal: with all that a rebuilding needs to know."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlalchemy import Connection, select

from worker.journal import Entry, Gate, Leave
from worker.journal.entries import EDITION_DIGITS
from worker.model import Gated
from worker.store.engine import rows_of
from worker.store.membership import is_erased
from worker.store.noting import Departure, Notes
from worker.store.schema import (
    courses,
    deliveries,
    editions,
    enrollments,
    letters,
    subscribers,
    those,
)


def entries_of(
    connection: Connection, notes: Notes, digest: Callable[[str], str]
) -> tuple[list[Gate], list[Entry]]:
    """Return notes as entries of a journal, gates apart; read in the transaction that took them."""
    return _gates(connection, notes.gates, digest), [
        *_departures(connection, notes.departures, digest),
        *notes.erasures,
    ]


def _gates(
    connection: Connection, gated: Collection[Gated], digest: Callable[[str], str]
) -> list[Gate]:
    if not gated:
        return []
    known = {row.id: row for row in rows_of(connection, _LETTERS, [g.claimed.id for g in gated])}
    return [
        Gate(
            attempt=each.attempt_id,
            delivery=each.claimed.id,
            number=known[each.claimed.id].attempts,
            enrollment=each.claimed.enrollment_id,
            subscriber=known[each.claimed.id].subscriber_id,
            run=each.claimed.run,
            course=known[each.claimed.id].slug,
            key=each.claimed.letter_key,
            letter=each.claimed.letter_id,
            edition=known[each.claimed.id].digest[:EDITION_DIGITS],
            at=each.gated_at,
            person=digest(each.claimed.address),
        )
        for each in gated
    ]


def _departures(
    connection: Connection, departures: Collection[Departure], digest: Callable[[str], str]
) -> list[Entry]:
    """Leave out the erased: their erasure stands outside, and no hash is left of them here."""
    ids = list({each.subscriber for each in departures})
    rows = rows_of(connection, _ADDRESSES, ids)
    hashes = {row.id: digest(row.address) for row in rows if not is_erased(row.address)}
    return [
        Leave(
            each.subscriber,
            each.enrollment,
            each.course,
            each.state,
            each.at,
            hashes[each.subscriber],
        )
        for each in departures
        if each.subscriber in hashes
    ]


_ADDRESSES = select(subscribers.c.id, subscribers.c.address).where(subscribers.c.id.in_(those()))

_LETTERS = (
    select(
        deliveries.c.id,
        deliveries.c.attempts,
        enrollments.c.subscriber_id,
        courses.c.slug,
        editions.c.digest,
    )
    .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
    .join(letters, letters.c.id == deliveries.c.letter_id)
    .join(editions, editions.c.id == letters.c.edition_id)
    .join(courses, courses.c.id == editions.c.course_id)
    .where(deliveries.c.id.in_(those()))
)
