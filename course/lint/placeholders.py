"""What was to be filled in, and was not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from course.lint.rule import Checked, Example, Spot, rule
from course.model import Level
from course.words import shorten

_PLACEHOLDER = re.compile(
    r"""
      \{\{-?\s*[<%#/]?\s*(?!(?:and|or)\s*\})[^\W\d][^{}\n]{0,80}\}\}
    | \{%[^%\n]{1,120}%\}
    | %%\w{2,40}%%
    | \*\|[A-Z][A-Z0-9_:]{1,40}\|\*
    | %(?:recipient|subscriber)\.\w{1,40}%
    | \[(?i:first[ _]name|last[ _]name|your[ _]name|name[ ]here)\]
    | \[(?:TODO|FIXME|TBD|TK)\b[^\]\n]{0,80}\]
    | (?:^|(?<=\())\s{0,8}(?:TODO|FIXME|TBD)(?=:)
    | (?i:\blorem\s{1,8}ipsum\b)
    """,
    re.VERBOSE,
)
"""``{{ name }}``, ``{{< shortcode >}}``, ``{% include %}``, ``%%name%%``, ``*|NAME|*``..."""
_IN_ADDRESS = re.compile(r"(?:\{\{|%7B%7B).{1,80}?(?:\}\}|%7D%7D)", re.IGNORECASE)
_FRONT_MATTER = ("title", "excerpt", "description", "summary")
"""What letters show of it."""


@rule(
    "placeholder",
    Level.WARNING,
    "Something that was to be filled in",
    why="Letters fill in no names, variables or shortcodes: readers get the braces. Code is left "
    "in peace.",
    remedy="write what is to stand there, or put it into backticks if it is meant as it is",
    example=Example("Dear {{ first_name }}, bread takes time. [TODO: how much?]\n"),
)
def placeholder(checked: Checked) -> Iterator[Spot]:
    """In the article's text and links, its front matter, and every text of the manifest."""
    for line, text in _front_matter(checked):
        yield from _spots(line, text)
    for words in checked.shown.words:
        yield from _spots(words.line, words.text)
    for link in checked.shown.links:
        found = _IN_ADDRESS.search(link.target)
        if found:
            message = f"the link {shorten(link.target, 80)} was not filled in"
            yield Spot(link.line, message)
    for line, text in checked.course.manifest_texts:
        for spot in _spots(line, text):
            yield Spot(spot.line, spot.message, in_manifest=True)


def _spots(line: int, text: str) -> Iterator[Spot]:
    for found in _PLACEHOLDER.finditer(text):
        yield Spot(line, f'"{found[0].strip()}" was not filled in')


def _front_matter(checked: Checked) -> Iterator[tuple[int, str]]:
    """Yield the lines of the front matter that hold something of a value that letters show."""
    values = [checked.course.front_matter.get(name) for name in _FRONT_MATTER]
    shown = [" ".join(value.split()) for value in values if isinstance(value, str)]
    if any(map(_PLACEHOLDER.search, shown)):
        for line, text in enumerate(checked.lines[: checked.course.body_line - 1], start=1):
            for found in _PLACEHOLDER.finditer(text):
                if any(found[0].strip() in value for value in shown):
                    yield line, found[0]
