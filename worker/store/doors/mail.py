"""What comes back: news from the provider, and what people wrote."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from worker.model import (
    Event,
    EventTally,
    Moment,
    ReflectionRecord,
)
from worker.store import (
    events,
    reflections,
    replies,
    tracing,
)
from worker.store.doors.base import Door
from worker.store.replies import Filed, Reply
from worker.store.tracing import Clues, Origin


class Mail(Door):
    """What comes back: news from the provider, and what people wrote."""

    def record_events(self, batch: Sequence[Event], moment: Moment) -> EventTally:
        """Take news about letters, in any order and as often as it comes; settle and stop by it.

        All of the batch is taken, or none.
        """
        with self._database.writing() as connection:
            return events.record_events(connection, self._editions, self._pseudonyms, batch, moment)

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
