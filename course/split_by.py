"""``[split]`` of a manifest: how an article becomes lessons where no ``[[lesson]]`` says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from course.toml import Table

LONGEST_LESSON = 30
"""Minutes of reading that may be aimed at for one letter."""


class SplitBy(StrEnum):
    """How an article becomes lessons; ``EXPLICIT`` is by the ``[[lesson]]`` tables."""

    HEADING = "heading"
    MINUTES = "minutes"
    EXPLICIT = "explicit"


@dataclass(frozen=True, slots=True)
class SplitChoices:
    """The table ``[split]``.

    Attributes:
        by: ``None`` where nothing is said: explicit with lessons, else by the best heading level.
        level: 1 to 6, the deepest heading that starts a lesson; 0 unless by heading.
        minutes: reading time of one lesson to aim at; 0 unless by minutes.
        line: where it is said.
    """

    by: SplitBy | None = None
    level: int = 0
    minutes: int = 0
    line: int = 0


def read_split(table: Table, *, has_lessons: bool) -> SplitChoices:
    """Return what ``[split]`` says; its faults are remembered by ``table``.

    Args:
        table: perhaps empty.
        has_lessons: whether there are ``[[lesson]]`` tables beside it.
    """
    named = table.text("by")
    by = next((each for each in SplitBy if each.value == named.value), None)
    level, minutes = table.number("level", 1, 6), table.number("minutes", 1, LONGEST_LESSON)
    if named.value and by is None:
        known = ", ".join(f'"{each.value}"' for each in SplitBy)
        table.fault("bad-value", named.line, f'by cannot be "{named.value}"', f"use {known}")
    else:
        _refuse_contradictions(table, by, has_lessons=has_lessons)
    table.close()
    return SplitChoices(by, level or 0, minutes or 0, named.line)


def _refuse_contradictions(table: Table, by: SplitBy | None, *, has_lessons: bool) -> None:
    for key, owner in (("level", SplitBy.HEADING), ("minutes", SplitBy.MINUTES)):
        given = table.get(key) is not None
        if given and by is not owner:
            message = f'{key} means something only with by = "{owner.value}"'
            table.fault("bad-value", table.line_of(key), message, "set by, or take the line out")
        elif by is owner and not given:
            example = f"{key} = {2 if owner is SplitBy.HEADING else 5}"
            message = f'by = "{owner.value}" without {key}'
            table.fault("missing-key", table.line_of("by"), message, f"add {example}")
    if by is SplitBy.EXPLICIT and not has_lessons:
        message, remedy = "no [[lesson]] says where to split", "add one, or choose another by"
        table.fault("bad-value", table.line_of("by"), message, remedy)
    elif by in (SplitBy.HEADING, SplitBy.MINUTES) and has_lessons:
        message = f'by = "{by.value}" beside [[lesson]] tables, which say themselves where to split'
        table.fault("bad-value", table.line_of("by"), message, "take one of the two out")
