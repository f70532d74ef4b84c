"""Everything that is kept about one person, as they may have it: nothing is left out.

The right of access and the right to data portability (GDPR, articles 15 and 20).
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, or_, select

from worker.store.schema import (
    attempts,
    consents,
    courses,
    deliveries,
    enrollments,
    events,
    notices,
    reflections,
    replies,
    settlements,
    subscribers,
)
from worker.store.types import Record

Export = dict[str, Any]
"""A document for JSON: instants as ISO 8601 in UTC, raw mail as text, or in base64."""


def export(connection: Connection, subscriber_id: int, now: datetime) -> Export:
    """Return everything about one person.

    Args:
        connection: a reading transaction.
        subscriber_id: of somebody who is there.
        now: when they asked.
    """
    person = connection.execute(select(subscribers).where(subscribers.c.id == subscriber_id)).one()
    its = enrollments.c.subscriber_id == subscriber_id
    course_of = courses.c.slug.label("course")
    tries = _of_letters(connection, attempts, attempts.c.number, subscriber_id)
    decided = _of_letters(connection, settlements, settlements.c.id, subscriber_id)
    taken = select(enrollments, course_of).join(courses).where(its).order_by(enrollments.c.id)
    letters = (
        select(deliveries, course_of)
        .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
        .join(courses, courses.c.id == enrollments.c.course_id)
        .where(its)
        .order_by(deliveries.c.due_at, deliveries.c.id)
    )
    words = (
        select(reflections, course_of)
        .join(enrollments, enrollments.c.id == reflections.c.enrollment_id)
        .join(courses, courses.c.id == enrollments.c.course_id)
        .where(its)
        .order_by(reflections.c.received_at, reflections.c.id)
    )
    agreed = (
        select(consents, course_of)
        .join(courses)
        .where(consents.c.subscriber_id == subscriber_id)
        .order_by(consents.c.id)
    )
    mailed = (
        select(notices, course_of)
        .join(courses)
        .where(notices.c.subscriber_id == subscriber_id)
        .order_by(notices.c.created_at, notices.c.id)
    )
    news = select(events).where(about_events(subscriber_id)).order_by(events.c.id)
    came = select(replies).where(about_replies(subscriber_id)).order_by(replies.c.id)
    return {
        "exported_at": _plain(now),
        "subscriber": _shown(person, "id", "left_after"),
        "consents": [_shown(row, *_KEYS) for row in connection.execute(agreed)],
        "enrollments": [_shown(row, *_KEYS) for row in connection.execute(taken)],
        "deliveries": [
            _shown(row, "enrollment_id", "letter_id", *_WORKINGS)
            | {"tries": tries.get(row.id, []), "settlements": decided.get(row.id, [])}
            for row in connection.execute(letters)
        ],
        "events": [_shown(row, "fingerprint", *_KEYS) for row in connection.execute(news)],
        "reflections": [_shown(row, "enrollment_id", *_KEYS) for row in connection.execute(words)],
        "replies": [
            _shown(row, "raw", "fingerprint", "enrollment_id", *_KEYS) | _mail(row.raw)
            for row in connection.execute(came)
        ],
        "notices": [_shown(row, "lease_until", *_KEYS) for row in connection.execute(mailed)],
    }


def about_events(subscriber_id: int) -> ColumnElement[bool]:
    """Return the condition of events that are about a person or one of their letters."""
    return or_(
        events.c.subscriber_id == subscriber_id,
        events.c.delivery_id.in_(_ids(deliveries.c.id, subscriber_id)),
    )


def about_replies(subscriber_id: int) -> ColumnElement[bool]:
    """Return the condition of mail that came from a person or to one of their letters.

    Such mail names its person, whatever else it names; there is an index to find it by.
    """
    return replies.c.subscriber_id == subscriber_id


_KEYS = ("id", "subscriber_id", "course_id", "subject_id", "reply_id")
_WORKINGS = ("epoch", "owner", "lease_until", "retry_at", "deferrals")
"""Columns that say nothing about a person: how rows hang together, and who works on one."""


def _ids(column: Any, subscriber_id: int) -> Any:
    return (
        select(column)
        .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
        .where(enrollments.c.subscriber_id == subscriber_id)
    )


def _of_letters(
    connection: Connection, table: Table, order: Column[Any], subscriber_id: int
) -> dict[str, list[Export]]:
    """Return the rows of a table that hang on a person's letters, by letter."""
    rows = connection.execute(
        select(table)
        .join(deliveries, deliveries.c.id == table.c.delivery_id)
        .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
        .where(enrollments.c.subscriber_id == subscriber_id)
        .order_by(table.c.delivery_id, order)
    )
    found: dict[str, list[Export]] = {}
    for row in rows:
        shown = _shown(row, "id", "delivery_id", "gated_wall", "deadline", "operator")
        found.setdefault(row.delivery_id, []).append(shown)
    return found


def _shown(row: Record, *without: str) -> Export:
    return {str(name): _plain(value) for name, value in row._mapping.items() if name not in without}


def _mail(raw: bytes | None) -> Export:
    if raw is None:
        return {"raw": None, "raw_encoding": None}
    mail = zlib.decompress(raw)
    try:
        return {"raw": mail.decode(), "raw_encoding": "text"}
    except UnicodeDecodeError:
        return {"raw": base64.b64encode(mail).decode(), "raw_encoding": "base64"}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, Iterable):
        return [_plain(each) for each in value]
    return str(value)
