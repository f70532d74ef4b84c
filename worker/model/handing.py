"""A letter on its way: claimed, gated, handed to a provider, answered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from course.model import Kind, Letter, Sender
from course.segments import Values
from worker.model.states import NoticePurpose


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this owner holds under a lease, with whom it goes to.

    Attributes:
        epoch: grows by one with every claim; a transition by a former owner does nothing.
        edition_id: of which edition the letter is.
        due_at: when the letter fell due.
    """

    id: str
    epoch: int
    enrollment_id: int
    subscriber_id: int
    run: int
    address: str
    name: str
    edition_id: int
    letter_id: int
    letter_key: str
    kind: Kind
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Gated:
    """A claimed delivery that passed the gate: its hand-over is on record.

    Attributes:
        attempt_id: the one live attempt.
        number: which hand-over of this delivery it is, from 1.
        gated_at: the calendar's instant of the gate, the letter's Date.
        reflections: by letter key as it is called now, what the person wrote in this run; only a
            finale has the words, any other letter as much as tells that there are some.
    """

    claimed: Claimed
    attempt_id: int
    number: int
    gated_at: datetime
    reflections: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DueNotice:
    """A piece of service mail that passed its gate: its hand-over is on record.

    Attributes:
        subject_id: what it is about: a consent, an enrollment, a reply.
        enrollment_id: the person's in the notice's course; ``None`` when they do not take it.
        attempt: which hand-over this is; an answer to another one changes nothing.
        handed_at: the calendar's instant of the gate, the mail's Date.
    """

    id: str
    purpose: NoticePurpose
    detail: str
    subject_id: int | None
    enrollment_id: int | None
    address: str
    name: str
    course_title: str
    language: str
    sender: Sender
    attempt: int
    handed_at: datetime


class Verdict(StrEnum):
    """A provider's answer to one message; ``NOT_BEGUN`` is our own: its turn did not come."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_BEGUN = "not_begun"


class Fault(StrEnum):
    """What an outcome says about the provider itself, and so about every other letter.

    ``DOWN``: it cannot be reached, or breaks off. ``CREDENTIALS``: it does not let us in.
    ``RATE``: we are too fast for it.
    """

    DOWN = "down"
    CREDENTIALS = "credentials"
    RATE = "rate"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known after a message was handed to a provider.

    ``DEFERRED``, ``REFUSED`` and ``NOT_BEGUN`` are definite: the provider does not have the
    message. ``UNKNOWN`` means it may have it.

    Attributes:
        detail: the provider's own words or the fault's name; no address, no content.
        address_at_fault: a refusal because this address cannot receive mail.
        retry_after: what the provider asked for, if it did.
        fault: set when not this letter but the provider is the reason.
    """

    verdict: Verdict
    detail: str = ""
    address_at_fault: bool = False
    retry_after: timedelta | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a message was filled from, for providers that build the message themselves."""

    letter: Letter
    values: Values
    author: Sender


@dataclass(frozen=True, slots=True)
class Message:
    """One filled letter on its way to a provider.

    Attributes:
        delivery_id: the delivery it belongs to; for a test letter any unique text.
        sender: the envelope's: where a bounce goes.
        mime: the whole message, CRLF line ends, ASCII.
    """

    delivery_id: str
    sender: str
    recipient: str
    mime: bytes
    content: Content | None = None


def never() -> bool:
    """Return ``False``: nobody asks us to stop."""
    return False


class Provider(Protocol):
    """Carries messages to the outside.

    ``reaches_people`` is false where letters stay on this machine, so that a rehearsal may run.
    ``at_once`` is how many messages go into one hand-over: 1 means ``send``. They are copies of one
    letter, unless it ``mixes`` letters. ``keeps_copies`` is whether it has anything to ``forget``.
    """

    reaches_people: bool
    at_once: int
    mixes: bool
    keeps_copies: bool

    def send(self, message: Message) -> Outcome:
        """Hand over one message; every fault of the network is an outcome, never an exception."""

    def send_all(
        self, messages: Sequence[Message], stopping: Callable[[], bool] = never
    ) -> Sequence[Outcome]:
        """Hand over up to ``at_once`` messages; answers in their order.

        What is not begun within a few seconds, so that its gate has grown old, or when somebody
        is ``stopping``, is ``NOT_BEGUN``; unless that is so, at least one message of a call gets
        another answer.
        """

    def forget(self, delivery_ids: Collection[str]) -> None:
        """Remove the copies that were kept here, because their person asked to be erased."""

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
