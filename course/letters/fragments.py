"""The ids of headings, named as GitHub names them, so that an author's own links find them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from markdown_it.token import Token

from course.article.footnotes import reachable
from course.letters.passages import passages_of, tokens_of
from course.letters.rawhtml import raw_tags
from course.model import Course
from course.splitting.anchors import anchor_name
from course.words import plain

HeadingIds = Mapping[int, str]
"""A heading's id by the line (0-based, of the body) it starts at."""


def heading_ids(course: Course) -> HeadingIds:
    """Return the id of every heading that stands in a letter, unique in the article."""
    found: dict[int, str] = {}
    taken: dict[str, int] = {}
    shown = {
        line: title
        for lesson in course.lessons
        for passage in passages_of(lesson)
        for line, title in _headings(passage.tokens)
    }
    for line, title in sorted(shown.items()):
        slug = github_slug(title)
        seen = taken.get(slug, -1) + 1
        taken[slug] = seen
        found[line] = f"{slug}-{seen}" if seen else slug
    return found


def targets_by_letter(course: Course, ids: HeadingIds) -> dict[str, dict[str, str]]:
    """Return the ids that stand in each letter, its notes included, by key and ``anchor_name``."""
    definitions = {label: note.tokens for label, note in course.footnotes.items()}
    found: dict[str, dict[str, str]] = {}
    for lesson in course.lessons:
        tokens = tokens_of(passages_of(lesson))
        for label in reachable(tokens, definitions):
            tokens += definitions[label]
        found[lesson.key] = targets(tokens, ids)
    return found


def targets(tokens: Sequence[Token], ids: HeadingIds) -> dict[str, str]:
    """Return the ids that stand among one letter's ``tokens``, by ``anchor_name`` of a link."""
    given = [tag.get("id") for tag in raw_tags(tokens)]
    headings = [ids[line] for line, _ in _headings(tokens) if line in ids]
    return {anchor_name(name): name for name in (*given, *headings) if name}


def github_slug(title: str) -> str:
    """Return GitHub's id for a heading: lower case, punctuation dropped, spaces as hyphens."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def _headings(tokens: Sequence[Token]) -> Iterator[tuple[int, str]]:
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.map:
            yield opening.map[0], plain([inline])
