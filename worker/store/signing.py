"""Signing up: a wish is written down, a letter asks whether it was theirs, and their yes counts.

Nothing here tells known from unknown people: whoever asks is answered by mail alone, and whether
mail may go to them is decided at its gate.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from worker.errors import Refused
from worker.model import (
    Confirmation,
    ConsentWay,
    DeliveryState,
    EnrollmentState,
    EnrollResult,
    NoticePurpose,
    Person,
    PublishedCourse,
    SignUp,
    SubscriberState,
)
from worker.pseudonyms import Digests
from worker.store.editions import Editions
from worker.store.engine import chunks, insert_new
from worker.store.joining import enroll
from worker.store.locking import lock_addresses, lock_people, lock_people_at
from worker.store.membership import is_erased
from worker.store.notices import plan_notice
from worker.store.placeholders import go_on_again, take_up
from worker.store.schema import (
    consents,
    courses,
    deliveries,
    editions,
    enrollments,
    subscribers,
    suppressions,
)
from worker.store.types import Record

CONFIRM_WITHIN = timedelta(days=7)
"""After which a confirmation is neither sent nor accepted."""

_BARRED = (SubscriberState.BOUNCED, SubscriberState.COMPLAINED)


def ask(
    connection: Connection,
    course: PublishedCourse,
    digests: Digests,
    person: Person,
    text: str,
    now: datetime,
) -> None:
    """Write down a wish to join and plan its answer; for whoever takes the course, that they do.

    What the form says of a person is kept with the wish until they confirm it: anybody may have
    typed it, so it goes into no letter before. The erased are as new, but those who had complained
    or could not be reached stay unknown.
    """
    lock_addresses(connection)
    barred = select(suppressions.c.digest).where(
        suppressions.c.digest.in_(digests(person.address)), suppressions.c.reason.in_(_BARRED)
    )
    if connection.scalar(barred.limit(1)) is not None:
        return
    take_up(connection, digests, [person.address])
    pending = {
        "address": person.address,
        "name": "",
        "state": SubscriberState.PENDING,
        "created_at": now,
    }
    insert_new(connection, subscribers, [pending])
    lock_people_at(connection, [person.address])
    who = connection.execute(
        _WHO.where(subscribers.c.address == person.address, courses.c.slug == course.slug)
    ).one()
    takes_it = who.enrollment_id is not None and who.enrollment != EnrollmentState.STOPPED
    if takes_it and who.state == SubscriberState.ACTIVE:
        plan_notice(
            connection,
            NoticePurpose.ALREADY,
            subscriber_id=who.id,
            course_id=who.course_id,
            now=now,
            lifetime=CONFIRM_WITHIN,
            subject_id=who.enrollment_id,
        )
        return
    consent_id = connection.scalar(
        insert(consents)
        .values(
            subscriber_id=who.id,
            course_id=who.course_id,
            how=ConsentWay.FORM,
            text=text,
            name=person.name,
            timezone=person.timezone,
            asked_at=now,
        )
        .returning(consents.c.id)
    )
    planned = plan_notice(
        connection,
        NoticePurpose.CONFIRM,
        subscriber_id=who.id,
        course_id=who.course_id,
        now=now,
        lifetime=CONFIRM_WITHIN,
        subject_id=consent_id,
    )
    if not planned:  # nobody will ever be asked to confirm this one
        connection.execute(delete(consents).where(consents.c.id == consent_id))


def confirmation(connection: Connection, consent_id: int, now: datetime) -> Confirmation | None:
    """Return where a wish to join stands; ``None``: there is no such wish."""
    row = connection.execute(_ASKED.where(consents.c.id == consent_id)).one_or_none()
    return None if row is None else _told(row, _standing(row, now))


def confirm(
    connection: Connection,
    editions_: Editions,
    digests: Digests,
    consent_id: int,
    now: datetime,
) -> Confirmation | None:
    """Let somebody in whose wish is open; a wish that is not stays as it is.

    They come back with this course alone, whatever they had left; a course that they had stopped
    begins anew. That they were erased once is forgotten.

    Raises:
        Refused: a letter of a former run is being handed over at this moment.
    """
    lock_addresses(connection)
    whose = select(consents.c.subscriber_id).where(consents.c.id == consent_id)
    lock_people(connection, connection.scalars(whose).all())
    row = connection.execute(_ASKED.where(consents.c.id == consent_id)).one_or_none()
    if row is None or _standing(row, now) is not SignUp.OPEN:
        return None if row is None else _told(row, _standing(row, now))
    connection.execute(update(consents).where(consents.c.id == consent_id).values(given_at=now))
    go_on_again(connection, [row.subscriber_id], now)
    connection.execute(
        update(subscribers)
        .where(subscribers.c.id == row.subscriber_id)
        .values(
            state=SubscriberState.ACTIVE,
            name=row.known_name or row.name,
            timezone=row.known_zone or row.timezone,
            left_at=None,
            left_after=None,
        )
    )
    connection.execute(delete(suppressions).where(suppressions.c.digest.in_(digests(row.address))))
    if row.enrollment == EnrollmentState.STOPPED:
        _begin_anew(connection, row, now)
    elif row.enrollment is None:
        course = editions_.newest(connection, row.slug)
        enroll(connection, course, [Person(row.address, row.name, row.timezone)], now)
    return confirmation(connection, consent_id, now)


def record_consents(
    connection: Connection,
    course: PublishedCourse,
    people: Sequence[Person],
    answers: Sequence[EnrollResult],
    text: str,
    now: datetime,
) -> None:
    """Keep what a program says that those agreed to whom it enrolled."""
    joined = {
        person.address: person
        for person, answer in zip(people, answers, strict=True)
        if answer is EnrollResult.ENROLLED
    }
    rows = [
        row
        for some in chunks(list(joined))
        for row in connection.execute(
            _WHO.where(subscribers.c.address.in_(some), courses.c.slug == course.slug)
        )
    ]
    if rows:
        connection.execute(
            insert(consents),
            [
                {
                    "subscriber_id": row.id,
                    "course_id": row.course_id,
                    "how": ConsentWay.API,
                    "text": text,
                    "name": joined[row.address].name,
                    "timezone": joined[row.address].timezone,
                    "asked_at": now,
                    "given_at": now,
                }
                for row in rows
            ],
        )


def left_since(asked_at: datetime, left_at: datetime | None) -> bool:
    """Tell whether somebody left after they had asked: leaving outweighs every earlier yes."""
    return left_at is not None and left_at >= asked_at


def _standing(row: Record, now: datetime) -> SignUp:
    """Return what a wish is worth by now: the one place where that is decided."""
    if is_erased(row.address):
        return SignUp.EXPIRED
    if row.state in _BARRED:
        return SignUp.BARRED
    stopped_at = row.changed_at if row.enrollment == EnrollmentState.STOPPED else None
    left_at = row.left_at if row.state == SubscriberState.UNSUBSCRIBED else None
    asked_at = row.given_at or row.asked_at
    if left_since(asked_at, left_at) or left_since(asked_at, stopped_at):
        return SignUp.EXPIRED
    if row.given_at is not None:
        return SignUp.JOINED
    return SignUp.OPEN if now < row.asked_at + CONFIRM_WITHIN else SignUp.EXPIRED


def _told(row: Record, standing: SignUp) -> Confirmation:
    joined = standing is SignUp.JOINED
    return Confirmation(
        standing=standing,
        course=row.slug,
        course_title=row.title,
        language=row.language,
        enrollment_id=row.enrollment_id if joined else None,
    )


def _begin_anew(connection: Connection, row: Record, now: datetime) -> None:
    handing = select(deliveries.c.id).where(
        deliveries.c.enrollment_id == row.enrollment_id,
        deliveries.c.state == DeliveryState.HANDING,
    )
    if connection.scalar(handing) is not None:
        raise Refused("a letter is being handed over just now", remedy="try again")
    connection.execute(
        update(enrollments)
        .where(enrollments.c.id == row.enrollment_id)
        .values(
            run=enrollments.c.run + 1,
            state=EnrollmentState.ACTIVE,
            zone=row.timezone or enrollments.c.zone,
            start=None,
            next_at=now,
            waits_on=None,
            changed_at=now,
        )
    )


_OF_COURSE = (enrollments.c.subscriber_id == subscribers.c.id) & (
    enrollments.c.course_id == courses.c.id
)

_WHO = (
    select(
        subscribers.c.id,
        subscribers.c.address,
        subscribers.c.state,
        courses.c.id.label("course_id"),
        enrollments.c.id.label("enrollment_id"),
        enrollments.c.state.label("enrollment"),
    )
    .select_from(subscribers)
    .join(courses, courses.c.edition_id.is_not(None))
    .outerjoin(enrollments, _OF_COURSE)
)

_ASKED = (
    select(
        consents.c.subscriber_id,
        consents.c.name,
        consents.c.timezone,
        consents.c.asked_at,
        consents.c.given_at,
        subscribers.c.address,
        subscribers.c.name.label("known_name"),
        subscribers.c.timezone.label("known_zone"),
        subscribers.c.state,
        subscribers.c.left_at,
        courses.c.slug,
        editions.c.title,
        editions.c.language,
        enrollments.c.id.label("enrollment_id"),
        enrollments.c.state.label("enrollment"),
        enrollments.c.changed_at,
    )
    .select_from(consents)
    .join(subscribers, subscribers.c.id == consents.c.subscriber_id)
    .join(courses, courses.c.id == consents.c.course_id)
    .join(editions, editions.c.id == courses.c.edition_id)
    .outerjoin(enrollments, _OF_COURSE)
)
