"""Courses that are split and checked, but not compiled: their letters are empty."""

from __future__ import annotations

from pathlib import Path

from course.article.front_matter import split_lines
from course.article.parse import parse_article
from course.article.source import read_source
from course.lint.rules import arranged, check
from course.manifest import read_manifest
from course.model import Course, Edition, Finding, Letter, Pictures
from course.plan import plan
from course.segments import Segments
from course.splitting.split import split

NO_PICTURES = Pictures({}, ())


def course_of(text: str, manifest: str | None = None) -> Course:
    read = None if manifest is None else read_manifest(manifest, "course.toml")
    return split(parse_article(text.encode(), "essay.md"), read)[0]


def edition_of(course: Course, html: Segments = ()) -> Edition:
    letters = tuple(
        Letter(
            key=lesson.key,
            kind=lesson.kind,
            number=lesson.number,
            title=lesson.title,
            subject=lesson.subject,
            minutes=1,
            source_digest="",
            subject_line=(),
            html=html if lesson.number == 1 else (),
            text=(),
            mime=(),
        )
        for lesson in course.lessons
    )
    return Edition(
        course.slug, course.title, course.language, course.sender, course.schedule,
        letters, course.blocks, (), (), "",
    )  # fmt: skip


def checked(folder: Path) -> tuple[Finding, ...]:
    """Return what is found in the article and the manifest of a folder."""
    source = read_source(folder)
    course, found = plan(source)
    lines = split_lines(source.article.decode())
    found = (*found, *check(course, edition_of(course), NO_PICTURES, lines))
    return arranged(found, course.ignored)
