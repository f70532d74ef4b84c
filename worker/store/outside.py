"""Notes of a transaction as entries of a journal: with all that a rebuilding needs to know."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlalchemy import Connection, select

from worker.journal import Entry, Gate, Leave
from worker.journal.entries import EDITION_DIGITS
from worker.model import Gated, PublishedCourse
from worker.store.engine import rows_of
from worker.store.membership import is_erased
from worker.store.noting import Departure, Notes
from worker.store.schema import subscribers
from worker.store.types import those


def entries_of(
    connection: Connection, notes: Notes, digest: Callable[[str], str]
) -> tuple[list[Gate], list[Entry]]:
    """Return notes as entries of a journal, gates apart; read in the transaction that took them."""
    return [_gate(*each, digest) for each in notes.gates], [
        *_departures(connection, notes.departures, digest),
        *notes.erasures,
    ]


def _gate(gated: Gated, edition: PublishedCourse, digest: Callable[[str], str]) -> Gate:
    claimed = gated.claimed
    return Gate(
        attempt=gated.attempt_id,
        delivery=claimed.id,
        number=gated.number,
        enrollment=claimed.enrollment_id,
        subscriber=claimed.subscriber_id,
        run=claimed.run,
        course=edition.slug,
        key=claimed.letter_key,
        letter=claimed.letter_id,
        edition=edition.digest[:EDITION_DIGITS],
        at=gated.gated_at,
        person=digest(claimed.address),
    )


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
