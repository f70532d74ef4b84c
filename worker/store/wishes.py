"""What a person asks for by a link or a reply: pause, resume, another hour, the next one now.

Whoever asks holds a token of the enrollment and need not be its person: a letter gets forwarded.
So nothing here tells or sends anything to anybody but the person, and everything can be undone,
except for a letter that came early.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import Connection, select, update

from worker.model import (
    OPEN_STATES,
    PACING_STATES,
    DeliveryState,
    EnrollmentState,
    News,
    NoticePurpose,
    SubscriberState,
)
from worker.progress import is_nudge, next_key
from worker.store.claiming import delivery_id
from worker.store.editions import Editions
from worker.store.engine import insert_new
from worker.store.membership import GOING_ON, enrollment_row
from worker.store.notices import plan_notice
from worker.store.people import freeze, go_on, next_slot_of
from worker.store.runs import history
from worker.store.schema import deliveries, enrollments, events, subscribers
from worker.store.types import Record
from worker.store.waiting import end_waits, put_off, replan, skip_nudge

LINK_LIFETIME = timedelta(minutes=15)
"""How long a link to private things may wait to be mailed; from then on it is good as long."""

ASKED = ("person", "next")
"""Provider and kind of the event that is a person's asking for the next letter at once.

Its detail is their enrollment, not the letter: an edit of the course may make that another one.
"""

_INSTANT = timedelta(microseconds=1)

WENT_ON = "they asked for the next letter"


class Wish(StrEnum):
    """What became of something that a person asked for.

    ``GRANTED`` also when it was so already. ``UNDER_WAY``: the letter asked for is on its way or
    came. ``OVER``: the course does not go on, so there is nothing to ask for.
    """

    GRANTED = "granted"
    UNDER_WAY = "under_way"
    OVER = "over"


def pause_enrollment(connection: Connection, enrollment_id: int, now: datetime) -> Wish:
    """Freeze one course; what is past its gate still arrives.

    Raises:
        UnknownSubscriber: there is no such enrollment.
    """
    row = enrollment_row(connection, enrollment_id)
    if not _may(row, EnrollmentState.ACTIVE, EnrollmentState.PAUSED):
        return Wish.OVER
    if row.state == EnrollmentState.ACTIVE:
        freeze(connection, [enrollment_id], now)
    return Wish.GRANTED


def resume_enrollment(
    connection: Connection, editions: Editions, enrollment_id: int, now: datetime
) -> Wish:
    """Go on after a pause with the next slot; a held course waits for the operator.

    Raises:
        UnknownSubscriber: there is no such enrollment.
    """
    row = enrollment_row(connection, enrollment_id)
    if not _may(row, EnrollmentState.ACTIVE, EnrollmentState.PAUSED):
        return Wish.OVER
    if row.state == EnrollmentState.PAUSED:
        go_on(connection, row, editions.edition(connection, row.edition_id), now)
    return Wish.GRANTED


def reschedule(
    connection: Connection,
    editions: Editions,
    enrollment_id: int,
    send_at: time,
    zone: str,
    now: datetime,
) -> Wish:
    """Let letters come at another local time; the next one too, unless it is due already.

    Args:
        connection: a writing transaction.
        editions: what was published.
        enrollment_id: whose course.
        send_at: local time of day.
        zone: IANA name, which exists.
        now: the calendar's instant.

    Raises:
        UnknownSubscriber: there is no such enrollment.
    """
    row = enrollment_row(connection, enrollment_id)
    if not _may(row, *GOING_ON):
        return Wish.OVER
    connection.execute(
        update(subscribers).where(subscribers.c.id == row.subscriber_id).values(timezone=zone)
    )
    connection.execute(
        update(enrollments)
        .where(enrollments.c.id == enrollment_id)
        .values(zone=zone, send_at=send_at)
    )
    moved = enrollment_row(connection, enrollment_id)
    rows = history(connection, [enrollment_id])[enrollment_id]
    if moved.next_at is not None and moved.next_at > now:
        replan(connection, editions, enrollment_id, now)
    elif waiting := _planned(rows, now):
        course = editions.edition(connection, row.edition_id)
        _retry(connection, waiting, next_slot_of(moved, course, rows, now))
    return Wish.GRANTED


def next_now(
    connection: Connection,
    editions: Editions,
    installation: str,
    enrollment_id: int,
    expected: str | None,
    now: datetime,
) -> Wish:
    """Let the next letter be due now, whatever the gap (the one way around it).

    Args:
        connection: a writing transaction.
        editions: what was published.
        installation: its id, from which delivery ids are derived.
        enrollment_id: whose course.
        expected: key of the letter that was shown as the next one, so that asking twice brings
            one letter; ``None`` takes whichever it is.
        now: the calendar's instant.

    Raises:
        UnknownSubscriber: there is no such enrollment.
    """
    row = enrollment_row(connection, enrollment_id)
    if not _may(row, EnrollmentState.ACTIVE):
        return Wish.OVER
    course = editions.edition(connection, row.edition_id)
    rows = history(connection, [enrollment_id])[enrollment_id]
    handed = [each for each in rows if each.state in PACING_STATES]
    key = next_key(course.keys, course.renames, [each.letter_key for each in handed])
    if key is None or expected not in (None, key):
        return Wish.UNDER_WAY
    had = {each.letter_key: each.id for each in rows}
    asked = had.get(key) or delivery_id(installation, enrollment_id, row.run, key)
    under_way = next((each for each in rows if each.state in OPEN_STATES), None)
    # A calendar that is driven by hand stands still: letters keep their order by instants apart.
    at = max([now, *(each.handed_at + _INSTANT for each in handed)])
    if waiting := _planned(rows, now):
        asked = waiting
        _retry(connection, waiting, at)
    elif under_way is None or skip_nudge(connection, under_way, now, WENT_ON):
        put_off(connection, [(enrollment_id, min(at, row.next_at or at))])
    else:
        return Wish.UNDER_WAY
    end_waits(connection, [enrollment_id])
    if row.next_at is None or row.next_at > now:
        _record_asking(connection, row, asked, at)
    return Wish.GRANTED


def ask_link(connection: Connection, enrollment_id: int, now: datetime) -> None:
    """Mail a link to private things to the person's own address.

    Not to those who left, who are mailed nothing, nor to those who had enough of them lately.

    Raises:
        UnknownSubscriber: there is no such enrollment.
    """
    row = enrollment_row(connection, enrollment_id)
    if _may(row, *GOING_ON, EnrollmentState.COMPLETED):
        plan_notice(
            connection,
            NoticePurpose.LINK,
            subscriber_id=row.subscriber_id,
            course_id=row.course_id,
            now=now,
            lifetime=LINK_LIFETIME,
            subject_id=enrollment_id,
        )


def asked_next(connection: Connection) -> dict[int, list[datetime]]:
    """Return by enrollment when its person asked for the next letter at once."""
    provider, kind = ASKED
    query = select(events.c.detail, events.c.occurred_at).where(
        events.c.provider == provider, events.c.kind == kind
    )
    asked: dict[int, list[datetime]] = defaultdict(list)
    for row in connection.execute(query):
        asked[int(row.detail)].append(row.occurred_at)
    return asked


def came_early(asked: Sequence[datetime], before: datetime, handed_at: datetime) -> bool:
    """Tell whether a letter was asked for between the hand-over before it and its own."""
    return any(before < each <= handed_at for each in asked)


def _may(row: Record, *states: EnrollmentState) -> bool:
    return row.subscriber == SubscriberState.ACTIVE and row.state in states


def _planned(rows: Sequence[Record], now: datetime) -> str | None:
    """Return the delivery that waits for its time after a pause.

    One that a server put off is not meant: it keeps its back-off, and reminders their own time.
    """
    return next(
        (
            each.id
            for each in rows
            if each.state == DeliveryState.PLANNED
            and each.retry_at is not None
            and each.retry_at > now
            and not each.deferrals
            and not is_nudge(each.letter_key)
        ),
        None,
    )


def _retry(connection: Connection, delivery: str, at: datetime) -> None:
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery, deliveries.c.state == DeliveryState.PLANNED)
        .values(retry_at=at)
    )


def _record_asking(connection: Connection, row: Record, asked: str, at: datetime) -> None:
    """Keep why a letter came before its time: the audit would take it for a broken promise."""
    provider, kind = ASKED
    fingerprint = sha256(f"{provider} {kind} {asked} {at.isoformat()}".encode()).hexdigest()
    event = {
        "provider": provider,
        "fingerprint": fingerprint,
        "kind": kind,
        "news": News.OTHER,
        "undelivered": False,
        "detail": str(row.id),
        "delivery_id": asked,
        "subscriber_id": row.subscriber_id,
        "occurred_at": at,
        "received_at": at,
        "body": "",
    }
    insert_new(connection, events, [event])
