"""Cut an article into lessons where its author has not named them, and say why there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from course.article.parse import Run
from course.reading import token_minutes
from course.split_by import SplitBy, SplitChoices
from course.splitting.seams import even_parts, heading_cuts, parts, seams, speaks

FEWEST_LESSONS = 3
MOST_LESSONS = 12
FEW_LESSONS = 6
"""More lessons than this must each have ``LEAST_WORDS_MINUTES``, or neighbours are put together."""
TARGET_MINUTES = 4.0
LONG_MINUTES = 8.0
"""Lessons are 2 to 8 minutes where the article lets them."""
TOO_LONG_MINUTES = 10.0
"""A section over this is cut although its article has a good number of sections."""
TINY_MINUTES = 1.0
TINY_SHARE = 0.4
"""A section under a minute and under this share of the usual one joins a neighbour."""
LEAST_WORDS_MINUTES = 60 / 220
"""No article is cut into pieces shorter than 60 words."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one lesson is made of.

    Attributes:
        why: why it begins and ends where it does, for the author.
    """

    runs: tuple[Run, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Cut:
    """An article's text in parts; all runs together are those that were given, in order.

    Attributes:
        intro: what stands before the first lesson; may be empty.
        why: why it was cut in this way.
    """

    intro: tuple[Run, ...]
    lessons: tuple[Part, ...]
    why: str


@dataclass(slots=True)
class _Sections:
    """Sections on their way to lessons, each with what was done to it."""

    found: list[tuple[list[Run], str]] = field(default_factory=list)
    joined: int = 0
    shortened: int = 0

    def add(self, section: list[Run], why: str) -> None:
        """Take a section in; one that is too long in several parts."""
        time = _time(section)
        cut = even_parts(section, math.ceil(time / LONG_MINUTES))
        if time <= TOO_LONG_MINUTES or len(cut) == 1:
            self.found.append((section, why))
            return
        self.shortened += 1
        whole = f"{why}, {_spoken(time)} long"
        self.found += [
            (each, f"part {n} of {len(cut)} of {whole}") for n, each in enumerate(cut, 1)
        ]

    def parts(self) -> tuple[Part, ...]:
        """Return what became of them."""
        return tuple(Part(tuple(runs), why) for runs, why in self.found if runs)

    def summary(self) -> str:
        """Return what was done to them, to go on after a comma; empty when nothing was."""
        done = [
            f"{count} {_plural(count, 'section')} {what}"
            for count, what in (
                (self.joined, "under a minute put with a neighbour"),
                (self.shortened, f"over {TOO_LONG_MINUTES:.0f} minutes cut between blocks"),
            )
            if count
        ]
        return "".join(f"; {each}" for each in done)


def cut_lessons(runs: Sequence[Run], choices: SplitChoices | None = None) -> Cut:
    """Cut ``runs`` into an introduction and lessons.

    Args:
        runs: all that shows something and has no other use, in the article's order.
        choices: what the manifest asks for; without it the heading level that gives 3 to 12
            lessons of 2 to 8 minutes decides.

    Returns:
        At least one lesson where there is a run; by a level that no heading has, none.
    """
    if choices and choices.by is SplitBy.HEADING:
        return _by_heading(runs, choices.level)
    if choices and choices.by is SplitBy.MINUTES:
        return _by_minutes(runs, choices.minutes)
    level = _natural_level(runs)
    return _by_level(runs, level) if level else _together(runs)


def _by_heading(runs: Sequence[Run], level: int) -> Cut:
    """Start a lesson at each heading of at most ``level``, however long or short."""
    starts = heading_cuts(runs, level)
    sections = parts(runs, starts)
    why = f"course.toml splits by heading: level {level} gives {len(sections)}"
    found = tuple(Part(tuple(section), _described(section, level)) for section in sections)
    return Cut(tuple(runs[: starts[0]] if starts else runs), found, why)


def _by_minutes(runs: Sequence[Run], target: int) -> Cut:
    start = _opening(runs, heading_cuts(runs, 6))
    time = _time(runs[start:])
    sections = even_parts(runs[start:], max(1, round(time / target)))
    why = f"course.toml splits by minutes: {_spoken(time)} make {len(sections)} of about {target}"
    found = tuple(Part(tuple(section), _described(section, 6)) for section in sections)
    return Cut(tuple(runs[:start]), found, why)


def _natural_level(runs: Sequence[Run]) -> int:
    """Return the heading level that gives 3 to 12 lessons, the shallowest of good length; or 0."""
    fitting: list[int] = []
    for level in range(1, 7):
        cuts = heading_cuts(runs, level)
        if not FEWEST_LESSONS <= len(cuts) <= MOST_LESSONS:
            continue
        mean = _time(runs[cuts[0] :]) / len(cuts)
        if len(cuts) > FEW_LESSONS and mean < LEAST_WORDS_MINUTES:
            continue
        fitting.append(level)
        if mean <= LONG_MINUTES:
            return level
    return fitting[0] if fitting else 0


def _by_level(runs: Sequence[Run], level: int) -> Cut:
    starts = heading_cuts(runs, level)
    sections = [(section, _described(section, level)) for section in parts(runs, starts)]
    mean = _time(runs[starts[0] :]) / len(sections)
    done = _Sections()
    intro = _shortened_intro(done, runs[: starts[0]])
    whole = _joined(sections, level)
    done.joined = len(sections) - len(whole)
    for section, why in whole:
        done.add(section, why)
    count = f"{len(sections)} sections of {_spoken(mean)} on average"
    return Cut(intro, done.parts(), f"headings of level {level} give {count}{done.summary()}")


def _joined(sections: Sequence[tuple[list[Run], str]], level: int) -> list[tuple[list[Run], str]]:
    """Put sections that are tiny beside the others with the shorter neighbour, under one heading.

    At least three stay.
    """
    whole = list(sections)
    tiny = min(TINY_MINUTES, TINY_SHARE * median(_time(section) for section, _ in whole))
    while len(whole) > FEWEST_LESSONS:
        times = [_time(section) for section, _ in whole]
        at = min(range(len(whole)), key=lambda index: (times[index], index))
        if times[at] >= tiny:
            break
        near = [index for index in (at - 1, at + 1) if 0 <= index < len(whole)]
        kin = [index for index in near if _goes_under(whole[max(index, at)], whole[min(index, at)])]
        other = min(kin or near, key=lambda index: (times[index], index))
        first, second = sorted((at, other))
        both = [*whole[first][0], *whole[second][0]]
        why = f"{_described(both, level)}: {_called(whole[at][0][0])} alone is under a minute"
        whole[first : second + 1] = [(both, why)]
    return whole


def _goes_under(later: tuple[list[Run], str], earlier: tuple[list[Run], str]) -> bool:
    """Tell whether two neighbours stand under one heading: the later one begins nothing greater."""
    return later[0][0].level >= earlier[0][0].level


def _together(runs: Sequence[Run]) -> Cut:
    """Cut where no level of headings gives a good number of lessons."""
    counts = {level: len(heading_cuts(runs, level)) for level in range(1, 7)}
    level = next((level for level, count in counts.items() if count >= FEWEST_LESSONS), 0)
    if level:
        return _neighbours(runs, level, counts)
    headings = heading_cuts(runs, 6)
    start = _opening(runs, headings)
    starts = [cut for cut in headings if cut >= start]
    done = _Sections()
    if len(starts) > 1:
        for section in parts(runs, sorted({start, *starts})):
            done.add(section, _described(section, 6))
        why = f"there are only {len(starts)} sections{done.summary()}"
        return Cut(tuple(runs[:start]), done.parts(), why)
    time = _time(runs[start:])
    least = min(FEWEST_LESSONS, max(1, int(time / LEAST_WORDS_MINUTES)))
    sections = even_parts(runs[start:], _count(time, least))
    done.found = [(section, _described(section, 6)) for section in sections]
    why = "no headings to go by" if not headings else "one heading alone divides nothing"
    return Cut(tuple(runs[:start]), done.parts(), f"{why}: {_evenly(done.found)}")


def _neighbours(runs: Sequence[Run], level: int, counts: Mapping[int, int]) -> Cut:
    """Put neighbouring sections of ``level`` together, there being too many or too short ones."""
    start = heading_cuts(runs, level)[0]
    time = _time(runs[start:])
    count = _count(time, FEWEST_LESSONS)
    done = _Sections()
    intro = _shortened_intro(done, runs[:start])
    whole = even_parts(runs[start:], count, level=level)
    for more in range(count, count * 3 // 2 + 1):
        finer = even_parts(runs[start:], more, level=level)
        if max(map(_time, finer)) <= LONG_MINUTES:
            whole = finer
            break
    for section in whole:
        done.add(section, _described(section, level))
    given = {level: many for level, many in counts.items() if many != counts.get(level - 1, 0)}
    levels = ", ".join(f"level {level}: {many}" for level, many in given.items())
    why = f"no level of headings gives 3 to 12 lessons of a good length ({levels})"
    return Cut(intro, done.parts(), f"{why}, so neighbours are together: {_evenly(done.found)}")


def _shortened_intro(done: _Sections, runs: Sequence[Run]) -> tuple[Run, ...]:
    """Return what the welcome takes of the text before the first heading; the rest is lessons."""
    time = _time(runs)
    if time <= TOO_LONG_MINUTES:
        return tuple(runs)
    intro, *more = even_parts(runs, math.ceil(time / LONG_MINUTES))
    done.found = [(each, "what stands before the first heading is long") for each in more]
    return tuple(intro)


def _opening(runs: Sequence[Run], headings: Sequence[int]) -> int:
    """Return where the lessons begin in an article with fewer than three sections."""
    if headings:
        start = headings[0]
        if _time(runs[:start]) <= _time(runs[start:]):
            return start
    after = next((i for i, run in enumerate(runs, start=1) if speaks(run)), 0)
    return after if len(seams(runs[after:])) >= FEWEST_LESSONS and after in seams(runs) else 0


def _count(time: float, least: int) -> int:
    wanted = min(max(round(time / TARGET_MINUTES), least), MOST_LESSONS)
    return max(wanted, math.ceil(time / LONG_MINUTES))


def _time(runs: Sequence[Run]) -> float:
    return sum(token_minutes(run.tokens) for run in runs)


def _evenly(found: Sequence[tuple[list[Run], str]]) -> str:
    mean = sum(_time(section) for section, _ in found) / max(1, len(found))
    return f"{len(found)} {_plural(len(found), 'part')} of {_spoken(mean)} on average"


def _described(section: Sequence[Run], level: int) -> str:
    """Name a part by the headings it holds, down to ``level``."""
    highest = min((run.level for run in section if run.level), default=7)
    titles = [run.title for run in section if 0 < run.level <= max(highest, section[0].level)]
    titles = [title for title in titles if title] if highest <= level else []
    if not section[0].level:
        return _called(section[0])
    if len(titles) < 2:
        return f'section "{section[0].title}"'
    return f'sections "{titles[0]}" to "{titles[-1]}" ({len(titles)})'


def _called(first: Run) -> str:
    return f'section "{first.title}"' if first.title else f"the part from line {first.start_line}"


def _spoken(time: float) -> str:
    if time < 1:
        return "under a minute"
    number = f"{time:.1f}".removesuffix(".0")
    return f"{number} {'minute' if number == '1' else 'minutes'}"


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
