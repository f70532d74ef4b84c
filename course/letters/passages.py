"""Everything of the article that one letter shows, and in which line of the file it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from markdown_it.token import Token

from course.model import Course, Lesson, Passage


def passages_of(lesson: Lesson) -> tuple[Passage, ...]:
    """Return the lesson's passages in the order they are shown."""
    heading = (lesson.heading,) if lesson.heading else ()
    return (*heading, *lesson.takeaways, *lesson.passages, *lesson.questions)


def tokens_of(passages: Iterable[Passage]) -> list[Token]:
    """Return the tokens of all ``passages``."""
    return list(chain.from_iterable(passage.tokens for passage in passages))


def placed(course: Course) -> Iterator[tuple[Token, int]]:
    """Yield every block and inline token of the letters and notes with its line of the file."""
    shown = chain.from_iterable(passages_of(lesson) for lesson in course.lessons)
    for passage in (*shown, *course.footnotes.values()):
        line = passage.start_line
        for token in passage.tokens:
            line = course.body_line + token.map[0] if token.map else line
            yield token, line
            within = line
            for child in token.children or ():
                yield child, within
                within += child.type in {"softbreak", "hardbreak"}
