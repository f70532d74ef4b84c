"""What every operating command begins with: the installation, its calendar, the course meant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from course.article.source import read_source
from course.errors import LettercourseError
from course.plan import plan
from worker.errors import UnknownCourse
from worker.installation import Installation, open_installation
from worker.model import Clock, PublishedCourse
from worker.settings import settings_from_environment


@contextmanager
def operating(clock: Clock | None = None, *, force: bool = False) -> Iterator[Installation]:
    """Open the installation that the environment names, for one command."""
    installation = open_installation(settings_from_environment(), clock, force=force)
    try:
        yield installation
    finally:
        installation.close()


def published(installation: Installation, course: str) -> PublishedCourse:
    """Return the published course that somebody named by slug, folder or article.

    Raises:
        UnknownCourse: it was not published.
        LettercourseError: the folder or article cannot be read.
    """
    if not Path(course).exists():
        return installation.store.course(course)
    try:
        slug = plan(read_source(Path(course)))[0].slug
    except LettercourseError:
        with suppress(UnknownCourse):
            return installation.store.course(course)  # a folder that only shares the slug's name
        raise
    try:
        return installation.store.course(slug)
    except UnknownCourse as unknown:
        raise UnknownCourse(
            "this course was not published yet",
            where=course,
            remedy=f"lettercourse publish {course}",
        ) from unknown
