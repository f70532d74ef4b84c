"""Why each letter was or was not sent to one person, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from worker.errors import UnknownSubscriber
from worker.model import (
    OPEN_STATES,
    CourseStory,
    DeliveryState,
    EnrollmentState,
    Explanation,
    LetterStory,
    PublishedCourse,
)
from worker.store.editions import Editions
from worker.store.leaving import WHY_LEFT
from worker.store.reports import deliveries_of, enrollments_of, upcoming
from worker.store.schema import Record, subscribers

SCHEDULED = "scheduled"
WAITING = "waiting"


def explain(connection: Connection, editions: Editions, address: str, now: datetime) -> Explanation:
    """Tell the story of every letter of every course that one person takes or took.

    Raises:
        UnknownSubscriber: nobody has that address.
    """
    person = connection.execute(
        select(subscribers).where(subscribers.c.address == address)
    ).one_or_none()
    if person is None:
        raise UnknownSubscriber("nobody is enrolled under this address", where=address)
    chosen = select(subscribers.c.id).where(subscribers.c.id == person.id)
    history = deliveries_of(connection, chosen)
    return Explanation(
        address,
        tuple(
            CourseStory(
                enrollment.slug,
                _letters(
                    editions.edition(connection, enrollment.edition_id),
                    person,
                    enrollment,
                    history.get(enrollment.id, []),
                    now,
                ),
            )
            for enrollment in enrollments_of(connection, chosen)[person.id]
        ),
    )


def _letters(
    course: PublishedCourse,
    person: Record,
    enrollment: Record,
    rows: Sequence[Record],
    now: datetime,
) -> tuple[LetterStory, ...]:
    """Return the newest edition's letters in order, those it no longer has where they fell due."""
    renames = dict(course.renames)
    made = {renames.get(row.letter_key, row.letter_key): row for row in rows}
    next_key, next_at = upcoming(course, enrollment, rows)
    furthest = max((place for place, key in enumerate(course.keys) if key in made), default=-1)
    stories: list[LetterStory] = []
    before = ""
    for place, key in enumerate(course.keys):
        if key in made:
            told = _told(made.pop(key), key, enrollment, now)
        elif key == next_key and enrollment.state == EnrollmentState.ACTIVE:
            told = _due(key, before, next_at, now)
        elif place < furthest:
            why = "not sent: it came into the course after they had passed its place"
            told = LetterStory(key, DeliveryState.SKIPPED, None, why)
        else:
            told = _not_owed(key, before, person, enrollment)
        stories.append(told)
        before = key
    passed = [_told(row, key, enrollment, now) for key, row in made.items()]
    at = next((n for n, told in enumerate(stories) if told.state in (SCHEDULED, WAITING)), None)
    at = len(stories) if at is None else at
    return (*stories[:at], *passed, *stories[at:])


def _told(row: Record, key: str, enrollment: Record, now: datetime) -> LetterStory:
    state = DeliveryState(row.state)
    last = f" (last time: {row.detail})" if row.detail else ""
    if state in OPEN_STATES:
        at = row.handed_at or row.retry_at or row.due_at
        return LetterStory(key, state, at, _under_way(row, enrollment, now) + last)
    because = f": {row.detail}" if row.detail else ""
    why = {
        DeliveryState.SENT: "sent: the provider accepted it",
        DeliveryState.IN_DOUBT: f"in doubt: it may have arrived, so it is not sent again{because}",
        DeliveryState.FAILED: (
            "held: the provider refused it" + because
            if enrollment.state == EnrollmentState.HELD
            else "not sent: the provider refused it" + because
        ),
        DeliveryState.CANCELLED: f"not sent{because} before it was handed over",
        DeliveryState.SKIPPED: f"not sent{because}",
    }[state]
    return LetterStory(key, state, row.settled_at, why)


def _under_way(row: Record, enrollment: Record, now: datetime) -> str:
    if row.state == DeliveryState.HANDING:
        return "under way: it is being handed to the provider"
    if row.state == DeliveryState.CLAIMED:
        return "under way: a worker is about to send it"
    if enrollment.state != EnrollmentState.ACTIVE:
        return f"waiting: the course is {enrollment.state} for them"
    if row.retry_at is not None and row.retry_at > now:
        return f"waiting: it is tried again {_shown(row.retry_at)}"
    return "due: the next worker sends it"


def _due(key: str, before: str, next_at: datetime | None, now: datetime) -> LetterStory:
    if next_at is None:
        return LetterStory(key, WAITING, None, f"waiting: comes after {before}")
    if next_at <= now:
        why = "due: the next worker sends it"
    else:
        why = f"scheduled: falls due {_shown(next_at)}"
    return LetterStory(key, SCHEDULED, next_at, why)


def _not_owed(key: str, before: str, person: Record, enrollment: Record) -> LetterStory:
    if enrollment.state == EnrollmentState.STOPPED:
        why = WHY_LEFT.get(person.state, "their course was stopped")
        since = person.left_at or enrollment.changed_at
        why = f"not sent: {why} on {_shown(since)}, before it was sent"
        return LetterStory(key, DeliveryState.CANCELLED, since, why)
    if enrollment.state == EnrollmentState.COMPLETED:
        why = "not sent: it came into the course after they had completed it"
        return LetterStory(key, DeliveryState.SKIPPED, None, why)
    after = f"comes after {before}" if before else "comes first"
    stopped = {
        EnrollmentState.PAUSED: f"; they paused the course on {_shown(enrollment.changed_at)}",
        EnrollmentState.HELD: "; the course is held until the operator resumes it",
    }.get(enrollment.state, "")
    return LetterStory(key, WAITING, None, f"waiting: {after}{stopped}")


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
