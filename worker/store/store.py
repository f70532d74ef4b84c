"""The store: every method is one transaction, and says whether it writes."""

from __future__ import annotations

from worker.journal import Place
from worker.pseudonyms import Pseudonyms
from worker.store.doors import (
    Courses,
    Deliveries,
    Joining,
    Mail,
    Operating,
    Pages,
    People,
    Upkeep,
)
from worker.store.engine import open_database


class Store(Upkeep, Courses, People, Deliveries, Mail, Pages, Joining, Operating):
    """The ledger of one installation; may be shared by threads, not by forks.

    All instants are aware and in UTC. ``now`` is the calendar's; a ``Moment`` carries the
    machine's clock too, for leases and deadlines.
    """


def open_store(
    url: str, pseudonyms: Pseudonyms | None = None, journal: Place | None = None
) -> Store:
    """Return the store behind a database URL; nothing is read or made yet.

    Args:
        url: of SQLAlchemy's form.
        pseudonyms: by which erased people are recognised; without any, nobody can be erased.
        journal: where this host keeps what must stand outside of the database too.

    Raises:
        LettercourseError: the URL names no database that can be used.
    """
    return Store(open_database(url), pseudonyms, journal)
