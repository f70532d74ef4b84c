"""Where an article may be cut: never inside a list, table, code, quote or HTML element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from course.article.parse import Run
from course.reading import token_minutes

_DEEPER = 0.1
_AT_RULE = 0.2
_AT_PARAGRAPH = 0.35
_FARTHEST = 0.8


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


def even_parts(runs: Sequence[Run], count: int, *, level: int = 0) -> list[list[Run]]:
    """Cut ``runs`` into about ``count`` parts of like reading time, at headings where one is near.

    Args:
        runs: what is cut; never inside a run, so no list, table, code or quote is cut.
        count: how many parts; fewer come back where there are fewer places to cut.
        level: cut before headings of at most this level only; 0: before paragraphs too.
    """
    costs = dict.fromkeys(heading_cuts(runs, level), 0.0) if level else seams(runs)
    offsets = [0.0]
    for run in runs:
        offsets.append(offsets[-1] + token_minutes(run.tokens))
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
    return parts(runs, starts)


def seams(runs: Sequence[Run]) -> Mapping[int, float]:
    """Return the indexes before which a lesson may start, and what a cut there costs."""
    headings = heading_cuts(runs, 6)
    shallowest = min((runs[index].level for index in headings), default=0)
    costs: dict[int, float] = {}
    for index, (before, run) in enumerate(pairwise(runs), start=1):
        if index in headings:
            costs[index] = _DEEPER * (run.level - shallowest)
        elif not speaks(run):
            continue
        elif before.kind == "hr":
            costs[index] = _AT_RULE
        elif not before.level and not _leads_on(before):
            costs[index] = _AT_PARAGRAPH
    return costs


def parts(runs: Sequence[Run], starts: Sequence[int]) -> list[list[Run]]:
    """Return the runs from each of ``starts`` to the next."""
    return [list(runs[a:b]) for a, b in pairwise([*starts, len(runs)])]


def speaks(run: Run) -> bool:
    """Tell whether a run is a paragraph of more than pictures."""
    children = run.tokens[1].children if run.kind == "paragraph" else None
    return any(token.type == "text" and token.content.strip() for token in children or ())


def _leads_on(run: Run) -> bool:
    """Tell whether what follows is announced, as by a colon."""
    return run.words.endswith((":", "：")) or not run.words
