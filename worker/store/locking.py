"""The one lock order: people by id, then their enrollments, then their deliveries.

Whoever decides by what is on record about a person, in order to change it, holds that person's row
from before the first look to the commit. So two doors (a click, an event, a reply, an operator, a
settle) never decide by the same stale state, and since everybody locks in the same order nobody
waits in a circle. SQLite's one writer holds everything, so there nothing is left to lock.

To lock is a statement of its own: a statement sees what was committed when it began, not what was
by the time it got its lock. Before everybody else comes the address book: whoever adds an address
that nobody has, or erases one, is the only one to do so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select

from worker.store.engine import chunks, rows_of
from worker.store.given import among
from worker.store.installation import INSTALLATION
from worker.store.prepared import Prepared
from worker.store.schema import enrollments, meta, subscribers
from worker.store.types import those

_PEOPLE = Prepared(
    select(subscribers.c.id)
    .where(among(subscribers.c.id))
    .order_by(subscribers.c.id)
    .with_for_update(key_share=True)
)

_WHOSE = select(enrollments.c.subscriber_id).where(enrollments.c.id.in_(those()))

_AT = select(subscribers.c.id).where(subscribers.c.address.in_(those()))

_ADDRESSES = select(meta.c.name).where(meta.c.name == INSTALLATION).with_for_update(key_share=True)


def lock_people(connection: Connection, subscriber_ids: Collection[int]) -> None:
    """Hold these people's rows to the end of the transaction."""
    if locks_rows(connection):
        for some in chunks(sorted(set(subscriber_ids))):
            _PEOPLE(connection, ids=some)


def lock_people_of(connection: Connection, enrollment_ids: Collection[int]) -> None:
    """Hold the rows of the people whose enrollments these are."""
    if locks_rows(connection):
        whose = rows_of(connection, _WHOSE, sorted(set(enrollment_ids)))
        lock_people(connection, [row.subscriber_id for row in whose])


def lock_people_at(connection: Connection, addresses: Sequence[str]) -> None:
    """Hold the rows of the people who have these addresses, as far as there are any."""
    if locks_rows(connection):
        lock_people(connection, [row.id for row in rows_of(connection, _AT, addresses)])


def lock_addresses(connection: Connection) -> None:
    """Be the only one to add or erase addresses: what is unknown or erased stays so meanwhile."""
    if locks_rows(connection):
        connection.execute(_ADDRESSES).all()


def locks_rows(connection: Connection) -> bool:
    """Tell whether this database locks row by row, and not only as a whole."""
    return connection.dialect.name != "sqlite"
