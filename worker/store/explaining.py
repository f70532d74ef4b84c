"""Why each letter was or was not sent to one person, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from course.model import NUDGE
from worker.errors import UnknownSubscriber
from worker.model import (
    OPEN_STATES,
    CourseStory,
    DeliveryState,
    EnrollmentState,
    Explanation,
    LetterStory,
    News,
    PublishedCourse,
)
from worker.store.editions import Editions
from worker.store.fate import Told, strongest
from worker.store.leaving import WHY_COURSE_LEFT, WHY_LEFT
from worker.store.news import Heard, heard_of
from worker.store.progress import called_now
from worker.store.reports import deliveries_of, enrollments_of, upcoming, wait_of
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
    heard = heard_of(connection, [row.id for rows in history.values() for row in rows])
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
                    heard,
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
    heard: Heard,
    now: datetime,
) -> tuple[LetterStory, ...]:
    """Return the newest edition's letters in order, those it no longer has where they fell due."""
    renames = dict(course.renames)
    made = {called_now(renames, row.letter_key): row for row in rows}
    next_key, next_at = upcoming(course, enrollment, rows)
    wait = wait_of(course, enrollment, rows)
    furthest = max((place for place, key in enumerate(course.keys) if key in made), default=-1)
    stories: list[LetterStory] = []
    before = ""
    for place, key in enumerate(course.keys):
        if key in made:
            row = made.pop(key)
            told = _told(row, key, enrollment, heard.get(row.id, ()), now)
        elif key == next_key and enrollment.state == EnrollmentState.ACTIVE:
            told = _due(key, before, next_at, now, waits=wait is not None)
        elif place < furthest:
            why = "not sent: it came into the course after they had passed its place"
            told = LetterStory(key, DeliveryState.SKIPPED, None, why)
        else:
            told = _not_owed(key, before, person, enrollment)
        stories.append(told)
        if key + NUDGE in made:
            row = made.pop(key + NUDGE)
            told = _told(row, key + NUDGE, enrollment, heard.get(row.id, ()), now)
            stories.append(told)
        elif wait is not None and wait.nudge_at and wait.waits_on == key:
            stories.append(_nudge(key, wait.nudge_at, now))
        before = key
    passed = [_told(row, key, enrollment, heard.get(row.id, ()), now) for key, row in made.items()]
    at = next((n for n, told in enumerate(stories) if told.state in (SCHEDULED, WAITING)), None)
    at = len(stories) if at is None else at
    return (*stories[:at], *passed, *stories[at:])


def _told(
    row: Record, key: str, enrollment: Record, heard: Sequence[Told], now: datetime
) -> LetterStory:
    state = DeliveryState(row.state)
    last = f" (last time: {row.detail})" if row.detail else ""
    if state in OPEN_STATES:
        at = row.handed_at or row.retry_at or row.due_at
        return LetterStory(key, state, at, _under_way(row, enrollment, now) + last)
    because = f": {row.detail}" if row.detail else ""
    why = {
        DeliveryState.SENT: "sent: the provider accepted it" + _afterwards(row, heard),
        DeliveryState.IN_DOUBT: f"in doubt: it may have arrived, so it is not sent again{because}",
        DeliveryState.FAILED: _failed(enrollment, heard) + because,
        DeliveryState.CANCELLED: f"not sent{because} before it was handed over",
        DeliveryState.SKIPPED: f"not sent{because}",
    }[state]
    return LetterStory(key, state, row.settled_at, why)


def _afterwards(row: Record, heard: Sequence[Told]) -> str:
    """Return what events told of a letter that was sent."""
    last = strongest(each for each in heard if not each.undelivered)
    words = "" if last is None else _AFTERWARDS.get(last.news, "")
    if last is not None and last.news is News.BLOCKED and last.detail:
        words += f": {last.detail}"
    delivered = f"; delivered at {_shown(row.delivered_at)}" if row.delivered_at else ""
    return delivered + words


_AFTERWARDS = {
    News.BLOCKED: "; blocked by the receiving server",
    News.UNSUBSCRIBED: "; they unsubscribed from it",
    News.COMPLAINED: "; they complained about it",
}


def _failed(enrollment: Record, heard: Sequence[Told]) -> str:
    last = strongest(each for each in heard if each.undelivered)
    begins = "held" if enrollment.state == EnrollmentState.HELD else "not sent"
    if last is None:
        return f"{begins}: the provider refused it"
    if last.news is News.BOUNCED:
        return "not delivered: bounced"
    return f"{begins}: the provider dropped it"


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


def _due(
    key: str, before: str, next_at: datetime | None, now: datetime, *, waits: bool
) -> LetterStory:
    if next_at is None:
        return LetterStory(key, WAITING, None, f"waiting: comes after {before}")
    if next_at <= now:
        why = "due: the next worker sends it"
    elif waits:
        why = f"scheduled: waits for their reflection until {_shown(next_at)}"
    else:
        why = f"scheduled: falls due {_shown(next_at)}"
    return LetterStory(key, SCHEDULED, next_at, why)


def _nudge(lesson: str, at: datetime, now: datetime) -> LetterStory:
    why = f"scheduled: reminds them on {_shown(at)} if no reflection comes before"
    if at <= now:
        why = "due: the next worker sends it"
    return LetterStory(lesson + NUDGE, SCHEDULED, at, why)


def _not_owed(key: str, before: str, person: Record, enrollment: Record) -> LetterStory:
    if enrollment.state == EnrollmentState.STOPPED:
        why = WHY_LEFT.get(person.state, WHY_COURSE_LEFT)
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
