"""Rows that stand for people whom a restored database does not know, but a journal does.

They keep the ids taken, so that an old link fits nobody else, and what was handed over, so that
nobody gets it twice. The address is not known, only its keyed hash: it stands in the address's
place until somebody names that address again. Then the row becomes theirs, and their courses go on
where they stood.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from worker.model import EnrollmentState, SubscriberState
from worker.pseudonyms import Digests
from worker.store.editions import Editions
from worker.store.engine import chunks, insert_new
from worker.store.people import go_on
from worker.store.schema import courses, enrollments, meta, subscribers

_DOMAIN = "forgotten.invalid"
"""A domain that no mail can go to (RFC 6761, 6.4)."""

_FLAG = "placeholders"


def is_placeholder(address: str) -> bool:
    """Tell whether an address stands for somebody whom only a journal knows."""
    return address.endswith(f"@{_DOMAIN}")


def add_placeholder(
    connection: Connection, person: str, subscriber_id: int | None, now: datetime
) -> int:
    """Keep a place for somebody unknown; return its id.

    Args:
        connection: a writing transaction.
        person: keyed hash of their address; empty where there was no key.
        subscriber_id: the one they had; ``None`` where somebody else has it by now.
        now: the calendar's instant.
    """
    insert_new(connection, meta, [{"name": _FLAG, "value": "yes"}])
    row: dict[str, Any] = {
        "address": f"{person or subscriber_id}@{_DOMAIN}",
        "name": "",
        "state": SubscriberState.PENDING,
        "created_at": now,
    }
    if subscriber_id is not None:
        row["id"] = subscriber_id
    added: int = connection.execute(
        insert(subscribers).values(**row).returning(subscribers.c.id)
    ).scalar_one()
    return added


def find_placeholder(connection: Connection, person: str) -> int | None:
    """Return the id of the place kept for somebody, by the hash of their address."""
    found: int | None = connection.scalar(
        select(subscribers.c.id).where(subscribers.c.address == f"{person}@{_DOMAIN}")
    )
    return found


def take_up(connection: Connection, digests: Digests, addresses: Collection[str]) -> None:
    """Give these addresses the places that were kept for them, before they are looked up."""
    if connection.scalar(select(meta.c.value).where(meta.c.name == _FLAG)) is None:
        return
    kept = {f"{person}@{_DOMAIN}": address for address in addresses for person in digests(address)}
    for some in chunks(list(kept)):
        found = connection.execute(
            select(subscribers.c.id, subscribers.c.address).where(subscribers.c.address.in_(some))
        ).all()
        for row in found:
            connection.execute(
                update(subscribers)
                .where(subscribers.c.id == row.id)
                .values(address=kept[row.address])
            )


def go_on_again(connection: Connection, subscriber_ids: Collection[int], now: datetime) -> None:
    """Let the courses of people whose place was taken up go on with the next slot.

    Only a place that was kept has a course while its person is still to be confirmed.
    """
    editions = Editions()
    for some in chunks(list(subscriber_ids)):
        frozen = connection.execute(
            select(enrollments, courses.c.edition_id)
            .join(courses, courses.c.id == enrollments.c.course_id)
            .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
            .where(
                subscribers.c.id.in_(some),
                subscribers.c.state == SubscriberState.PENDING,
                enrollments.c.state == EnrollmentState.PAUSED,
            )
        ).all()
        for enrollment in frozen:
            go_on(connection, enrollment, editions.edition(connection, enrollment.edition_id), now)
