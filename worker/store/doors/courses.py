"""What was published."""

from __future__ import annotations

from datetime import datetime

from course.model import Asset, Edition
from worker.model import (
    PublishedCourse,
    PublishPlan,
    StoredLetter,
)
from worker.store import (
    editions,
    foreseeing,
)
from worker.store.doors.base import Door


class Courses(Door):
    """What was published."""

    def publish(self, edition: Edition, now: datetime) -> bool:
        """Make an edition its course's newest; ``False`` when it is that already.

        Raises:
            Refused: the sender is incomplete, or a key would name another letter than it did.
        """
        with self._database.writing() as connection:
            return editions.publish(connection, edition, now)

    def foresee(self, edition: Edition, now: datetime, *, for_whom: bool = True) -> PublishPlan:
        """Return what publishing an edition would change; writes nothing.

        Without ``for_whom`` only what is edited, and how many people go on with it.
        """
        with self._database.reading() as connection:
            return foreseeing.foresee(connection, self._editions, edition, now, for_whom=for_whom)

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
