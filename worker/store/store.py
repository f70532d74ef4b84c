"""The store: every method is one transaction, and says whether it writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, time, timedelta

from course.model import Asset, Edition
from worker.model import (
    Audit,
    Claimed,
    Confirmation,
    CourseStats,
    DeliveryRecord,
    DeliveryState,
    DueNotice,
    EnrollResult,
    Event,
    EventTally,
    Explanation,
    Gated,
    Moment,
    Outcome,
    Person,
    PublishedCourse,
    ReflectionRecord,
    Standing,
    StoredLetter,
    Tally,
)
from worker.pseudonyms import Pseudonyms
from worker.store import (
    auditing,
    claiming,
    editions,
    erasing,
    events,
    explaining,
    exporting,
    gating,
    installation,
    joining,
    leaving,
    migrations,
    people,
    projecting,
    reflections,
    replies,
    reports,
    service_mail,
    settling,
    signing,
    stats,
    suppressing,
    tracing,
    wishes,
)
from worker.store.engine import Database
from worker.store.erasing import Erased
from worker.store.gating import Gate
from worker.store.journey import Journey, find_journey
from worker.store.membership import Membership, find_membership
from worker.store.ownwords import OwnWords, own_words
from worker.store.replies import Filed, Reply
from worker.store.suppressing import Suppressed, SuppressResult
from worker.store.tracing import Clues, Origin
from worker.store.wishes import Wish


class Store:
    """The ledger of one installation; may be shared by threads, not by forks.

    All instants are aware and in UTC. ``now`` is the calendar's; a ``Moment`` carries the
    machine's clock too, for leases and deadlines.
    """

    def __init__(self, database: Database, pseudonyms: Pseudonyms | None = None) -> None:
        self._database = database
        self._pseudonyms = pseudonyms or Pseudonyms()
        self._editions = editions.Editions()
        self._installation: str | None = None

    def close(self) -> None:
        """Close every connection; the store may be used again afterwards."""
        self._database.close()

    # The installation

    def migrate(self) -> None:
        """Bring the database to the newest revision, made first if there is none."""
        self._database.make_folder()
        with self._database.writing() as connection:
            migrations.upgrade(connection)
            installation.name_installation(connection)

    def schema_is_current(self) -> bool:
        """Tell whether the database is there and at the newest revision; makes none."""
        if not self._database.path.exists():
            return False
        with self._database.reading() as connection:
            return migrations.is_current(connection)

    def installation_id(self) -> str:
        """Return the random id made by the first migration; delivery ids derive from it."""
        if self._installation is None:
            with self._database.reading() as connection:
                self._installation = installation.installation_id(connection)
        return self._installation

    def rehearsed_at(self) -> datetime | None:
        """Return the instant the calendar was last driven to; ``None`` if it never was."""
        with self._database.reading() as connection:
            return installation.rehearsed_at(connection)

    def rehearse(self, at: datetime) -> None:
        """Mark the database as rehearsed at ``at``.

        Raises:
            Refused: the calendar would go back.
        """
        with self._database.writing() as connection:
            installation.rehearse(connection, at)

    # Courses

    def publish(self, edition: Edition, now: datetime) -> bool:
        """Make an edition its course's newest; ``False`` when it is that already.

        Raises:
            Refused: the sender is incomplete, or a key would name another letter than it did.
        """
        with self._database.writing() as connection:
            return editions.publish(connection, edition, now)

    def course(self, slug: str) -> PublishedCourse:
        """Return a course's newest edition.

        Raises:
            UnknownCourse: nothing was published under that slug.
        """
        with self._database.reading() as connection:
            return self._editions.newest(connection, slug)

    def courses(self) -> tuple[PublishedCourse, ...]:
        """Return the newest edition of every course, by slug."""
        with self._database.reading() as connection:
            return self._editions.all_newest(connection)

    def letter(self, letter_id: int) -> StoredLetter:
        """Return one letter of any edition; remembered, so cheap to ask for again.

        Raises:
            Refused: there is no such letter.
        """
        known = self._editions.remembered(letter_id)
        if known is not None:
            return known
        with self._database.reading() as connection:
            return self._editions.letter(connection, letter_id)

    def asset(self, name: str) -> Asset | None:
        """Return a picture by the last part of its address."""
        with self._database.reading() as connection:
            return editions.find_asset(connection, name)

    # People

    def enroll(
        self, course: PublishedCourse, people_: Sequence[Person], now: datetime
    ) -> list[EnrollResult]:
        """Enroll people, each at most once; answers in their order, again without effect."""
        with self._database.writing() as connection:
            return joining.enroll(connection, course, people_, now, self._pseudonyms.digests)

    def pause(self, address: str, course: str | None, now: datetime) -> None:
        """Freeze one course or (``None``) all of them.

        Raises:
            UnknownSubscriber: nobody has that address, or they do not take that course.
            Refused: it does not go on anyway.
        """
        with self._database.writing() as connection:
            people.pause(connection, address, course, now)

    def resume(self, address: str, course: str | None, now: datetime) -> None:
        """Go on with the next slot, after a pause or where a refused letter held the course.

        Raises:
            UnknownSubscriber: nobody has that address, or they do not take that course.
            Refused: the course is over for them.
        """
        with self._database.writing() as connection:
            people.resume(connection, self._editions, address, course, now)

    def restart(self, address: str, course: str, now: datetime) -> None:
        """Begin a course anew, with the welcome now.

        Raises:
            UnknownSubscriber: nobody has that address, or they do not take that course.
            Refused: they left, or a letter is being handed over at this moment.
        """
        with self._database.writing() as connection:
            people.restart(connection, address, course, now)

    def unsubscribe(self, address: str, now: datetime) -> None:
        """Let a person leave everything for good; once more changes nothing.

        Raises:
            UnknownSubscriber: nobody has that address.
        """
        with self._database.writing() as connection:
            leaving.unsubscribe(connection, address, now)

    def leave_course(self, address: str, course: str, now: datetime) -> None:
        """Let a person leave one course for good; the others go on.

        Raises:
            UnknownSubscriber: nobody has that address, or they do not take that course.
        """
        with self._database.writing() as connection:
            people.leave(connection, address, course, now)

    def leave_enrollment(self, enrollment_id: int, now: datetime) -> bool:
        """Let the person of an enrollment leave its course; ``False``: no such enrollment."""
        with self._database.writing() as connection:
            return leaving.leave_one_course(connection, enrollment_id, now)

    def unsubscribe_enrollment(self, enrollment_id: int, now: datetime) -> bool:
        """Let the person of an enrollment leave everything; ``False``: no such enrollment."""
        with self._database.writing() as connection:
            return leaving.unsubscribe_enrollment(connection, enrollment_id, now)

    # The life of a delivery

    def claim(self, owner: str, moment: Moment, lease: timedelta, limit: int) -> list[Claimed]:
        """Take up to ``limit`` due letters under a lease; empty only when nothing is due."""
        name = self.installation_id()
        with self._database.writing() as connection:
            return claiming.claim(connection, self._editions, name, owner, moment, lease, limit)

    def gate(
        self, claimed: Sequence[Claimed], owner: str, moment: Moment, deadline: timedelta
    ) -> Gate:
        """Let through what may still be received; durable on return: the hand-over."""
        with self._database.writing() as connection:
            return gating.gate(connection, self._editions, claimed, owner, moment, deadline)

    def give_back(self, gated: Sequence[Gated], moment: Moment) -> None:
        """Undo the hand-over of letters not begun; they are due at once."""
        with self._database.writing() as connection:
            settling.give_back(connection, self._editions, gated, moment)

    def settle(self, results: Sequence[tuple[Gated, Outcome]], moment: Moment) -> Tally:
        """Record what became of hand-overs; answers of a former owner change nothing."""
        with self._database.writing() as connection:
            return settling.settle(connection, self._editions, results, moment)

    def reap(self, moment: Moment) -> Tally:
        """Plan again what was claimed and lost; doubt what was handed over and lost."""
        with self._database.writing() as connection:
            service_mail.reap_notices(connection, moment)
            return settling.reap(connection, self._editions, moment)

    def due_count(self, now: datetime, limit: int) -> int:
        """Count due letters and service mail, to ``limit`` at most."""
        with self._database.reading() as connection:
            letters = claiming.due_count(connection, now, limit)
            return min(letters + service_mail.due_notices(connection, now, limit), limit)

    def next_due_at(self) -> datetime | None:
        """Return when the next mail of any kind falls due, past or future; ``None``: never."""
        with self._database.reading() as connection:
            letter, notice = (
                claiming.next_due_at(connection),
                service_mail.next_notice_at(connection),
            )
            return min((each for each in (letter, notice) if each is not None), default=None)

    # News from the provider

    def record_events(self, batch: Sequence[Event], moment: Moment) -> EventTally:
        """Take news about letters, in any order and as often as it comes; settle and stop by it.

        All of the batch is taken, or none.
        """
        with self._database.writing() as connection:
            return events.record_events(connection, self._editions, self._pseudonyms, batch, moment)

    # What people wrote

    def trace(self, clues: Clues) -> Origin | None:
        """Return whose a mail is and which letter it answers; ``None``: a stranger's."""
        with self._database.reading() as connection:
            return tracing.trace(connection, self._pseudonyms.digests, clues)

    def file_reply(self, reply: Reply, now: datetime) -> Filed:
        """File a mail once, with its words, and do what it asks for."""
        name, packed = self.installation_id(), replies.pack(reply.raw)
        with self._database.writing() as connection:
            return replies.file_reply(connection, self._editions, name, reply, packed, now)

    def reflections(self, course: str, lesson: str | None = None) -> list[ReflectionRecord]:
        """Return what was written about a course or one of its lessons, oldest first.

        Raises:
            UnknownCourse: ``course`` was never published.
            Refused: it has no such lesson.
        """
        with self._database.reading() as connection:
            newest = self._editions.newest(connection, course)
            return reflections.reflections_on(connection, newest, lesson)

    # A person's own page

    def projection(self, enrollment_id: int, now: datetime) -> projecting.Calendar:
        """Return the letters to come for an enrollment, each with when it is due."""
        with self._database.reading() as connection:
            return projecting.projection(connection, self._editions, enrollment_id, now)

    def membership(self, enrollment_id: int) -> Membership | None:
        """Return whom an enrollment is about; ``None``: there is no such enrollment."""
        with self._database.reading() as connection:
            return find_membership(connection, self._editions, enrollment_id)

    def journey(self, enrollment_id: int, now: datetime) -> Journey | None:
        """Return a person's way through a course; ``None``: there is no such enrollment."""
        with self._database.reading() as connection:
            return find_journey(connection, self._editions, enrollment_id, now)

    def pause_enrollment(self, enrollment_id: int, now: datetime) -> Wish:
        """Freeze one course.

        Raises:
            UnknownSubscriber: there is no such enrollment.
        """
        with self._database.writing() as connection:
            return wishes.pause_enrollment(connection, enrollment_id, now)

    def resume_enrollment(self, enrollment_id: int, now: datetime) -> Wish:
        """Go on after a pause with the next slot.

        Raises:
            UnknownSubscriber: there is no such enrollment.
        """
        with self._database.writing() as connection:
            return wishes.resume_enrollment(connection, self._editions, enrollment_id, now)

    def reschedule(self, enrollment_id: int, send_at: time, zone: str, now: datetime) -> Wish:
        """Let letters come at another local time, in an IANA zone that exists.

        Raises:
            UnknownSubscriber: there is no such enrollment.
        """
        with self._database.writing() as connection:
            return wishes.reschedule(connection, self._editions, enrollment_id, send_at, zone, now)

    def next_now(self, enrollment_id: int, expected: str | None, now: datetime) -> Wish:
        """Let the next letter, if it is the ``expected`` one, be due now.

        Raises:
            UnknownSubscriber: there is no such enrollment.
        """
        name = self.installation_id()
        with self._database.writing() as connection:
            return wishes.next_now(connection, self._editions, name, enrollment_id, expected, now)

    def ask_link(self, enrollment_id: int, now: datetime) -> None:
        """Mail a link to private things to the person's own address.

        Raises:
            UnknownSubscriber: there is no such enrollment.
        """
        with self._database.writing() as connection:
            wishes.ask_link(connection, enrollment_id, now)

    def own_words(self, subscriber_id: int) -> list[OwnWords]:
        """Return what a person wrote, by course, oldest first."""
        with self._database.reading() as connection:
            return own_words(connection, self._editions, subscriber_id)

    def subscriber_id(self, address: str) -> int:
        """Return the id of the person with a normalised address.

        Raises:
            UnknownSubscriber: nobody has that address.
        """
        with self._database.reading() as connection:
            return leaving.subscriber_of(connection, address)

    def export(self, subscriber_id: int, now: datetime) -> exporting.Export:
        """Return everything that is kept about one person, as a document for JSON."""
        with self._database.reading() as connection:
            return exporting.export(connection, subscriber_id, now)

    def erase(self, subscriber_id: int, now: datetime) -> Erased:
        """Take everything about a person out of the rows; once more changes nothing.

        Raises:
            Refused: there is no key to hash their address with.
        """
        with self._database.writing() as connection:
            return erasing.erase(connection, self._pseudonyms.digests, subscriber_id, now)

    def was_erased(self, address: str) -> bool:
        """Tell whether the person with a normalised address was erased and did not come back."""
        with self._database.reading() as connection:
            digests = self._pseudonyms.digests
            return bool(suppressing.erased_among(connection, digests, [address]))

    def mail_of_erased(self) -> list[str]:
        """Return the ids of all letters and service mail that erased people were sent."""
        with self._database.reading() as connection:
            return erasing.mail_of_erased(connection)

    def erased_among(self, ids: Collection[str]) -> list[str]:
        """Return those of these deliveries and notices whose person was erased."""
        if not ids:
            return []
        with self._database.reading() as connection:
            return erasing.erased_among(connection, ids)

    def scrub(self) -> None:
        """Write the database's file anew, so that nothing that was deleted is left in it.

        Raises:
            DatabaseFault: the database is busy or the disk is full; nothing is lost.
        """
        self._database.scrub()

    def suppressed(self) -> list[Suppressed]:
        """Return everybody who left and whose address is known."""
        with self._database.reading() as connection:
            return suppressing.suppressed(connection)

    def suppress(self, listed: Sequence[Suppressed], now: datetime) -> Counter[SuppressResult]:
        """Let known people leave at once, and keep unknown addresses as ones that left."""
        with self._database.writing() as connection:
            return suppressing.suppress(connection, self._pseudonyms.digests, listed, now)

    # Signing up

    def ask_to_join(self, slug: str, person: Person, text: str, now: datetime) -> None:
        """Take somebody's wish to join, and plan the mail that answers it.

        Args:
            slug: the course.
            person: as the form was filled in; nothing of it is believed before it is confirmed.
            text: what they agreed to, word for word.
            now: the calendar's instant.

        Raises:
            UnknownCourse: nothing was published under that slug.
        """
        with self._database.writing() as connection:
            course = self._editions.newest(connection, slug)
            signing.ask(connection, course, self._pseudonyms.digests, person, text, now)

    def confirmation(self, consent_id: int, now: datetime) -> Confirmation | None:
        """Return where a request to join stands; ``None``: there is no such request."""
        with self._database.reading() as connection:
            return signing.confirmation(connection, consent_id, now)

    def confirm(self, consent_id: int, now: datetime) -> Confirmation | None:
        """Let somebody in whose request is open; else change nothing.

        Raises:
            Refused: a letter of a former run is being handed over at this moment.
        """
        with self._database.writing() as connection:
            digests = self._pseudonyms.digests
            return signing.confirm(connection, self._editions, digests, consent_id, now)

    def enroll_by_program(
        self, course: PublishedCourse, people_: Sequence[Person], text: str, now: datetime
    ) -> list[EnrollResult]:
        """Enroll people as a list does, and keep what the program says they agreed to."""
        with self._database.writing() as connection:
            digests = self._pseudonyms.digests
            answers = joining.enroll(connection, course, people_, now, digests)
            signing.record_consents(connection, course, people_, answers, text, now)
            return answers

    # Service mail

    def begin_notices(
        self, moment: Moment, limit: int, deadline: timedelta, due_by: datetime | None = None
    ) -> list[DueNotice]:
        """Let through service mail that is due and of use; durable on return: the hand-over.

        Args:
            moment: now.
            limit: how many at most; fewer only when no more are due.
            deadline: until when the answer must be settled.
            due_by: take only what fell due by then; by default, by now.
        """
        with self._database.writing() as connection:
            by = due_by or moment.now
            return service_mail.begin_notices(connection, moment, limit, deadline, by)

    def settle_notices(self, results: Sequence[tuple[DueNotice, Outcome]], moment: Moment) -> None:
        """Record what became of service mail; answers to a former attempt change nothing."""
        with self._database.writing() as connection:
            service_mail.settle_notices(connection, results, moment)

    def is_handing_notices(self) -> bool:
        """Tell whether service mail is under way."""
        with self._database.reading() as connection:
            return service_mail.is_handing_notices(connection)

    # Reports

    def subscribers(self, course: str | None = None, limit: int | None = None) -> list[Standing]:
        """Return people by address with where they stand.

        Raises:
            UnknownCourse: ``course`` was never published.
        """
        with self._database.reading() as connection:
            return reports.standings(connection, self._editions, course, limit)

    def standing(self, address: str) -> Standing:
        """Return where one person stands.

        Raises:
            UnknownSubscriber: nobody has that address.
        """
        with self._database.reading() as connection:
            return reports.standing(connection, self._editions, address)

    def deliveries(
        self,
        state: DeliveryState | None = None,
        course: str | None = None,
        limit: int | None = None,
    ) -> list[DeliveryRecord]:
        """Return deliveries, the newest due first."""
        with self._database.reading() as connection:
            return reports.records(connection, state, course, limit)

    def explain(self, address: str, now: datetime) -> Explanation:
        """Tell why each letter was or was not sent to one person.

        Raises:
            UnknownSubscriber: nobody has that address.
        """
        with self._database.reading() as connection:
            return explaining.explain(connection, self._editions, address, now)

    def stats(self, course: str) -> CourseStats:
        """Count how people go through a course.

        Raises:
            UnknownCourse: nothing was published under that slug.
        """
        with self._database.reading() as connection:
            return stats.stats(connection, self._editions.newest(connection, course))

    def audit(self) -> Audit:
        """Count what is owed and look for broken promises."""
        with self._database.reading() as connection:
            return auditing.audit(connection)


def open_store(url: str, pseudonyms: Pseudonyms | None = None) -> Store:
    """Return the store behind a database URL; nothing is read or made yet.

    Args:
        url: of SQLAlchemy's form.
        pseudonyms: by which erased people are recognised; without any, nobody can be erased.

    Raises:
        LettercourseError: the URL names no database that can be used.
    """
    return Store(Database(url), pseudonyms)
