"""What a person wrote, lesson by lesson, to be given back to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from worker.model import PublishedCourse
from worker.progress import called_now
from worker.store.editions import Editions
from worker.store.schema import (
    courses,
    deliveries,
    enrollments,
    reflections,
)


@dataclass(frozen=True, slots=True)
class OwnWords:
    """One reflection.

    Attributes:
        language: of its course, a BCP 47 tag.
        lesson: the title of the letter that it answers, as they got it.
        zone: where they live.
    """

    course: str
    language: str
    lesson: str
    text: str
    received_at: datetime
    zone: str


def own_words(connection: Connection, editions: Editions, subscriber_id: int) -> list[OwnWords]:
    """Return a person's own reflections in every course and run, by course, oldest first."""
    rows = connection.execute(
        select(
            reflections.c.letter_key,
            reflections.c.text,
            reflections.c.received_at,
            enrollments.c.zone,
            courses.c.edition_id,
            deliveries.c.letter_id,
        )
        .select_from(reflections)
        .join(enrollments, enrollments.c.id == reflections.c.enrollment_id)
        .join(courses, courses.c.id == enrollments.c.course_id)
        .outerjoin(
            deliveries,
            (deliveries.c.enrollment_id == reflections.c.enrollment_id)
            & (deliveries.c.run == reflections.c.run)
            & (deliveries.c.letter_key == reflections.c.letter_key),
        )
        .where(enrollments.c.subscriber_id == subscriber_id, reflections.c.from_subscriber)
        .order_by(enrollments.c.id, reflections.c.received_at, reflections.c.id)
    )
    words = []
    for row in rows:
        course = editions.edition(connection, row.edition_id)
        letter_id = row.letter_id or _as_it_is_now(course, row.letter_key)
        answered = letter_id and editions.letter(connection, letter_id).letter.title
        words.append(
            OwnWords(
                course=course.title,
                language=course.language,
                lesson=answered or row.letter_key,
                text=row.text,
                received_at=row.received_at,
                zone=row.zone or course.schedule.timezone,
            )
        )
    return words


def _as_it_is_now(course: PublishedCourse, key: str) -> int | None:
    """Return the newest edition's letter that a key means; ``None`` where it has none."""
    key = called_now(dict(course.renames), key)
    return course.letter_ids[course.keys.index(key)] if key in course.keys else None
