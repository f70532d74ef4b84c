"""Why each letter was or was not sent to one person, in sentences that its state goes before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from course.model import NUDGE
from worker.errors import UnknownSubscriber
from worker.model import (
    OPEN_STATES,
    CourseStory,
    Decision,
    DeliveryState,
    EnrollmentState,
    Explanation,
    LetterStory,
    News,
    PublishedCourse,
)
from worker.progress import called_now
from worker.store.beating import at_work
from worker.store.deciding import decided_about
from worker.store.editions import Editions
from worker.store.fate import Told, strongest
from worker.store.leaving import WHY_COURSE_LEFT, WHY_LEFT
from worker.store.news import Heard, heard_of
from worker.store.reports import deliveries_of, enrollments_of, upcoming, wait_of
from worker.store.schema import subscribers
from worker.store.types import Record
from worker.watch import held_back

SCHEDULED = "scheduled"
WAITING = "waiting"

CAME_TOO_LATE = "it came into the course after they had passed its place"


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record beside a person's letters.

    Attributes:
        heard: by a letter's id, what its provider told.
        decided: by a letter's id, what operators decided.
        held_back: why no worker hands letters over; empty while one does.
    """

    now: datetime
    heard: Heard
    decided: Mapping[str, Sequence[Record]]
    held_back: str

    @property
    def due(self) -> str:
        """Say what a letter waits for that is due."""
        if self.held_back:
            return f"due, and held back: {self.held_back}; it goes on by itself"
        return "due: the next worker sends it"


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
    ids = [row.id for rows in history.values() for row in rows]
    known = Known(
        now,
        heard_of(connection, ids),
        decided_about(connection, ids),
        held_back(at_work(connection), now),
    )
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
                    known,
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
    known: Known,
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
            told = _told(row, key, person, enrollment, known)
        elif key == next_key and enrollment.state == EnrollmentState.ACTIVE:
            told = _due(key, before, next_at, known, waits=wait is not None)
        elif place < furthest:
            told = LetterStory(key, DeliveryState.SKIPPED, None, CAME_TOO_LATE)
        else:
            told = _not_owed(key, before, person, enrollment)
        stories.append(told)
        if key + NUDGE in made:
            row = made.pop(key + NUDGE)
            told = _told(row, key + NUDGE, person, enrollment, known)
            stories.append(told)
        elif wait is not None and wait.nudge_at and wait.waits_on == key:
            stories.append(_nudge(key, wait.nudge_at, known))
        before = key
    passed = [_told(row, key, person, enrollment, known) for key, row in made.items()]
    at = next((n for n, told in enumerate(stories) if told.state in (SCHEDULED, WAITING)), None)
    at = len(stories) if at is None else at
    return (*stories[:at], *passed, *stories[at:])


def _told(row: Record, key: str, person: Record, enrollment: Record, known: Known) -> LetterStory:
    state = DeliveryState(row.state)
    heard = known.heard.get(row.id, ())
    decisions = known.decided.get(row.id, ())
    decided = _decided(decisions)
    last = f" (last time: {row.detail})" if row.detail else ""
    if state in OPEN_STATES:
        at = row.handed_at or row.retry_at or row.due_at
        why = _under_way(row, person, enrollment, known) + last + decided
        return LetterStory(key, state, at, why)
    because = f": {row.detail}" if row.detail else ""
    settle = f"lettercourse deliveries settle {row.id} --as sent|resend|failed"
    why = {
        DeliveryState.SENT: _taken(decisions) + _afterwards(row, heard),
        DeliveryState.IN_DOUBT: f"it may have arrived, so it is not sent again{because}; {settle}",
        DeliveryState.FAILED: _failed(person, enrollment, heard, decisions, because),
        DeliveryState.CANCELLED: f"{row.detail} before it was handed over",
        DeliveryState.SKIPPED: row.detail,
    }[state]
    return LetterStory(key, state, row.settled_at, why + decided)


def _taken(decided: Sequence[Record]) -> str:
    if decided and decided[-1].decision == Decision.SENT:
        return "the operator says that it arrived"
    return "the provider accepted it"


def _decided(decided: Sequence[Record]) -> str:
    """Return who decided what about a letter, and when; empty where nobody did."""
    words = (
        f"; {each.operator} settled it as {each.decision} on {_shown(each.decided_at)}"
        + (f": {each.detail}" if each.detail else "")
        for each in decided
    )
    return "".join(words)


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


def _failed(
    person: Record,
    enrollment: Record,
    heard: Sequence[Told],
    decided: Sequence[Record],
    because: str,
) -> str:
    last = strongest(each for each in heard if each.undelivered)
    if last is not None:
        why = "bounced" if last.news is News.BOUNCED else "the provider dropped it"
    elif decided and decided[-1].decision == Decision.FAILED:
        why = "the operator says that it did not arrive"
    else:
        why = "the provider refused it"
    held = enrollment.state == EnrollmentState.HELD
    return why + because + (f"; {_resume(person)}" if held else "")


def _resume(person: Record) -> str:
    return f"the course is held until: lettercourse subscribers resume {person.address}"


def _under_way(row: Record, person: Record, enrollment: Record, known: Known) -> str:
    if row.state == DeliveryState.HANDING:
        return "it is being handed to the provider"
    if row.state == DeliveryState.CLAIMED:
        return "a worker is about to send it"
    if enrollment.state == EnrollmentState.HELD:
        return _resume(person)
    if enrollment.state != EnrollmentState.ACTIVE:
        return f"the course is {enrollment.state} for them"
    if row.retry_at is not None and row.retry_at > known.now:
        return f"it is tried again {_shown(row.retry_at)}"
    return known.due


def _due(
    key: str, before: str, next_at: datetime | None, known: Known, *, waits: bool
) -> LetterStory:
    if next_at is None:
        return LetterStory(key, WAITING, None, f"comes after {before}")
    if next_at <= known.now:
        why = known.due
    elif waits:
        why = f"waits for their reflection until {_shown(next_at)}"
    else:
        why = f"falls due {_shown(next_at)}"
    return LetterStory(key, SCHEDULED, next_at, why)


def _nudge(lesson: str, at: datetime, known: Known) -> LetterStory:
    why = f"reminds them on {_shown(at)} if no reflection comes before"
    return LetterStory(lesson + NUDGE, SCHEDULED, at, known.due if at <= known.now else why)


def _not_owed(key: str, before: str, person: Record, enrollment: Record) -> LetterStory:
    if enrollment.state == EnrollmentState.STOPPED:
        why = WHY_LEFT.get(person.state, WHY_COURSE_LEFT)
        since = person.left_at or enrollment.changed_at
        why = f"{why} on {_shown(since)}, before it was sent"
        return LetterStory(key, DeliveryState.CANCELLED, since, why)
    if enrollment.state == EnrollmentState.COMPLETED:
        why = "it came into the course after they had completed it"
        return LetterStory(key, DeliveryState.SKIPPED, None, why)
    after = f"comes after {before}" if before else "comes first"
    stopped = {
        EnrollmentState.PAUSED: f"; they paused the course on {_shown(enrollment.changed_at)}",
        EnrollmentState.HELD: f"; {_resume(person)}",
    }.get(enrollment.state, "")
    return LetterStory(key, WAITING, None, after + stopped)


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
