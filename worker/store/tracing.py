"""Whose a mail is: the letter it answers, or at least the person it comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, null, select

from worker.pseudonyms import Digests
from worker.store.membership import is_erased
from worker.store.schema import courses, deliveries, enrollments, letters, notices, subscribers
from worker.store.suppressing import erased_among
from worker.store.types import Record


class Trace(StrEnum):
    """What led from a mail to a person, the surest first."""

    LEAVING = "leaving"
    TOKEN = "token"  # noqa: S105 - no secret
    REFERENCE = "reference"
    SENDER = "sender"


@dataclass(frozen=True, slots=True)
class Clues:
    """What a mail says about whose it is; each in the order in which it is to be believed.

    Attributes:
        leaving: enrollments whose unsubscribe address it was sent to.
        tokens: deliveries or notices whose reply or bounce address it was sent to.
        references: what looks like a delivery's Message-ID in its References; may be anything.
        sender: normalised; empty when it has none.
    """

    leaving: tuple[int, ...] = ()
    tokens: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose a mail is, and which letter it answers.

    Attributes:
        subscriber_id: ``None`` when only a hash is left of an erased person.
        address: whose letter it was; of somebody erased, not an address any more.
        enrollment_id: ``None`` when they take no course.
        run: of the letter.
        letter_key: as it was called then, a reminder's being its lesson's; ``None`` with
            ``delivery_id`` when no letter was ever sent to them.
        mail_id: what of ours it refers to: the delivery, or a notice; ``None`` when only its sender
            or an unsubscribe address leads here.
    """

    how: Trace
    subscriber_id: int | None
    address: str
    enrollment_id: int | None = None
    course_id: int | None = None
    course: str = ""
    run: int = 0
    letter_key: str | None = None
    delivery_id: str | None = None
    mail_id: str | None = None

    @property
    def is_erased(self) -> bool:
        """Whether this person asked that nothing about them is kept."""
        return self.subscriber_id is None or is_erased(self.address)


def trace(connection: Connection, digests: Digests, clues: Clues) -> Origin | None:
    """Return where a mail belongs by its first clue that leads anywhere; ``None``: a stranger's."""
    for enrollment_id in clues.leaving:
        row = connection.execute(_TAKING.where(enrollments.c.id == enrollment_id)).first()
        if row is not None:
            return _origin(Trace.LEAVING, row)
    for how, found in ((Trace.TOKEN, clues.tokens), (Trace.REFERENCE, clues.references)):
        for delivery_id in found:
            row = connection.execute(_LETTER.where(deliveries.c.id == delivery_id)).first()
            origin = _origin(how, row) if row else _about_notice(connection, how, delivery_id)
            if origin is not None:
                return origin
    return _by_sender(connection, digests, clues.sender) if clues.sender else None


def _about_notice(connection: Connection, how: Trace, notice_id: str) -> Origin | None:
    """Return whom service mail went to, with the newest letter of the course it was about."""
    notice = connection.execute(
        select(notices.c.subscriber_id, notices.c.course_id, subscribers.c.address)
        .join(subscribers, subscribers.c.id == notices.c.subscriber_id)
        .where(notices.c.id == notice_id)
    ).first()
    if notice is None:
        return None
    its = (enrollments.c.subscriber_id == notice.subscriber_id) & (
        enrollments.c.course_id == notice.course_id
    )
    row = _newest_letter(connection, its) or connection.execute(_TAKING.where(its)).first()
    if row is not None:
        return replace(_origin(how, row), mail_id=notice_id)
    person, course = notice.subscriber_id, notice.course_id
    return Origin(how, person, notice.address, course_id=course, mail_id=notice_id)


def _newest_letter(connection: Connection, whose: ColumnElement[bool]) -> Record | None:
    handed = _LETTER.where(whose, deliveries.c.handed_at.is_not(None))
    return connection.execute(handed.order_by(deliveries.c.handed_at.desc()).limit(1)).first()


def _by_sender(connection: Connection, digests: Digests, address: str) -> Origin | None:
    """Return the newest letter that a person was sent, else their newest course, else them."""
    theirs = subscribers.c.address == address
    row = _newest_letter(connection, theirs)
    if row is None:
        joined = _TAKING.where(theirs).order_by(enrollments.c.created_at.desc()).limit(1)
        row = connection.execute(joined).first()
    if row is not None:
        return _origin(Trace.SENDER, row)
    person = connection.scalar(select(subscribers.c.id).where(theirs))
    if person is not None:
        return Origin(Trace.SENDER, person, address)
    was_erased = bool(erased_among(connection, digests, [address]))
    return Origin(Trace.SENDER, None, "") if was_erased else None


def _origin(how: Trace, row: Record) -> Origin:
    return Origin(
        how=how,
        subscriber_id=row.subscriber_id,
        address=row.address,
        enrollment_id=row.enrollment_id,
        course_id=row.course_id,
        course=row.slug,
        run=row.run,
        letter_key=row.letter_key,
        delivery_id=row.delivery_id,
        mail_id=row.delivery_id if how in (Trace.TOKEN, Trace.REFERENCE) else None,
    )


_PERSON = (
    enrollments.c.id.label("enrollment_id"),
    enrollments.c.course_id,
    courses.c.slug,
    subscribers.c.id.label("subscriber_id"),
    subscribers.c.address,
)
_JOINED = enrollments.join(subscribers, subscribers.c.id == enrollments.c.subscriber_id).join(
    courses, courses.c.id == enrollments.c.course_id
)

_TAKING: Select[Any] = select(
    *_PERSON,
    enrollments.c.run,
    null().label("letter_key"),
    null().label("delivery_id"),
).select_from(_JOINED)

_LETTER: Select[Any] = select(
    *_PERSON,
    deliveries.c.run,
    func.coalesce(letters.c.reminds_of, deliveries.c.letter_key).label("letter_key"),
    deliveries.c.id.label("delivery_id"),
).select_from(
    _JOINED.join(deliveries, deliveries.c.enrollment_id == enrollments.c.id).join(
        letters, letters.c.id == deliveries.c.letter_id
    )
)
