"""Whose a journal's entry is in a database that went back: by id, by address, or nobody known.

Ids of people who came after the backup may have been given to others since, so an id counts only
where the address's keyed hash agrees.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Column, Connection, insert, select

from worker.journal import Entry
from worker.model import EnrollmentState
from worker.pseudonyms import Digests
from worker.store.agreeing import is_of
from worker.store.placeholders import add_placeholder, find_placeholder, is_placeholder
from worker.store.schema import courses, enrollments, subscribers


class People:
    """Finds the person and the course of an entry, and keeps a place where there is none.

    Args:
        connection: the transaction of the rebuilding.
        digests: keyed hashes of an address.
        entries: all that will be asked for.
        now: the calendar's instant.
    """

    def __init__(
        self,
        connection: Connection,
        digests: Digests,
        entries: Collection[Entry],
        now: datetime,
    ) -> None:
        self._connection = connection
        self._digests = digests
        self._now = now
        self._wanted = {each.person for each in entries if each.person}
        self._by_person: dict[str, int] | None = None
        self.added = 0

    def find(self, subscriber_id: int, person: str) -> int | None:
        """Return the id of an entry's person; ``None`` where nobody knows them."""
        address = self._connection.scalar(
            select(subscribers.c.address).where(subscribers.c.id == subscriber_id)
        )
        if address is not None and is_of(address, person, self._digests):
            return subscriber_id
        if not person:
            return None
        return find_placeholder(self._connection, person) or self._known().get(person)

    def find_or_add(self, subscriber_id: int, person: str) -> int:
        """Return the id of an entry's person, for whom a place is kept where nobody knows them."""
        found = self.find(subscriber_id, person)
        if found is not None:
            return found
        self.added += 1
        is_free = self._is_free(subscribers.c.id, subscriber_id)
        return add_placeholder(
            self._connection, person, subscriber_id if is_free else None, self._now
        )

    def enrollment(
        self, enrollment_id: int, subscriber_id: int, person: str, course: str, run: int = 1
    ) -> int | None:
        """Return the enrollment of an entry's person in a course, made where there is none.

        One that is made for somebody known goes on; for a place that is kept it is frozen. ``None``
        where the course is unknown.
        """
        known = self._connection.execute(
            select(subscribers.c.address, courses.c.slug)
            .select_from(enrollments)
            .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
            .join(courses, courses.c.id == enrollments.c.course_id)
            .where(enrollments.c.id == enrollment_id)
        ).one_or_none()
        if known and known.slug == course and is_of(known.address, person, self._digests):
            return enrollment_id
        course_id = self._connection.scalar(select(courses.c.id).where(courses.c.slug == course))
        if course_id is None:
            return None
        whose = self.find_or_add(subscriber_id, person)
        theirs: int | None = self._connection.scalar(
            select(enrollments.c.id).where(
                enrollments.c.subscriber_id == whose, enrollments.c.course_id == course_id
            )
        )
        if theirs is not None:
            return theirs
        row = {
            "subscriber_id": whose,
            "course_id": course_id,
            "run": run,
            "state": EnrollmentState.PAUSED if self._is_place(whose) else EnrollmentState.ACTIVE,
            "created_at": self._now,
            "changed_at": self._now,
        }
        if self._is_free(enrollments.c.id, enrollment_id):
            row["id"] = enrollment_id
        made: int = self._connection.execute(
            insert(enrollments).values(**row).returning(enrollments.c.id)
        ).scalar_one()
        return made

    def _is_place(self, subscriber_id: int) -> bool:
        address = select(subscribers.c.address).where(subscribers.c.id == subscriber_id)
        return is_placeholder(self._connection.execute(address).scalar_one())

    def _is_free(self, column: Column[int], wanted: int) -> bool:
        return self._connection.scalar(select(column).where(column == wanted)) is None

    def _known(self) -> dict[str, int]:
        """Return the ids of wanted people who are here under another id: looks at every address."""
        if self._by_person is None:
            everybody = self._connection.execute(
                select(subscribers.c.id, subscribers.c.address).execution_options(yield_per=1000)
            )
            self._by_person = {
                person: row.id
                for row in everybody
                for person in self._digests(row.address)
                if person in self._wanted
            }
        return self._by_person
