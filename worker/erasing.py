"""Erasing a person everywhere: their rows, the file's free pages, and copies of their mail.

The rows come first and are one transaction. What follows may be cut short by a crash; it looks
at everybody who was ever erased, so that the next erasure, or the same one again, completes it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime

from worker.errors import DatabaseFault
from worker.model import Provider
from worker.store import Store
from worker.store.erasing import Erased

log = logging.getLogger(__name__)


def erase(store: Store, provider: Provider, subscriber_id: int, now: datetime) -> Erased:
    """Erase a person; once more changes nothing.

    Raises:
        Refused: there is no key to hash their address with.
    """
    erased = store.erase(subscriber_id, now)
    sweep(store, provider)
    return erased


def sweep(store: Store, provider: Provider) -> bool:
    """Remove what is left of erased people outside of rows; tell whether all of it went.

    A database that is busy, or a disk without room for a second copy, leaves old pages in the
    file; that is no reason to tell somebody that they were not erased.
    """
    provider.forget(store.mail_of_erased())
    try:
        store.scrub()
    except DatabaseFault as fault:
        log.warning("the database file could not be rewritten after erasing: %s", fault.what)
        return False
    return True


def forget_erased(store: Store, provider: Provider, ids: Collection[str]) -> None:
    """Remove copies of mail that was in hand while its person was erased.

    Args:
        store: the ledger, in which its outcome is settled already.
        provider: who kept the copies.
        ids: of the deliveries or notices just handed over.
    """
    if provider.keeps_copies and (gone := store.erased_among(ids)):
        provider.forget(gone)
