"""What an answer means for a delivery and its course: decided here, without a database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from worker.model import DeliveryState, EnrollmentState, Verdict
from worker.store.schema import Record

FIRST_BACK_OFF = timedelta(seconds=10)
LONGEST_BACK_OFF = timedelta(hours=1)

NOT_BEGUN = "not_begun"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known about one hand-over.

    Attributes:
        outcome: a verdict, or ``NOT_BEGUN``: the provider never saw it.
    """

    outcome: str
    detail: str = ""
    address_at_fault: bool = False
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The row changes that an answer leads to.

    Attributes:
        paces: the course goes on from this hand-over.
        enrollment: the enrollment's new state; ``None`` leaves it.
        retry_at: when a planned letter is tried again; ``None`` freezes it.
    """

    state: DeliveryState
    paces: bool = False
    enrollment: EnrollmentState | None = None
    retry_at: datetime | None = None
    bounced: bool = False


def back_off(delivery_id: str, turn: int, retry_after: timedelta | None) -> timedelta:
    """Return how long to wait after a definite refusal for now.

    Doubles from ``FIRST_BACK_OFF``, of which it is half to all: that jitter follows from the
    delivery and the turn, so that letters refused together do not come back together.

    Args:
        delivery_id: whose letter it is.
        turn: 1 for the first refusal in a row.
        retry_after: the least that the provider asked for.
    """
    seed = int.from_bytes(sha256(f"{delivery_id} {turn}".encode()).digest()[:4], "big")
    full = min(FIRST_BACK_OFF * (1 << min(turn - 1, 20)), LONGEST_BACK_OFF)
    return max(full * (0.5 + seed / 2**33), retry_after or timedelta())


def change_for(row: Record, answer: Answer, now: datetime, *, moved_on: bool) -> Change:
    """Return what an answer changes: the one place where a delivery's fate is decided.

    Args:
        row: the delivery with its ``enrollment`` state and ``present_run``.
        answer: what the provider said, or nobody.
        now: the calendar's instant.
        moved_on: something later was made for this run, or the course was restarted.
    """
    if answer.outcome in (Verdict.ACCEPTED, Verdict.UNKNOWN):
        accepted = answer.outcome == Verdict.ACCEPTED
        state = DeliveryState.SENT if accepted else DeliveryState.IN_DOUBT
        return Change(state, paces=row.state == DeliveryState.HANDING)
    if answer.outcome == Verdict.REFUSED:
        if answer.address_at_fault:
            return Change(DeliveryState.FAILED, bounced=True)
        holds = not moved_on and row.enrollment in _GOES_ON
        return Change(DeliveryState.FAILED, enrollment=EnrollmentState.HELD if holds else None)
    if moved_on:
        return Change(DeliveryState.FAILED)
    if row.enrollment == EnrollmentState.STOPPED:
        return Change(DeliveryState.CANCELLED)
    if row.enrollment not in _GOES_ON:
        return Change(DeliveryState.PLANNED)
    retry_at = row.due_at  # not begun: as due as it was
    if answer.outcome == Verdict.DEFERRED:
        retry_at = now + back_off(row.id, row.deferrals + 1, answer.retry_after)
    return Change(DeliveryState.PLANNED, enrollment=EnrollmentState.ACTIVE, retry_at=retry_at)


_GOES_ON = (EnrollmentState.ACTIVE, EnrollmentState.COMPLETED)
"""A finale in doubt completed its run; a late refusal opens it again."""
