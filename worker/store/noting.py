"""What a transaction notes to stand outside of the database too, once it is committed.

A letter's gate, a departure, an erasure: what a database that went back in time would have
forgotten, and would do again or undo. Whoever does one of these says so here, in one line; without
a journal the note is dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from worker.journal import Erasure
from worker.model import Gated, PublishedCourse, SubscriberState
from worker.store.editions import Editions
from worker.store.engine import rows_of
from worker.store.schema import courses, enrollments
from worker.store.types import those

_NOTES = "lettercourse_notes"


@dataclass(frozen=True, slots=True)
class Departure:
    """Somebody left: everything, or one course."""

    subscriber: int
    state: str
    at: datetime
    enrollment: int = 0
    course: str = ""


@dataclass(slots=True)
class Notes:
    """What one transaction noted, in order; letters with the editions that they are of."""

    gates: list[tuple[Gated, PublishedCourse]] = field(default_factory=list)
    departures: list[Departure] = field(default_factory=list)
    erasures: list[Erasure] = field(default_factory=list)


@contextmanager
def taking_notes(connection: Connection) -> Iterator[Notes]:
    """Yield where this transaction's notes stand, and take no more of them at the end."""
    info = connection.info  # of a connection that broke nobody can ask for it any more
    notes = info[_NOTES] = Notes()
    try:
        yield notes
    finally:
        info.pop(_NOTES, None)


def note_gates(connection: Connection, shelf: Editions, gated: Iterable[Gated]) -> None:
    """Note letters that passed their gate in this transaction."""
    if (notes := connection.info.get(_NOTES)) is not None:
        for each in gated:
            edition = shelf.edition(connection, each.claimed.edition_id)
            notes.gates.append((each, edition))


def note_leaving(
    connection: Connection, subscriber_ids: Collection[int], state: SubscriberState, now: datetime
) -> None:
    """Note people who left everything, also when they had left before."""
    if (notes := connection.info.get(_NOTES)) is not None:
        notes.departures += [Departure(each, state, now) for each in subscriber_ids]


def note_leaving_courses(
    connection: Connection, enrollment_ids: Collection[int], now: datetime
) -> None:
    """Note courses that their people left."""
    if (notes := connection.info.get(_NOTES)) is not None:
        for row in rows_of(connection, _WHOSE, list(enrollment_ids)):
            notes.departures.append(Departure(row.subscriber_id, "", now, row.id, row.slug))


def note_erasure(connection: Connection, subscriber_id: int, digest: str, now: datetime) -> None:
    """Note that a person was erased."""
    if (notes := connection.info.get(_NOTES)) is not None:
        notes.erasures.append(Erasure(subscriber_id, now, digest))


_WHOSE = (
    select(enrollments.c.id, enrollments.c.subscriber_id, courses.c.slug)
    .join(courses, courses.c.id == enrollments.c.course_id)
    .where(enrollments.c.id.in_(those()))
)
