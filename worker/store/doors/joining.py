"""Signing up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from worker.model import (
    Confirmation,
    EnrollResult,
    Person,
    PublishedCourse,
)
from worker.store import (
    joining,
    signing,
)
from worker.store.doors.base import Door


class Joining(Door):
    """Signing up."""

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
