"""What a person sees and asks for on their own page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, time

from worker.store import (
    erasing,
    exporting,
    leaving,
    projecting,
    suppressing,
    wishes,
)
from worker.store.doors.base import Door
from worker.store.erasing import Erased
from worker.store.journey import Journey, find_journey
from worker.store.membership import Membership, find_membership
from worker.store.ownwords import OwnWords, own_words
from worker.store.suppressing import Suppressed, SuppressResult
from worker.store.wishes import Wish


class Pages(Door):
    """What a person sees and asks for on their own page."""

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
