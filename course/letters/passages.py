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
            within, read = line, 0
            for child in token.children or ():
                yield child, within
                breaks, read = _breaks(child, token.content, read)
                within += breaks


def _breaks(token: Token, source: str, read: int) -> tuple[int, int]:
    """Return how many lines of ``source`` end in an inline token, and up to where it was read."""
    match token.type:
        case "softbreak" | "hardbreak":
            return 1, source.find("\n", read) + 1 or read
        case "html_inline":
            start = source.find(token.content, read)
            return token.content.count("\n"), max(read, start + len(token.content))
        case "code_inline":
            start = source.find(token.markup, read)
            end = source.find(token.markup, start + len(token.markup)) + len(token.markup)
            return (source.count("\n", start, end), end) if read <= start < end else (0, read)
        case "image":
            inside = (child.type in {"softbreak", "hardbreak"} for child in token.children or ())
            return sum(inside), read
    return 0, read
