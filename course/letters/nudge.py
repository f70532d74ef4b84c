"""The reminder of a lesson that waits for a reflection: its question once more, and no article."""

from __future__ import annotations

from dataclasses import replace

from markupsafe import Markup

from course.letters.letter import Draft, finished, shared_context, source_digest
from course.letters.mjml import html_frame, text_frame
from course.letters.palette import palette
from course.letters.wording import wording
from course.letters.wrapping import wrap
from course.model import NUDGE, Kind, Lesson, Letter
from course.words import shorten

LONGEST_TITLE = 60
"""Characters of a lesson's title in its reminder's subject."""


def nudge_key(lesson_key: str) -> str:
    """Return the key of a lesson's reminder: no lesson can have it."""
    return lesson_key + NUDGE


def write_nudge(lesson: Lesson, draft: Draft) -> Letter:
    """Return the reminder of ``lesson``, with its number and its slots open."""
    course = draft.course
    words = wording(course.language)
    reminder = replace(
        lesson,
        key=nudge_key(lesson.key),
        title=words.nudge_title,
        subject=words.nudge_subject.format(title=shorten(lesson.title, LONGEST_TITLE)),
        preheader=lesson.prompt,
        heading=None,
        passages=(),
        takeaways=(),
        questions=(),
        wait_days=None,
    )
    count = sum(other.kind is Kind.LESSON for other in course.lessons)
    paragraphs = [line.format(title=lesson.title) for line in words.nudge_body]
    context = {
        **shared_context(reminder, draft, words),
        "day": words.nudge.format(number=lesson.number, lessons=count),
        "minutes": "",
        "previous": "",
        "next": "",
        "title": reminder.title,
        "title_id": "reminder",
        "takeaways": (),
        "questions": (),
        "notes": (),
        "contents": (),
        "links": (),
    }
    html_body = Markup().join(
        Markup('<p style="margin:0 0 18px">{}</p>').format(line) for line in paragraphs
    )
    html = html_frame("letter", {**context, "body": html_body}, palette(course.brand))
    text = text_frame("letter", {**context, "body": "\n\n".join(map(wrap, paragraphs))})
    return replace(finished(reminder, draft, html, text), source_digest=source_digest(lesson))
