"""What commands answer: where people stand, and what the ledger holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from worker.model.states import Decision, DeliveryState, EnrollmentState, SubscriberState


@dataclass(frozen=True, slots=True)
class EnrollmentStanding:
    """Where one person stands in one course.

    Attributes:
        next: key of the letter that comes next; ``None`` when none does.
        next_at: when it is due; ``None`` while it is under way or the course does not go on.
        sent: keys handed over in this run, in order, as they are called now.
        reflections: keys of the lessons reflected on in this run.
    """

    course: str
    run: int
    state: EnrollmentState
    next: str | None
    next_at: datetime | None
    sent: tuple[str, ...]
    reflections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """One person and every course they take."""

    address: str
    name: str
    timezone: str
    state: SubscriberState
    enrollments: tuple[EnrollmentStanding, ...]


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One row of the ledger as ``deliveries list`` shows it."""

    id: str
    address: str
    course: str
    letter: str
    state: DeliveryState
    due_at: datetime
    handed_at: datetime | None
    settled_at: datetime | None
    attempts: int
    message_id: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an operator decided about a letter.

    Attributes:
        was: the state that the letter was in.
        state: the one it is in now.
    """

    id: str
    was: DeliveryState
    decision: Decision
    state: DeliveryState


@dataclass(frozen=True, slots=True)
class ReflectionRecord:
    """What somebody wrote about one lesson, as ``reflections`` shows it.

    Attributes:
        address: whose lesson it is.
        lesson: its key, as it is called now.
        verified: it came back to that person's letter, from them, and their domain vouched for it.
        from_subscriber: the sender's address is that person's; such words are given back.
        message_id: of the mail, with its angle brackets; empty when it had none.
    """

    address: str
    course: str
    lesson: str
    text: str
    received_at: datetime
    verified: bool
    from_subscriber: bool
    message_id: str


@dataclass(frozen=True, slots=True)
class LetterStory:
    """Why one letter was or was not sent to one person.

    Attributes:
        state: a delivery's state, or ``"scheduled"`` or ``"waiting"`` for letters not owed yet.
        at: when it came into that state, or when it is due; ``None`` when nobody can know.
        why: one sentence for a person.
    """

    letter: str
    state: str
    at: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class CourseStory:
    """The letters of one course, in order, for one person."""

    course: str
    letters: tuple[LetterStory, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything the ledger knows about one address."""

    address: str
    courses: tuple[CourseStory, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """The ledger's counts; owed is the sum of the others.

    Attributes:
        violations: invariants that do not hold, one sentence each.
        late: what is left lying because no worker looks; it breaks no promise.
    """

    owed: int
    pending: int
    sent: int
    failed: int
    in_doubt: int
    cancelled: int
    skipped: int
    violations: tuple[str, ...]
    late: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LetterStats:
    """What became of one letter, counted in people over all their runs.

    Attributes:
        letter: its key as it is called now.
        owed: it fell due to them.
        sent: a provider accepted it.
        delivered: a receiving server took it; ``None`` where no provider ever told so.
        reflected: they wrote about it, from their own address.
        left: it was the last one handed over to them before they stopped.
    """

    letter: str
    owed: int
    sent: int
    delivered: int | None
    reflected: int
    left: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why enrollments stopped; ``course`` is leaving this one course only."""

    unsubscribed: int = 0
    bounced: int = 0
    complained: int = 0
    course: int = 0


@dataclass(frozen=True, slots=True)
class CourseStats:
    """How a course goes: enrollments by state, and the funnel through its letters.

    Attributes:
        enrolled: everybody; the sum of the states.
        letters: the newest edition's in order, then those that only former ones had.
    """

    course: str
    enrolled: int
    active: int
    paused: int
    held: int
    completed: int
    stopped: Stopped
    letters: tuple[LetterStats, ...]
