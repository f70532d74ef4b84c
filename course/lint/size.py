"""Letters that are cut off, and lessons that are too much or too little for one letter."""

from __future__ import annotations

from collections.abc import Iterator

from course.lint.rule import Checked, Example, Spot, first_line, rule
from course.mail.own_words import BUDGET
from course.model import Kind, Level
from course.reading import passage_minutes
from course.segments import Encoding, Literal, Section, Segment, Slot

CLIPPED_AT = 102 * 1024
"""Bytes of HTML after which Gmail cuts a letter, its footer first."""
NEAR_CLIPPING = 90 * 1024
LONG_VALUE = 300
"""Bytes that are counted for each open slot: a long name, a long link."""
LONG_CHARACTER = 3
"""Bytes that are counted for each character of a person's own words in the finale."""

LONGEST, SHORTEST = 12.0, 0.25
"""Minutes of reading; people finish two to eight with their coffee."""

_PARAGRAPH = "Flour, water, salt and time make bread, and nothing else is needed for it.\n"
_ONE_LESSON = '[[lesson]]\nkey = "bread"\nsections = ["Bread"]\n'


@rule(
    "letter-size",
    Level.ERROR,
    "A letter that Gmail cuts off",
    why="Gmail shows 102 KB of HTML and hides the rest, the footer with its way out first. Counted "
    "with long values in its slots, the finale with the words it may have to give back. From 90 KB "
    "on it is a warning.",
    remedy="make two lessons of it",
    also=(Level.WARNING,),
    example=Example(f"## Bread\n\n{_PARAGRAPH}", _ONE_LESSON, times=1200),
)
def letter_size(checked: Checked) -> Iterator[Spot]:
    """Bytes as they are sent, before the transfer encoding."""
    lessons = {lesson.key: lesson for lesson in checked.course.lessons}
    for letter in checked.edition.letters:
        own_words = BUDGET * LONG_CHARACTER if letter.kind is Kind.FINALE else 0
        size = sum(_longest(segment) for segment in letter.html) + own_words
        if size > NEAR_CLIPPING:
            yield Spot(
                first_line(lessons[letter.key]),
                f"{letter.key} has {size // 1024} KB of HTML; Gmail cuts letters at 102 KB",
                Level.ERROR if size > CLIPPED_AT else Level.WARNING,
            )


@rule(
    "lesson-length",
    Level.WARNING,
    "A lesson that is too much, or too little, for one letter",
    why=f"More than {LONGEST:.0f} minutes of reading are put off until later, and later is "
    f"never. Less than {SHORTEST * 60:.0f} seconds are hardly worth opening a letter for, which is "
    "an info.",
    remedy="make two lessons of it, at a heading in its middle",
    also=(Level.INFO,),
    example=Example(f"## Bread\n\n{_PARAGRAPH}", _ONE_LESSON, times=200),
)
def lesson_length(checked: Checked) -> Iterator[Spot]:
    """With its takeaways and questions; welcome and finale are as they are."""
    for lesson in checked.course.lessons:
        if lesson.kind is not Kind.LESSON:
            continue
        reading = passage_minutes((*lesson.passages, *lesson.takeaways, *lesson.questions))
        if reading > LONGEST:
            yield Spot(first_line(lesson), f"{lesson.key} takes {reading:.0f} minutes to read")
        elif reading < SHORTEST:
            yield Spot(
                first_line(lesson),
                f"{lesson.key} is read in {reading * 60:.0f} s",
                Level.INFO,
                "put it into one lesson with its neighbour",
            )


def _longest(segment: Segment) -> int:
    match segment:
        case Literal(content):
            return len(content)
        case Section():
            return sum(_longest(inner) for inner in segment.segments)
        case Slot():
            return 0 if segment.encoding is Encoding.LINES_HTML else LONG_VALUE
