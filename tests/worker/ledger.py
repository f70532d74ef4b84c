"""What tests of the ledger share: small editions, clocks set by hand, and a mailbox in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_hex

from sqlalchemy import insert, select

from course.model import Edition, Kind, Letter, Schedule, Sender, Waiting
from course.segments import Encoding, Literal, Slot
from worker.delivery import Courier, tick
from worker.links import Links
from worker.model import (
    Claimed,
    DeliveryState,
    EnrollmentStanding,
    EnrollResult,
    Gated,
    Message,
    Moment,
    Outcome,
    Person,
    ReplyKind,
    Tally,
    Verdict,
    never,
)
from worker.store import Store
from worker.store.schema import courses, enrollments, reflections, replies, subscribers
from worker.store.waiting import release_wait

SENDER = Sender("Ada", "ada@example.org", "1 Analytical Street, London")
MONDAY = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
KEYS = ("welcome", "goals", "support", "finale")


def letter(key: str, number: int, last: int, words: str = "") -> Letter:
    """Return a letter whose text is ``words``, or its key."""
    kind = {0: Kind.WELCOME, last: Kind.FINALE}.get(number, Kind.LESSON)
    text = (words or key).encode()
    mime = (
        Literal(b"Message-ID: "),
        Slot("message_id", Encoding.HEADER),
        Literal(b"\r\nTo: "),
        Slot("address", Encoding.MAILBOX),
        Literal(b"\r\nSubject: " + key.encode() + b"\r\n\r\n" + text + b"\r\n"),
    )
    return Letter(
        key=key,
        kind=kind,
        number=number,
        title=key.title(),
        subject=key,
        minutes=1,
        source_digest=sha256(text).hexdigest(),
        subject_line=(Literal(key.encode()),),
        html=(Literal(b"<p>" + text + b"</p>"),),
        text=(Literal(text),),
        mime=mime,
    )


def edition(
    keys: Sequence[str] = KEYS,
    *,
    course: str = "motivation",
    renames: Sequence[tuple[str, str]] = (),
    schedule: Schedule | None = None,
    sender: Sender | None = SENDER,
    words: Mapping[str, str] | None = None,
    waits: Mapping[str, tuple[int, int | None]] | None = None,
) -> Edition:
    """Return an edition with these letters, the first its welcome, the last its finale.

    ``waits`` has for a lesson after how many days its wait ends and its reminder comes.
    """
    letters = tuple(
        letter(key, number, len(keys) - 1, (words or {}).get(key, ""))
        for number, key in enumerate(keys)
    )
    schedule = schedule or Schedule()
    waiting = {
        key: Waiting(days, nudge_days, letter(f"{key}~nudge", 1, 2) if nudge_days else None)
        for key, (days, nudge_days) in (waits or {}).items()
    }
    content = repr((course, renames, schedule, sender, letters, waiting))
    return Edition(
        course=course,
        title=course.title(),
        language="en",
        sender=sender,
        schedule=schedule,
        letters=letters,
        blocks=(),
        renames=tuple(renames),
        assets=(),
        digest=sha256(content.encode()).hexdigest(),
        waits=waiting,
    )


def person(name: str = "ben", **choices: object) -> Person:
    """Return ``name``@example.net."""
    return Person(address=f"{name}@example.net", name=name.title(), **choices)  # type: ignore[arg-type]


@dataclass
class HandClock:
    """Three clocks that move only when a test moves them."""

    at: datetime = MONDAY
    machine: datetime = MONDAY
    seconds: float = 0.0

    def now(self) -> datetime:
        return self.at

    def wall(self) -> datetime:
        return self.machine

    def boot(self) -> float:
        return self.seconds

    def moment(self) -> Moment:
        return Moment(self.at, self.machine)

    def advance(self, by: timedelta) -> None:
        """Let time pass on all three."""
        self.at += by
        self.machine += by
        self.seconds += by.total_seconds()


def accept(_: Message) -> Outcome:
    return Outcome(Verdict.ACCEPTED)


@dataclass
class Mailbox:
    """A provider that keeps what it accepts, or answers as a test says."""

    answer: Callable[[Message], Outcome] = accept
    messages: list[Message] = field(default_factory=list)
    reaches_people: bool = False
    at_once: int = 1
    mixes: bool = False
    keeps_copies: bool = True

    def send(self, message: Message) -> Outcome:
        outcome = self.answer(message)
        if outcome.verdict is Verdict.ACCEPTED:
            self.messages.append(message)
        return outcome

    def send_all(
        self, messages: Sequence[Message], stopping: Callable[[], bool] = never
    ) -> Sequence[Outcome]:
        return [self.send(message) for message in messages]

    def forget(self, delivery_ids: Collection[str]) -> None:
        self.messages = [each for each in self.messages if each.delivery_id not in delivery_ids]

    def close(self) -> None:
        """There is nothing to let go of."""

    def subjects(self, recipient: str | None = None) -> list[str]:
        """Return the keys of the letters that came, in order."""
        return [
            message.mime.split(b"Subject: ")[1].split(b"\r\n")[0].decode()
            for message in self.messages
            if recipient in (None, message.recipient)
        ]


def reflect(
    store: Store,
    address: str,
    key: str,
    now: datetime,
    text: str = "I wrote this.",
    *,
    from_subscriber: bool = True,
    course: str = "motivation",
) -> bool:
    """Keep a reflection of the present run, as a reply does; tell whether it ended a wait."""
    with store._database.writing() as connection:
        enrollment_id, subscriber_id, run = connection.execute(
            select(enrollments.c.id, subscribers.c.id, enrollments.c.run)
            .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
            .join(courses, courses.c.id == enrollments.c.course_id)
            .where(subscribers.c.address == address, courses.c.slug == course)
        ).one()
        reply_id = connection.scalar(
            insert(replies)
            .values(
                fingerprint=token_hex(),
                kind=ReplyKind.REFLECTION,
                why="",
                subscriber_id=subscriber_id,
                enrollment_id=enrollment_id,
                message_id="",
                verified=from_subscriber,
                attachments=[],
                received_at=now,
            )
            .returning(replies.c.id)
        )
        connection.execute(
            insert(reflections).values(
                reply_id=reply_id,
                enrollment_id=enrollment_id,
                run=run,
                letter_key=key,
                text=text,
                verified=from_subscriber,
                from_subscriber=from_subscriber,
                received_at=now,
            )
        )
        return release_wait(connection, store._editions, enrollment_id, key, now)


LEASE = timedelta(seconds=30)
DAY = timedelta(days=1)
LINKS = Links("https://courses.example.org", ["a secret of at least sixteen bytes"])

ACCEPTED = Outcome(Verdict.ACCEPTED)
UNKNOWN = Outcome(Verdict.UNKNOWN, "time-out after the first byte")
DEFERRED = Outcome(Verdict.DEFERRED, "450 mailbox busy")
REFUSED = Outcome(Verdict.REFUSED, "554 no spam here")
NO_SUCH_PERSON = Outcome(Verdict.REFUSED, "550 no such user", address_at_fault=True)


@dataclass
class World:
    """A store with one published course, three clocks and a mailbox."""

    store: Store
    clock: HandClock = field(default_factory=HandClock)
    mailbox: Mailbox = field(default_factory=Mailbox)

    def publish(self, published: Edition) -> None:
        self.store.publish(published, self.clock.now())

    def enroll(self, *people: Person) -> list[EnrollResult]:
        course = self.store.course("motivation")
        return self.store.enroll(course, people, self.clock.now())

    def courier(
        self, owner: str = "w1", window: int = 20, stopping: Callable[[], bool] = lambda: False
    ) -> Courier:
        return Courier(
            self.store, self.mailbox, LINKS, self.clock, owner, window=window, stopping=stopping
        )

    def tick(self) -> Tally:
        return tick(self.courier())

    def let_time_pass(self) -> None:
        """Deliver whatever falls due, at the moment it does, until nothing is left."""
        while (due_at := self.store.next_due_at()) is not None:
            self.clock.advance(max(due_at - self.clock.at, timedelta()))
            self.tick()

    def claim(self, owner: str = "w1", limit: int = 20) -> list[Claimed]:
        return self.store.claim(owner, self.clock.moment(), LEASE, limit)

    def gate(self, claimed: Sequence[Claimed], owner: str = "w1") -> list[Gated]:
        return list(self.store.gate(claimed, owner, self.clock.moment(), LEASE).passed)

    def hand_over(self) -> Gated:
        """Claim and gate the one letter that is due."""
        (gated,) = self.gate(self.claim())
        return gated

    def settle(self, gated: Gated, outcome: Outcome) -> Tally:
        return self.store.settle([(gated, outcome)], self.clock.moment())

    def until(self, at: datetime) -> None:
        """Deliver whatever falls due up to an instant, at the moment it does."""
        while (due_at := self.store.next_due_at()) is not None and due_at <= at:
            self.clock.advance(max(due_at - self.clock.at, timedelta()))
            self.tick()
        self.clock.advance(at - self.clock.at)

    def reflect(self, key: str, text: str = "I wrote this.", name: str = "ben") -> bool:
        """Let somebody's reflection on a lesson come in now; tell whether it ended a wait."""
        return reflect(self.store, f"{name}@example.net", key, self.clock.now(), text)

    def stands(self, name: str = "ben", course: str = "motivation") -> EnrollmentStanding:
        found = self.store.standing(f"{name}@example.net")
        return next(each for each in found.enrollments if each.course == course)

    def state_of(self, delivery_id: str) -> DeliveryState:
        (state,) = [each.state for each in self.store.deliveries() if each.id == delivery_id]
        return state

    def why(self, key: str, name: str = "ben") -> tuple[str, str]:
        """Return how one letter's story goes: its state and the sentence."""
        explained = self.store.explain(f"{name}@example.net", self.clock.now())
        (told,) = [each for each in explained.courses[0].letters if each.letter == key]
        return told.state, told.why
