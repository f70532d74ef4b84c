"""The article's sections, and which of them are for something else than a lesson."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise, takewhile

from course.article.parse import Article, Run
from course.reading import minutes
from course.splitting.entries import Entries, asks, questions, takeaways
from course.splitting.headings import Purpose, purpose, speaks_of_questions

LEAST_SUBHEADINGS = 3
"""A lone heading that is no H1 is the document's title with at least so many headings under it."""
LEAST_QUESTIONS = 3
"""A section whose heading speaks of questions is a FAQ with at least so many."""
CONCLUSION_AFTER = 0.6
"""A conclusion stands after this share of the text; what still follows it goes with it."""


class Use(StrEnum):
    """What becomes of a section that is no lesson."""

    INTRODUCTION = "introduction"
    TAKEAWAYS = "takeaways"
    QUESTIONS = "questions"
    ENDING = "ending"
    CONTENTS = "contents"


@dataclass(frozen=True, slots=True)
class Special:
    """A section with a use of its own.

    Attributes:
        runs: its heading and everything under it that shows something.
        entries: what can be routed; ``None`` when nothing in it can.
    """

    use: Use
    runs: tuple[Run, ...]
    entries: Entries | None = None


def title_run(runs: Sequence[Run]) -> Run | None:
    """Return the heading that titles the whole document.

    It is the only heading of its level, none is above it, and it comes first.
    """
    headings = [run for run in runs if run.level]
    if not headings:
        return None
    first, *others = headings
    if any(run.level <= first.level for run in others):
        return None
    return first if first.level == 1 or len(others) >= LEAST_SUBHEADINGS else None


def top_sections(runs: Sequence[Run], title: Run | None) -> list[tuple[Run, ...]]:
    """Return the sections that stand in no other one, the document's title not counted."""
    sections: list[list[Run]] = []
    for run in runs:
        if run is title:
            continue
        if run.level and (not sections or run.level <= sections[-1][0].level):
            sections.append([run])
        elif sections:
            sections[-1].append(run)
    return [tuple(section) for section in sections]


def specials(
    article: Article,
    runs: Sequence[Run],
    title: Run | None,
    claimed: Container[int],
    fixed: Container[int],
) -> list[Special]:
    """Find the sections that are no lessons, by their headings and their places.

    Args:
        article: what ``runs`` are of.
        runs: those that show something, in order.
        title: the document's title among them.
        claimed: first lines of runs that the author has placed; they are in no special section, but
            takeaways or questions inside them may be.
        fixed: those of them that stay where the author has placed them: they are named themselves,
            or left out.
    """
    sections = top_sections(runs, title)
    purposes = [_purpose(section, article.body_line) for section in sections]
    first = next((i for i, found in enumerate(purposes) if found is None), len(sections))
    ending = _ending(sections, purposes)
    found = [*_labelled(article, runs, title, fixed), *_nested(article, runs, title, fixed)]
    used = {run.start_line for special in found for run in special.runs}
    for index, section in enumerate(sections):
        if section[0].start_line not in claimed:
            free = tuple(
                run
                for run in section
                if run.start_line not in claimed and run.start_line not in used
            )
            taken = {special.use for special in found}
            special = _special(
                free,
                purposes[index],
                article.body_line,
                opens=index < first,
                ends=index >= ending,
            )
            if special and (special.use not in _ONCE or special.use not in taken):
                found.append(special)
    return found


def _purpose(section: Sequence[Run], body_line: int) -> Purpose | None:
    """Return what a section is for: as its heading says, or a FAQ by what it is made of."""
    said = purpose(section[0].title)
    if said is Purpose.CONTENTS and not _only_jumps(section[1:]):
        return None
    if said or not speaks_of_questions(section[0].title):
        return said
    found = questions(section, body_line)
    asked = [entry.question for entry in found.entries] if found else []
    asking = len(asked) >= LEAST_QUESTIONS and all(map(asks, asked))
    return Purpose.QUESTIONS if asking else None


def _labelled(
    article: Article, runs: Sequence[Run], title: Run | None, claimed: Container[int]
) -> list[Special]:
    """Find takeaways that a paragraph announces, such as in bold.

    In the opening of the article they may be called a summary; elsewhere they must be the only
    ones, for a list like that at the end of each section is about its own section.
    """
    opening = {run.start_line for run in takewhile(lambda r: r is title or not r.level, runs)}
    found: list[Special] = []
    for label, listed in pairwise(runs):
        pair = (label, listed)
        said = purpose(label.words.rstrip(":： ")) if label.kind == "paragraph" else None
        opens = said is Purpose.SUMMARY and label.start_line in opening
        if said is Purpose.TAKEAWAYS or opens:
            entries = takeaways(pair, article.body_line)
            if entries and not any(run.start_line in claimed for run in pair):
                found.append(Special(Use.TAKEAWAYS, pair, entries))
    first = found[:1] if found and found[0].runs[0].start_line in opening else []
    return first or (found if len(found) == 1 else [])


def _nested(
    article: Article, runs: Sequence[Run], title: Run | None, claimed: Container[int]
) -> list[Special]:
    """Find takeaways and questions under a heading inside another section, if they are the only."""
    tops = {section[0].start_line for section in top_sections(runs, title)}
    found: list[Special] = []
    for wanted, use in ((Purpose.TAKEAWAYS, Use.TAKEAWAYS), (Purpose.QUESTIONS, Use.QUESTIONS)):
        titled = [i for i, run in enumerate(runs) if run.level and purpose(run.title) is wanted]
        if len(titled) != 1 or runs[titled[0]].start_line in tops or runs[titled[0]] is title:
            continue
        heading, *rest = runs[titled[0] :]
        under = takewhile(lambda run: not 0 < run.level <= heading.level, rest)  # noqa: B023
        section = (heading, *under)
        take = takeaways if use is Use.TAKEAWAYS else questions
        entries = take(section, article.body_line)
        if entries and not any(run.start_line in claimed for run in section):
            found.append(Special(use, section, entries))
    return found


_ONCE = (Use.TAKEAWAYS, Use.QUESTIONS)


def _special(
    section: tuple[Run, ...], found: Purpose | None, body_line: int, *, opens: bool, ends: bool
) -> Special | None:
    """Decide what a section is used for.

    Args:
        section: its heading and what of it is free.
        found: what the heading says.
        body_line: the file's line on which the body starts.
        opens: it stands before every ordinary section.
        ends: it stands after them, or after the conclusion.
    """
    if found is Purpose.CONTENTS:
        return Special(Use.CONTENTS, section)
    if found is Purpose.QUESTIONS:
        return Special(Use.QUESTIONS, section, questions(section, body_line))
    if found is Purpose.TAKEAWAYS or (found is Purpose.SUMMARY and opens):
        entries = takeaways(section, body_line)
        if entries:
            return Special(Use.TAKEAWAYS, section, entries)
    if opens and found in (Purpose.INTRODUCTION, Purpose.TAKEAWAYS, Purpose.SUMMARY):
        return Special(Use.INTRODUCTION, section)
    return Special(Use.ENDING, section) if ends else None


def _only_jumps(runs: Sequence[Run]) -> bool:
    """Tell whether all words are links into the document."""
    inside = False
    for run in runs:
        for token in run.tokens:
            for child in token.children or ():
                if child.type in ("link_open", "link_close"):
                    inside = str(child.attrGet("href") or "").startswith("#")
                elif child.content.strip() and not inside:
                    return False
    return bool(runs)


def _ending(sections: Sequence[Sequence[Run]], purposes: Sequence[Purpose | None]) -> int:
    """Return the index of the section with which the article's end begins."""
    lengths = [sum(minutes(run.words) for run in section) for section in sections]
    counted = [
        length if found in (None, Purpose.CONCLUSION) else 0
        for length, found in zip(lengths, purposes, strict=True)
    ]
    end = len(sections)
    while end and purposes[end - 1] is not None:
        end -= 1
    ends = (Purpose.CONCLUSION, Purpose.SUMMARY)
    closing = [index for index, found in enumerate(purposes) if found in ends]
    if closing and None in purposes[: closing[-1]]:
        before = sum(counted[: closing[-1]])
        if before >= CONCLUSION_AFTER * sum(counted):
            end = min(end, closing[-1])
    return end
