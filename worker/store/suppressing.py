"""Who must not be written to, whatever list names them: people who left, and hashes of the erased.

The erased are found by a keyed hash of their address (``worker.pseudonyms``); nobody else's
address is hashed, and from a hash nobody is found.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select

from worker.model import SubscriberState
from worker.pseudonyms import Digests
from worker.store.engine import chunks, insert_new
from worker.store.given import among
from worker.store.leaving import LEFT_STATES, leave
from worker.store.locking import lock_addresses, lock_people_at
from worker.store.noting import note_leaving
from worker.store.placeholders import take_up
from worker.store.schema import subscribers, suppressions
from worker.store.types import Record


@dataclass(frozen=True, slots=True)
class Suppressed:
    """An address that must not be written to.

    Attributes:
        address: normalised.
        reason: one of the states in which a person left.
        since: ``None`` in a list that is only being read.
    """

    address: str
    reason: SubscriberState
    since: datetime | None = None


class SuppressResult(StrEnum):
    """What became of one address of a list."""

    ADDED = "added"
    STOPPED = "stopped"
    ALREADY = "already"


def suppress_hash(connection: Connection, digest: str, reason: str, since: datetime) -> None:
    """Remember an erased address by its hash."""
    row = {"digest": digest, "reason": reason, "since": since}
    insert_new(connection, suppressions, [row])


def erased_among(
    connection: Connection, digests: Digests, addresses: Collection[str]
) -> frozenset[str]:
    """Return those of these addresses whose person was erased.

    Nothing is hashed where nobody ever was. What stands of that when the caller has the address
    book to itself (:mod:`worker.store.locking`) stays so to the end of the transaction.
    """
    if connection.scalar(_ANYBODY) is None:
        return frozenset()
    of = {digest: address for address in addresses for digest in digests(address)}
    return frozenset(of[digest] for digest in connection.scalars(_ERASED, {"digests": list(of)}))


_ANYBODY = select(suppressions.c.digest).limit(1)

_ERASED = select(suppressions.c.digest).where(among(suppressions.c.digest, "digests"))


def suppressed(connection: Connection) -> list[Suppressed]:
    """Return everybody who left and whose address is known, in the order of addresses."""
    rows = connection.execute(
        select(
            subscribers.c.address,
            subscribers.c.state,
            func.coalesce(subscribers.c.left_at, subscribers.c.created_at).label("since"),
        )
        .where(subscribers.c.state.in_(LEFT_STATES))
        .order_by(subscribers.c.address)
    )
    return [Suppressed(row.address, SubscriberState(row.state), row.since) for row in rows]


def suppress(
    connection: Connection, digests: Digests, listed: Sequence[Suppressed], now: datetime
) -> Counter[SuppressResult]:
    """Let known people leave at once, and keep unknown addresses as ones that left."""
    lock_addresses(connection)
    reasons = {each.address: each.reason for each in reversed(listed)}
    take_up(connection, digests, reasons)
    lock_people_at(connection, list(reasons))
    known = _known(connection, list(reasons))
    erased = erased_among(connection, digests, reasons.keys() - known.keys())
    results: Counter[SuppressResult] = Counter()
    added = []
    leaving: dict[SubscriberState, list[int]] = defaultdict(list)
    for address, reason in reasons.items():
        if address in erased:
            results[SuppressResult.ALREADY] += 1
        elif address not in known:
            added.append(_gone(address, reason, now))
        else:
            stopped = known[address].state not in LEFT_STATES
            leaving[reason].append(known[address].id)
            results[SuppressResult.STOPPED if stopped else SuppressResult.ALREADY] += 1
    for reason, ids in leaving.items():
        for some in chunks(ids):
            leave(connection, some, reason, now)
    if added:
        new = insert(subscribers).returning(subscribers.c.id, subscribers.c.state)
        for row in connection.execute(new, added).all():
            note_leaving(connection, [row.id], SubscriberState(row.state), now)
    results[SuppressResult.ADDED] += len(added)
    return results


def _known(connection: Connection, addresses: Sequence[str]) -> dict[str, Record]:
    query = select(subscribers.c.id, subscribers.c.address, subscribers.c.state)
    return {
        row.address: row
        for chunk in chunks(addresses)
        for row in connection.execute(query.where(subscribers.c.address.in_(chunk)))
    }


def _gone(address: str, reason: SubscriberState, now: datetime) -> dict[str, object]:
    return {
        "address": address,
        "name": "",
        "timezone": None,
        "state": reason,
        "created_at": now,
        "left_at": now,
    }
