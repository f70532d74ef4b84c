"""The store: every method is one transaction, and says whether it writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from course.model import Asset, Edition
from worker.model import (
    Audit,
    Claimed,
    DeliveryRecord,
    DeliveryState,
    EnrollResult,
    Explanation,
    Gated,
    Moment,
    Outcome,
    Person,
    PublishedCourse,
    Standing,
    StoredLetter,
    Tally,
)
from worker.store import (
    auditing,
    claiming,
    editions,
    explaining,
    gating,
    installation,
    joining,
    leaving,
    migrations,
    people,
    reports,
    settling,
)
from worker.store.engine import Database
from worker.store.gating import Gate


class Store:
    """The ledger of one installation; may be shared by threads, not by forks.

    All instants are aware and in UTC. ``now`` is the calendar's; a ``Moment`` carries the
    machine's clock too, for leases and deadlines.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
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
            return joining.enroll(connection, course, people_, now)

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
            return gating.gate(connection, claimed, owner, moment, deadline)

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
            return settling.reap(connection, self._editions, moment)

    def due_count(self, now: datetime, limit: int) -> int:
        """Count due letters, to ``limit`` at most."""
        with self._database.reading() as connection:
            return claiming.due_count(connection, now, limit)

    def next_due_at(self) -> datetime | None:
        """Return when the next letter falls due, past or future; ``None``: never."""
        with self._database.reading() as connection:
            return claiming.next_due_at(connection)

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

    def audit(self) -> Audit:
        """Count what is owed and look for broken promises."""
        with self._database.reading() as connection:
            return auditing.audit(connection)


def open_store(url: str) -> Store:
    """Return the store behind a database URL; nothing is read or made yet.

    Raises:
        LettercourseError: the URL names no database that can be used.
    """
    return Store(Database(url))
