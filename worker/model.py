"""The values that flow through ``worker``; every instant is an aware datetime in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Protocol

from course.model import Kind, Letter, Schedule, Sender


class SubscriberState(StrEnum):
    """Whether a person may be written to at all."""

    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class EnrollmentState(StrEnum):
    """Whether a person's course goes on; only ``ACTIVE`` ones fall due."""

    ACTIVE = "active"
    PAUSED = "paused"
    HELD = "held"
    COMPLETED = "completed"
    STOPPED = "stopped"


class DeliveryState(StrEnum):
    """The life of a delivery: planned, claimed, handing, then one of the rest."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    HANDING = "handing"
    SENT = "sent"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


OPEN_STATES = (DeliveryState.PLANNED, DeliveryState.CLAIMED, DeliveryState.HANDING)
PACING_STATES = (DeliveryState.SENT, DeliveryState.IN_DOUBT)


class Clock(Protocol):
    """The three clocks of a running installation.

    ``now`` is the calendar's: what is due, and every date that a person sees. ``wall`` is the
    machine's: leases and deadlines, also while the calendar is driven by a rehearsal. ``boot``
    counts seconds, sleep included, and is never set.
    """

    def now(self) -> datetime:
        """Return the calendar's instant."""

    def wall(self) -> datetime:
        """Return the machine's instant."""

    def boot(self) -> float:
        """Return seconds since some fixed moment of this boot."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading of the clocks that a transaction works with."""

    now: datetime
    wall: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to enroll, as a list or a form names them; already validated.

    Attributes:
        address: normalised: local part casefolded, domain in IDNA (``worker.lists``).
        timezone: IANA name; ``None`` for the course's.
        send_at: local time; ``None`` for the course's.
        start: the local date of the welcome; ``None`` for at once.
    """

    address: str
    name: str = ""
    timezone: str | None = None
    send_at: time | None = None
    start: date | None = None


class EnrollResult(StrEnum):
    """What became of one person of a list."""

    ENROLLED = "enrolled"
    ALREADY = "already"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class PublishedCourse:
    """A course's newest edition without its letters' bytes.

    Attributes:
        keys: letter keys in order, welcome first, finale last.
        letter_ids: the stored letters' ids, in the same order.
        renames: pairs of (former key, key).
    """

    slug: str
    title: str
    edition_id: int
    digest: str
    sender: Sender
    schedule: Schedule
    keys: tuple[str, ...]
    letter_ids: tuple[int, ...]
    renames: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A published letter with what composing needs of its edition."""

    id: int
    course: str
    course_title: str
    sender: Sender
    letter: Letter


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this owner holds under a lease, with whom it goes to.

    Attributes:
        epoch: grows by one with every claim; a transition by a former owner does nothing.
        due_at: when the letter fell due.
    """

    id: str
    epoch: int
    enrollment_id: int
    run: int
    address: str
    name: str
    letter_id: int
    letter_key: str
    kind: Kind
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Gated:
    """A claimed delivery that passed the gate: its hand-over is on record.

    Attributes:
        attempt_id: the one live attempt.
        gated_at: the calendar's instant of the gate, the letter's Date.
    """

    claimed: Claimed
    attempt_id: int
    gated_at: datetime


class Verdict(StrEnum):
    """A provider's answer to one message."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known after a message was handed to a provider.

    ``DEFERRED`` and ``REFUSED`` are definite: the provider does not have the message. ``UNKNOWN``
    means it may have it.

    Attributes:
        detail: the provider's own words or the fault's name; no address, no content.
        address_at_fault: a refusal because this address cannot receive mail.
        retry_after: what the provider asked for, if it did.
    """

    verdict: Verdict
    detail: str = ""
    address_at_fault: bool = False
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One filled letter on its way to a provider.

    Attributes:
        delivery_id: the delivery it belongs to; for a test letter any unique text.
        mime: the whole message, CRLF line ends, ASCII.
    """

    delivery_id: str
    sender: str
    recipient: str
    mime: bytes


class Provider(Protocol):
    """Carries messages to the outside.

    ``reaches_people`` is false where letters stay on this machine, so that a rehearsal may run.
    """

    reaches_people: bool

    def send(self, message: Message) -> Outcome:
        """Hand over one message; every fault of the network is an outcome, never an exception."""

    def close(self) -> None:
        """Let go of connections; the provider may be used again afterwards."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What one round of delivering did; adds up.

    ``cancelled`` counts rows that the gate found not to be receivable any more.
    """

    claimed: int = 0
    sent: int = 0
    failed: int = 0
    in_doubt: int = 0
    cancelled: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.claimed + other.claimed,
            self.sent + other.sent,
            self.failed + other.failed,
            self.in_doubt + other.in_doubt,
            self.cancelled + other.cancelled,
        )


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
    """

    owed: int
    pending: int
    sent: int
    failed: int
    in_doubt: int
    cancelled: int
    skipped: int
    violations: tuple[str, ...]
