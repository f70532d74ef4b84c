"""Cut an article into lessons where its author has not: by headings, towards a reading time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from course.article.parse import Run
from course.reading import minutes

FEWEST_LESSONS = 3
MOST_LESSONS = 12
TARGET_MINUTES = 4.0
LONG_MINUTES = 8.0
"""Lessons are 2 to 8 minutes where the article lets them."""
TOO_LONG_MINUTES = 10.0
"""A section over this is cut although its article has a good number of sections."""
LEAST_WORDS_MINUTES = 60 / 220
"""No article is cut into pieces shorter than 60 words."""

_DEEPER = 0.1
_AT_RULE = 0.2
_AT_PARAGRAPH = 0.35
_FARTHEST = 0.8


def cut_lessons(runs: Sequence[Run]) -> tuple[list[Run], list[list[Run]]]:
    """Cut ``runs`` into an introduction and lessons.

    Args:
        runs: all that shows something and has no other use, in the article's order.

    Returns:
        The introduction, perhaps empty, and at least one lesson where there is a run.
    """
    weights = [minutes(run.words) for run in runs]
    level = _natural_level(runs, weights)
    if level:
        starts = heading_cuts(runs, level)
        sections = _parts(runs, starts)
        intro, *more = _shortened(list(runs[: starts[0]]))
        return intro, [*more, *(part for section in sections for part in _shortened(section))]
    crowded = next((n for n in range(1, 7) if len(heading_cuts(runs, n)) > MOST_LESSONS), 0)
    headings = heading_cuts(runs, crowded or 6)
    if crowded or len(headings) >= FEWEST_LESSONS:
        start = headings[0]
        count = _count(sum(weights[start:]), FEWEST_LESSONS)
        return list(runs[:start]), even_parts(runs[start:], count, paragraphs=False)
    start = _opening(runs, weights, headings)
    starts = [cut for cut in headings if cut >= start]
    if len(starts) > 1:
        parts = _parts(runs, sorted({start, *starts}))
        return list(runs[:start]), [part for section in parts for part in _shortened(section)]
    time = sum(weights[start:])
    least = min(FEWEST_LESSONS, max(1, int(time / LEAST_WORDS_MINUTES)))
    return list(runs[:start]), even_parts(runs[start:], _count(time, least))


def _natural_level(runs: Sequence[Run], weights: Sequence[float]) -> int:
    """Return the heading level that gives 3 to 12 lessons, the shallowest of good length; or 0."""
    fitting = [
        level
        for level in range(1, 7)
        if FEWEST_LESSONS <= len(heading_cuts(runs, level)) <= MOST_LESSONS
    ]
    for level in fitting:
        cuts = heading_cuts(runs, level)
        if sum(weights[cuts[0] :]) / len(cuts) <= LONG_MINUTES:
            return level
    return fitting[0] if fitting else 0


def heading_cuts(runs: Sequence[Run], level: int) -> list[int]:
    """Return the indexes of headings of at most ``level`` that start a text of their own.

    A heading right under another one stays with it, and headings at the end start nothing.
    """
    last_text = max((i for i, run in enumerate(runs) if not run.level), default=-1)
    return [
        index
        for index, run in enumerate(runs)
        if 0 < run.level <= level and index < last_text and not (index and runs[index - 1].level)
    ]


def _opening(runs: Sequence[Run], weights: Sequence[float], headings: Sequence[int]) -> int:
    """Return where the lessons begin in an article with fewer than three sections."""
    if headings:
        start = headings[0]
        if sum(weights[:start]) <= sum(weights[start:]):
            return start
    after = next((i for i, run in enumerate(runs, start=1) if _speaks(run)), 0)
    return after if len(_cuts(runs[after:])) >= FEWEST_LESSONS and after in _cuts(runs) else 0


def _shortened(section: list[Run]) -> list[list[Run]]:
    time = sum(minutes(run.words) for run in section)
    return (
        even_parts(section, math.ceil(time / LONG_MINUTES))
        if time > TOO_LONG_MINUTES
        else [section]
    )


def _count(time: float, least: int) -> int:
    wanted = min(max(round(time / TARGET_MINUTES), least), MOST_LESSONS)
    return max(wanted, math.ceil(time / LONG_MINUTES))


def even_parts(runs: Sequence[Run], count: int, *, paragraphs: bool = True) -> list[list[Run]]:
    """Cut ``runs`` into about ``count`` parts of like reading time, at headings where one is near.

    Args:
        runs: what is cut; never inside a run, so no list, table, code or quote is cut.
        count: how many parts; fewer come back where there are fewer places to cut.
        paragraphs: whether a cut may also stand before a paragraph.
    """
    costs = _cuts(runs)
    if not paragraphs:
        costs = {index: cost for index, cost in costs.items() if runs[index].level}
    offsets = [0.0]
    for run in runs:
        offsets.append(offsets[-1] + minutes(run.words))
    share = offsets[-1] / count if count else 0.0
    if not share:
        return [list(runs)]
    starts = [0]
    for number in range(1, count):
        away = {
            index: abs(offsets[index] - number * share) / share + cost
            for index, cost in costs.items()
            if index > starts[-1] and abs(offsets[index] - number * share) < _FARTHEST * share
        }
        if away:
            starts.append(min(away, key=lambda index: (away[index], index)))
    return _parts(runs, starts)


def _cuts(runs: Sequence[Run]) -> Mapping[int, float]:
    """Return the indexes before which a lesson may start, and what a cut there costs."""
    headings = heading_cuts(runs, 6)
    shallowest = min((runs[index].level for index in headings), default=0)
    costs: dict[int, float] = {}
    for index, (before, run) in enumerate(pairwise(runs), start=1):
        if index in headings:
            costs[index] = _DEEPER * (run.level - shallowest)
        elif _speaks(run) and before.kind == "hr":
            costs[index] = _AT_RULE
        elif _speaks(run) and not before.level and not _leads_on(before):
            costs[index] = _AT_PARAGRAPH
    return costs


def _speaks(run: Run) -> bool:
    """Tell whether a run is a paragraph of more than pictures."""
    children = run.tokens[1].children if run.kind == "paragraph" else None
    return any(token.type == "text" and token.content.strip() for token in children or ())


def _leads_on(run: Run) -> bool:
    """Tell whether what follows is announced, as by a colon."""
    return run.words.endswith((":", "：")) or not run.words


def _parts(runs: Sequence[Run], starts: Sequence[int]) -> list[list[Run]]:
    edges = [*starts, len(runs)]
    return [list(runs[a:b]) for a, b in pairwise(edges)]
