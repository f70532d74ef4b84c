"""Events: what providers tell about letters that they were handed.

An event may come twice, late, before our own settle, in any order, and without saying which letter
it is about. So each is stored once, and what became of a letter is worked out from all that were
stored about it: nothing depends on which came first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, bindparam, select, update

from worker.model import (
    ConsentWay,
    Event,
    EventTally,
    Moment,
    News,
    SubscriberState,
    Verdict,
)
from worker.pseudonyms import Pseudonyms
from worker.store.editions import Editions
from worker.store.engine import insert_new, rows_of
from worker.store.fate import STRENGTH, Told
from worker.store.leaving import LEFT_STATES, leave, leave_course
from worker.store.locking import lock_people
from worker.store.membership import is_erased
from worker.store.news import SKEW, heard_of, settle_letters
from worker.store.schema import (
    attempts,
    consents,
    deliveries,
    enrollments,
    events,
    notices,
    subscribers,
)
from worker.store.types import Instant, those

STOPS = {
    News.COMPLAINED: SubscriberState.COMPLAINED,
    News.UNSUBSCRIBED: SubscriberState.UNSUBSCRIBED,
    News.BOUNCED: SubscriberState.BOUNCED,
}
"""The news after which a person gets nothing any more."""


@dataclass(frozen=True, slots=True)
class _Found:
    """An event that is new, and what it is about as far as this ledger knows.

    Attributes:
        letter: the delivery or notice; what the event states when that is not of this ledger.
        subscriber: ``None``: nobody of ours.
        keeps_body: whether it may be kept as it came.
    """

    fingerprint: str
    event: Event
    told: Told
    letter: str | None
    subscriber: int | None
    keeps_body: bool


def record_events(
    connection: Connection,
    editions: Editions,
    pseudonyms: Pseudonyms,
    batch: Sequence[Event],
    moment: Moment,
) -> EventTally:
    """Take a batch: store what is new, settle letters by it, stop people; again without effect.

    Args:
        connection: a writing transaction.
        editions: for the schedules by which courses go on.
        pseudonyms: by which erased people are recognised.
        batch: of any size, in any order.
        moment: ``wall`` is when they were received.
    """
    people = _lock(connection, batch)
    new = _fresh(connection, pseudonyms, batch)
    if not new:
        return EventTally(known=len(batch))
    found = _find(connection, new, people)
    letters = sorted({each.letter for each in found if each.letter is not None})
    before = heard_of(connection, letters)
    _insert(connection, found, moment)
    heard = {letter: [*before.get(letter, ())] for letter in letters}
    for each in found:
        if each.letter is not None:
            heard[each.letter].append(each.told)
    stopped = _stop(connection, found, moment.now)
    settle_letters(connection, editions, before, heard, moment.now)
    _count_blocks(connection, found)
    return EventTally(
        new=len(new),
        known=len(batch) - len(new),
        stopped=stopped,
        unmatched=sum(each.subscriber is None for each in found),
        drops=tuple(sorted({e.event.detail for e in found if e.event.news is News.DROPPED})),
    )


def _lock(connection: Connection, batch: Sequence[Event]) -> frozenset[int]:
    """Hold everybody whom a batch is about; return who that is.

    Whoever joins between this look and the next is a stranger still.
    """
    stated = sorted({event.delivery_id for event in batch if event.delivery_id is not None})
    addresses = sorted({event.address for event in batch if event.address})
    asked = ((_OF_DELIVERIES, stated), (_OF_NOTICES, stated), (_PEOPLE, addresses))
    people = frozenset(
        row.subscriber_id
        for statement, values in asked
        for row in rows_of(connection, statement, values)
    )
    lock_people(connection, people)
    return people


def _fresh(
    connection: Connection, pseudonyms: Pseudonyms, batch: Sequence[Event]
) -> list[tuple[str, Event]]:
    """Return the events that were not told before, each once, with its fingerprint."""
    prints = [_fingerprint(event, pseudonyms) for event in batch]
    known_prints = {row.fingerprint for row in rows_of(connection, _KNOWN_PRINTS, prints)}
    ids = [event.event_id for event in batch if event.event_id is not None]
    known_ids: set[str | None] = {
        row.provider_event_id for row in rows_of(connection, _KNOWN_IDS, ids)
    }
    fresh = []
    for fingerprint, event in zip(prints, batch, strict=True):
        if fingerprint in known_prints or event.event_id in known_ids:
            continue
        known_prints.add(fingerprint)
        if event.event_id is not None:
            known_ids.add(event.event_id)
        fresh.append((fingerprint, event))
    return fresh


def _fingerprint(event: Event, pseudonyms: Pseudonyms) -> str:
    """Return what makes two events the same: a retry may carry another id of the provider's."""
    about = event.delivery_id
    if about is None and event.address:
        about = next(iter(pseudonyms.digests(event.address)), event.address)
    parts = (
        event.provider,
        about or event.body,
        event.kind,
        event.news,
        "" if about is None else event.occurred_at.isoformat(),
        event.message_ref,
    )
    return sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _find(
    connection: Connection, new: Sequence[tuple[str, Event]], locked: Collection[int]
) -> list[_Found]:
    """Find the letter and the person of each event, among those who are locked.

    An event that names neither a letter nor a message is about the newest letter that its address
    had been handed by then: so it is with bounces that come by mail, days later. One about mail
    that is not ours still tells us about the person: the provider counts it against their address.
    """
    stated = sorted({event.delivery_id for _, event in new if event.delivery_id is not None})
    letters = {row.id: row for row in rows_of(connection, _OF_DELIVERIES, stated)}
    elsewhere = [letter for letter in stated if letter not in letters]
    letters |= {row.id: row for row in rows_of(connection, _OF_NOTICES, elsewhere)}
    addresses = {event.address for _, event in new if event.delivery_id not in letters}
    people = {
        row.address: row
        for row in rows_of(connection, _PEOPLE, sorted(addresses))
        if row.subscriber_id in locked
    }
    found = []
    for fingerprint, event in new:
        letter = event.delivery_id
        person = letters.get(letter) if letter else None
        if person is None:
            person = people.get(event.address)
            if person is not None and letter is None and not event.message_ref:
                letter = _newest_by_then(connection, person.subscriber_id, event)
        found.append(
            _Found(
                fingerprint,
                event,
                _told(event),
                letter,
                subscriber=None if person is None else person.subscriber_id,
                keeps_body=(not event.address if person is None else not is_erased(person.address)),
            )
        )
    return found


def _told(event: Event) -> Told:
    missed = event.undelivered or event.news in (News.BOUNCED, News.DROPPED)
    return Told(event.news, missed, event.occurred_at, event.detail)


def _newest_by_then(connection: Connection, subscriber_id: int, event: Event) -> str | None:
    if event.news not in STRENGTH:
        return None
    by_then = {"person": subscriber_id, "by": event.occurred_at + SKEW}
    last = connection.execute(_LAST_DELIVERY, by_then).first()
    notice = connection.execute(_LAST_NOTICE, by_then).first()
    both = [each for each in (last, notice) if each is not None]
    return max(both, key=lambda row: row.at).id if both else None


def _insert(connection: Connection, found: Sequence[_Found], moment: Moment) -> None:
    insert_new(
        connection,
        events,
        [
            {
                "provider": each.event.provider,
                "provider_event_id": each.event.event_id,
                "fingerprint": each.fingerprint,
                "kind": each.event.kind,
                "news": each.told.news,
                "undelivered": each.told.undelivered,
                "detail": each.told.detail,
                "delivery_id": each.letter,
                "subscriber_id": each.subscriber,
                "occurred_at": each.event.occurred_at,
                "received_at": moment.wall,
                "body": each.event.body if each.keeps_body else None,
            }
            for each in sorted(found, key=_once_locked)
        ],
    )


def _once_locked(found: _Found) -> str:
    """Return a key that puts strangers' events, whom no lock parts, in one order for everybody.

    So two batches that add the same ones do not wait for each other in a circle.
    """
    return found.fingerprint if found.subscriber is None else ""


def _count_blocks(connection: Connection, found: Sequence[_Found]) -> None:
    blocks = Counter(e.subscriber for e in found if e.event.news is News.BLOCKED and e.subscriber)
    if blocks:
        rows = [{"which": person, "more": count} for person, count in blocks.items()]
        connection.execute(_BLOCK, rows)


def _stop(connection: Connection, found: Sequence[_Found], now: datetime) -> int:
    """Stop whoever is to be stopped; return how many were not stopped yet.

    Whoever unsubscribed and has come back since keeps the courses that they came back to.
    """
    reasons: dict[SubscriberState, set[int]] = {state: set() for state in STOPS.values()}
    told = [
        (each.subscriber, each.event)
        for each in found
        if each.event.news in STOPS and each.subscriber is not None
    ]
    people = sorted({person for person, _ in told})
    states = {row.id: row.state for row in rows_of(connection, _STATES, people)}
    for person, event in told:
        since = {"person": person, "since": event.occurred_at}
        if event.news is News.UNSUBSCRIBED and connection.execute(_CAME_BACK, since).first():
            left = connection.scalars(_LEFT_BEHIND, since).all()
            leave_course(connection, left, now)
        else:
            reasons[STOPS[event.news]].add(person)
    for state, leaving in reasons.items():
        if leaving:
            leave(connection, sorted(leaving), state, now)
    stopped = set().union(*reasons.values())
    return sum(states[person] not in LEFT_STATES for person in stopped)


_DEFINITELY_NOT = (Verdict.DEFERRED, Verdict.REFUSED, Verdict.NOT_BEGUN)

_KNOWN_PRINTS = select(events.c.fingerprint).where(events.c.fingerprint.in_(those()))

_KNOWN_IDS = select(events.c.provider_event_id).where(events.c.provider_event_id.in_(those()))

_OF_DELIVERIES = (
    select(deliveries.c.id, subscribers.c.id.label("subscriber_id"), subscribers.c.address)
    .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
    .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
    .where(deliveries.c.id.in_(those()))
)

_OF_NOTICES = (
    select(notices.c.id, subscribers.c.id.label("subscriber_id"), subscribers.c.address)
    .join(subscribers, subscribers.c.id == notices.c.subscriber_id)
    .where(notices.c.id.in_(those()))
)

_PEOPLE = select(subscribers.c.id.label("subscriber_id"), subscribers.c.address).where(
    subscribers.c.address.in_(those())
)

_LAST_DELIVERY = (
    select(deliveries.c.id, attempts.c.gated_wall.label("at"))
    .join(attempts, attempts.c.delivery_id == deliveries.c.id)
    .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
    .where(
        enrollments.c.subscriber_id == bindparam("person"),
        attempts.c.gated_wall <= bindparam("by", type_=Instant),
        attempts.c.outcome.is_(None) | attempts.c.outcome.not_in(_DEFINITELY_NOT),
    )
    .order_by(attempts.c.gated_wall.desc(), attempts.c.id.desc())
    .limit(1)
)

_LAST_NOTICE = (
    select(notices.c.id, notices.c.handed_at.label("at"))
    .where(
        notices.c.subscriber_id == bindparam("person"),
        notices.c.handed_at <= bindparam("by", type_=Instant),
    )
    .order_by(notices.c.handed_at.desc(), notices.c.id)
    .limit(1)
)

_BLOCK = (
    update(subscribers)
    .where(subscribers.c.id == bindparam("which"))
    .values(blocks=subscribers.c.blocks + bindparam("more"))
)

_STATES = select(subscribers.c.id, subscribers.c.state).where(subscribers.c.id.in_(those()))

_CAME_BACK = select(consents.c.course_id).where(
    consents.c.subscriber_id == bindparam("person"),
    consents.c.how == ConsentWay.FORM,  # a program's word brings nobody back
    consents.c.given_at > bindparam("since", type_=Instant),
)

_LEFT_BEHIND = select(enrollments.c.id).where(
    enrollments.c.subscriber_id == bindparam("person"),
    enrollments.c.course_id.not_in(_CAME_BACK),
)
