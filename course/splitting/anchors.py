"""The targets of in-document links: headings, as sites make ids of them, and HTML ids."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

from markdown_it.token import Token

from course.article.parse import Run
from course.manifest import FINALE
from course.model import Block
from course.words import plain

_HTML_ID = re.compile(r"""<[^<>]*?\s(?:id|name)\s*=\s*["']?([^\s"'<>]+)""", re.IGNORECASE)
_APART = re.compile(r"[\W_]+")
_DROPPED = re.compile(r"[^\w\- ]")
"""What some sites part words at and others drop: "Rust's" is ``rust-s`` or ``rusts``."""


def anchor_name(fragment: str) -> str:
    """Return the name that a fragment and its target share, whichever site made the id.

    Percent signs are decoded; case does not matter, nor which characters part the words.
    """
    return _APART.sub("-", unquote(fragment).removeprefix("#").casefold()).strip("-")


def anchors(runs: Sequence[Run], blocks: Sequence[Block]) -> dict[str, str]:
    """Return the key of the letter in which each target stands, by ``anchor_name``.

    A target in a run that is left out, such as an empty ``<a id>``, belongs to the letter after it.

    Args:
        runs: the article's.
        blocks: in order, where the runs went.
    """
    letters: dict[int, str] = {}
    letter = FINALE
    for block in reversed(blocks):
        letter = block.letter or letter
        letters[block.start_line] = letter
    found: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for run in runs:
        letter = letters.get(run.start_line, letter)
        for name in _names(run.tokens, seen):
            found.setdefault(name, letter)
    return found


def _names(tokens: Iterable[Token], seen: Counter[str]) -> Iterator[str]:
    heading = False
    for token in tokens:
        if token.type.startswith("html"):
            yield from map(anchor_name, _HTML_ID.findall(token.content))
        elif heading:
            title = plain([token])
            for name in {anchor_name(title), anchor_name(_DROPPED.sub("", title))}:
                yield f"{name}-{seen[name]}" if seen[name] else name
                seen[name] += 1
        heading = token.type == "heading_open"
        yield from _names(token.children or (), seen)
