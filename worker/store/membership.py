"""Whom a link in a letter is about: one person in one course."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, exists, select

from worker.errors import UnknownSubscriber
from worker.model import EnrollmentState, PublishedCourse, SubscriberState
from worker.store.editions import Editions
from worker.store.leaving import LEFT_STATES
from worker.store.locking import lock_people_of
from worker.store.schema import courses, enrollments, subscribers
from worker.store.types import Record

GOING_ON = (EnrollmentState.ACTIVE, EnrollmentState.PAUSED, EnrollmentState.HELD)

ERASED_DOMAIN = "erased.invalid"
"""A domain that no mail can go to (RFC 6761, 6.4)."""


@dataclass(frozen=True, slots=True)
class Membership:
    """One person in one course, as far as whoever holds a link of theirs may know.

    Attributes:
        course: its newest edition.
        takes_others: another course of theirs goes on.
        is_erased: they asked for everything about them to be erased.
    """

    enrollment_id: int
    subscriber_id: int
    course: PublishedCourse
    subscriber: SubscriberState
    state: EnrollmentState
    takes_others: bool
    is_erased: bool

    @property
    def has_left(self) -> bool:
        """Whether nothing is sent to this person any more."""
        return self.subscriber in LEFT_STATES

    @property
    def goes_on(self) -> bool:
        """Whether letters of this course may still come, now or after a pause."""
        return self.subscriber == SubscriberState.ACTIVE and self.state in GOING_ON

    @property
    def stays(self) -> bool:
        """Whether this person has not left this course, though it may be completed."""
        return self.subscriber == SubscriberState.ACTIVE and self.state != EnrollmentState.STOPPED


def find_membership(
    connection: Connection, editions: Editions, enrollment_id: int
) -> Membership | None:
    """Return whom an enrollment is about; ``None`` where there is no such enrollment."""
    row = connection.execute(
        select(
            enrollments.c.subscriber_id,
            enrollments.c.state,
            subscribers.c.state.label("subscriber"),
            subscribers.c.address,
            courses.c.edition_id,
        )
        .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
        .join(courses, courses.c.id == enrollments.c.course_id)
        .where(enrollments.c.id == enrollment_id)
    ).one_or_none()
    if row is None:
        return None
    others = exists().where(
        enrollments.c.subscriber_id == row.subscriber_id,
        enrollments.c.id != enrollment_id,
        enrollments.c.state.in_(GOING_ON),
    )
    return Membership(
        enrollment_id=enrollment_id,
        subscriber_id=row.subscriber_id,
        course=editions.edition(connection, row.edition_id),
        subscriber=SubscriberState(row.subscriber),
        state=EnrollmentState(row.state),
        takes_others=bool(connection.scalar(select(others))),
        is_erased=is_erased(row.address),
    )


def enrollment_row(connection: Connection, enrollment_id: int) -> Record:
    """Lock a person; return the enrollment with their state and its course's newest edition.

    Raises:
        UnknownSubscriber: there is no such enrollment.
    """
    lock_people_of(connection, [enrollment_id])
    row = connection.execute(
        select(enrollments, subscribers.c.state.label("subscriber"), courses.c.edition_id)
        .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
        .join(courses, courses.c.id == enrollments.c.course_id)
        .where(enrollments.c.id == enrollment_id)
        .with_for_update(of=enrollments)
    ).one_or_none()
    if row is None:
        raise UnknownSubscriber("nobody here is enrolled by that link")
    return row


def erased_address(subscriber_id: int) -> str:
    """Return what stands in the place of an erased person's address."""
    return f"erased-{subscriber_id}@{ERASED_DOMAIN}"


def is_erased(address: str) -> bool:
    """Tell whether an address is one that stands for an erased person."""
    return address.endswith(f"@{ERASED_DOMAIN}")
