"""How a lesson is built."""

from __future__ import annotations

from collections.abc import Iterator

from course.lint.rule import Checked, Example, Spot, rule
from course.model import Kind, Level


@rule(
    "heading-skipped",
    Level.INFO,
    "A heading that skips a level",
    why="Who listens to a letter goes through it by its headings, and looks for the one that is "
    "left out (WCAG 2.2, technique G141).",
    remedy="use the next level, and none for its size",
    example=Example(
        "## Bread\n\nIt takes time.\n\n#### Flour\n\nAny will do.\n",
        '[[lesson]]\nkey = "bread"\nsections = ["Bread"]\n',
    ),
)
def heading_skipped(checked: Checked) -> Iterator[Spot]:
    """Within one letter, by the article's own levels; a way up may be of any length."""
    for lesson in checked.course.lessons:
        heading = (lesson.heading,) if lesson.heading and lesson.kind is Kind.LESSON else ()
        above = 0
        for passage in (*heading, *lesson.passages):
            opening = passage.tokens[0]
            if opening.type != "heading_open":
                continue
            level = int(opening.tag[1])
            if above and level > above + 1:
                message = f"the heading goes from level {above} to level {level}"
                yield Spot(passage.start_line, message)
            above = level
