"""Who takes which course, and who left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from worker.model import (
    EnrollResult,
    Person,
    PublishedCourse,
)
from worker.store import (
    joining,
    leaving,
    people,
)
from worker.store.doors.base import Door


class People(Door):
    """Who takes which course, and who left."""

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
