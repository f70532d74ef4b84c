"""What an answer means for a delivery and its course: decided here, without a database.

A provider answers twice: at the hand-over, and later by events. What events tell outweighs what was
known, in whatever order they come: a letter that did not reach its person is ``failed``, any other
that they speak of is ``sent``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from course.errors import one_line
from worker.model import PACING_STATES, DeliveryState, EnrollmentState, News, Outcome, Verdict
from worker.store.types import Record

FIRST_BACK_OFF = timedelta(seconds=10)
LONGEST_BACK_OFF = timedelta(hours=1)

LONGEST_DETAIL = 500


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


Settled = Sequence[tuple[Record, Outcome, Change]]
"""Deliveries, what is known of their hand-overs, and what that changes."""

STRENGTH = (
    News.ACCEPTED,
    News.DELIVERED,
    News.BLOCKED,
    News.UNSUBSCRIBED,
    News.COMPLAINED,
    News.DROPPED,
    News.BOUNCED,
)
"""Which of several pieces of news is the one to tell, weakest first; others say nothing."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one event says about a letter.

    Attributes:
        undelivered: the letter did not reach its person.
    """

    news: News
    undelivered: bool
    occurred_at: datetime
    detail: str


def strongest(told: Iterable[Told]) -> Told | None:
    """Return the piece of news that settles a letter: the same in whatever order they came."""
    return max(
        (each for each in told if each.news in STRENGTH),
        key=lambda each: (
            each.undelivered,
            STRENGTH.index(each.news),
            -each.occurred_at.timestamp(),
            each.detail,
        ),
        default=None,
    )


def answer_of(told: Told) -> Outcome:
    """Return what a piece of news that settles a letter says about its hand-over."""
    return Outcome(
        Verdict.REFUSED if told.undelivered else Verdict.ACCEPTED,
        told.detail,
        address_at_fault=told.news is News.BOUNCED,
    )


def shortened(detail: str) -> str:
    """Return a provider's words as a row keeps them."""
    return one_line(detail)[:LONGEST_DETAIL]


def back_off(delivery_id: str, turn: int, retry_after: timedelta | None) -> timedelta:
    """Return how long to wait after a definite refusal for now.

    Doubles from ``FIRST_BACK_OFF``, of which it is half to all: that jitter follows from the
    delivery and the turn, so that letters refused together do not come back together. What the
    provider asked for, which is the same for all of them, is spread over half as long again.

    Args:
        delivery_id: whose letter it is.
        turn: 1 for the first refusal in a row.
        retry_after: the least that the provider asked for.
    """
    seed = int.from_bytes(sha256(f"{delivery_id} {turn}".encode()).digest()[:4], "big") / 2**32
    full = min(FIRST_BACK_OFF * (1 << min(turn - 1, 20)), LONGEST_BACK_OFF)
    return max(full * (0.5 + seed / 2), (retry_after or timedelta()) * (1 + seed / 2))


def change_for(row: Record, answer: Outcome, now: datetime, *, moved_on: bool) -> Change:
    """Return what an answer changes: the one place where a delivery's fate is decided.

    Args:
        row: the delivery with its ``enrollment`` state and ``present_run``.
        answer: what is known of the hand-over, from whomever.
        now: the calendar's instant.
        moved_on: something later was made for this run, or the course was restarted.
    """
    if answer.verdict in (Verdict.ACCEPTED, Verdict.UNKNOWN):
        accepted = answer.verdict == Verdict.ACCEPTED
        state = DeliveryState.SENT if accepted else DeliveryState.IN_DOUBT
        held = row.state == DeliveryState.FAILED and row.enrollment == EnrollmentState.HELD
        return Change(
            state,
            paces=row.state not in PACING_STATES and not moved_on,
            enrollment=EnrollmentState.ACTIVE if held and not moved_on else None,
        )
    if answer.verdict == Verdict.REFUSED:
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
    if answer.verdict == Verdict.DEFERRED:
        retry_at = now + back_off(row.id, row.deferrals + 1, answer.retry_after)
    return Change(DeliveryState.PLANNED, enrollment=EnrollmentState.ACTIVE, retry_at=retry_at)


_GOES_ON = (EnrollmentState.ACTIVE, EnrollmentState.COMPLETED)
"""A finale in doubt completed its run; a late refusal opens it again."""
