"""What people wrote about their lessons, for those who ask; nothing here writes."""

from __future__ import annotations

from sqlalchemy import Connection, select

from worker.errors import Refused
from worker.model import PublishedCourse, ReflectionRecord
from worker.progress import called_now
from worker.store.schema import courses, enrollments, reflections, replies, subscribers


def reflections_on(
    connection: Connection, course: PublishedCourse, lesson: str | None
) -> list[ReflectionRecord]:
    """Return every reflection on a course or one of its lessons, of every run, oldest first.

    Raises:
        Refused: the course never had that lesson.
    """
    renames = dict(course.renames)
    wanted = called_now(renames, lesson) if lesson is not None else None
    rows = connection.execute(
        select(reflections, subscribers.c.address, replies.c.message_id)
        .join(replies, replies.c.id == reflections.c.reply_id)
        .join(enrollments, enrollments.c.id == reflections.c.enrollment_id)
        .join(courses, courses.c.id == enrollments.c.course_id)
        .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
        .where(courses.c.slug == course.slug)
        .order_by(reflections.c.received_at, reflections.c.id)
    )
    found = [
        ReflectionRecord(
            address=row.address,
            course=course.slug,
            lesson=called_now(renames, row.letter_key),
            text=row.text,
            received_at=row.received_at,
            verified=row.verified,
            from_subscriber=row.from_subscriber,
            message_id=row.message_id,
        )
        for row in rows
    ]
    chosen = [each for each in found if wanted in (None, each.lesson)]
    if wanted is not None and not chosen and wanted not in course.keys:
        raise Refused(
            f'there is no lesson "{lesson}"',
            where=course.slug,
            remedy=f"its letters: {', '.join(course.keys)}",
        )
    return chosen
