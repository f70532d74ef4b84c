"""What a person wrote, given back to them in a letter: nothing in it acts, its lines stay lines."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from html import escape

from course.mail.headers import clean

WIDTH = 72
"""Columns of a letter's text part."""

BUDGET = 6_000
"""Characters of a person's own words in one letter, all lessons together."""

_INDENT = "    "
_WRAPPER = textwrap.TextWrapper(
    WIDTH,
    initial_indent=_INDENT,
    subsequent_indent=_INDENT,
    break_long_words=False,
    break_on_hyphens=False,
)
_LINE_ENDS = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_PARAGRAPHS = re.compile("\n{3,}")
_SPACE = re.compile(r"\s")
_DANGLING = " \n,;:–—-"


def clean_lines(text: str) -> str:
    r"""Return ``text`` with each line as ``headers.clean`` has it, its line ends as ``\n``.

    Empty lines at its ends go; several in a row become one.
    """
    if not text:
        return ""
    lines = "\n".join(map(clean, _LINE_ENDS.split(text)))
    return _PARAGRAPHS.sub("\n\n", lines).strip("\n")


def as_text(text: str) -> str:
    """Return clean lines indented and wrapped at ``WIDTH``, long words kept whole."""
    return "\n".join(map(_indented, text.split("\n")))


def as_html(text: str) -> str:
    """Return clean lines escaped, with a break between them."""
    return escape(text).replace("\n", "<br />\n")


def shortened(words: Mapping[str, str], budget: int = BUDGET) -> dict[str, str]:
    """Return a person's words by letter, all together at most ``budget`` characters.

    Whoever wrote little keeps it all; what that leaves is shared out evenly among the longer ones,
    which are cut at a word and end in an ellipsis. Words that come to nothing are left out.
    """
    said = {key: lines for key, text in words.items() if (lines := clean_lines(text))}
    left, kept = budget, dict[str, str]()
    for position, key in enumerate(sorted(said, key=lambda key: len(said[key]))):
        kept[key] = _cut(said[key], left // (len(said) - position))
        left -= len(kept[key])
    return {key: kept[key] for key in said if kept[key]}


def _indented(line: str) -> str:
    if len(line) <= WIDTH - len(_INDENT):
        return f"{_INDENT}{line}" if line else ""
    return _WRAPPER.fill(line)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    if limit < 1:
        return ""
    end = limit - 1
    breaks = [found.start() for found in _SPACE.finditer(text, end // 2, limit)]
    return text[: breaks[-1] if breaks else end].rstrip(_DANGLING) + "…"
