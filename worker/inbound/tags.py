"""Markup is read tag by tag in one pass, however broken it is.

``html.parser`` and the parser behind ``nh3`` both take quadratic time on a hundred kilobytes of
``<a``, ``<!--`` or ``<div>``, which anybody may send us. Nothing here needs a tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

_NAME = re.compile(r"/?[A-Za-z][^\s/<>]{0,40}")
_ATTRIBUTE = re.compile(
    r"([^\s=\"'/<>]{1,40})\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]{1,2000}))"
)
_STOP = re.compile("[\"'>]")
_LONGEST_TAG = 20_000
_DROPPED = {
    name: re.compile(rf"</{name}\b[^<>]*>?", re.IGNORECASE)
    for name in ("style", "script", "title", "textarea", "template", "noscript", "object", "svg")
}


class Tag(NamedTuple):
    """A start tag, or an end tag, whose name then begins with ``/``; names in lower case."""

    name: str
    attributes: dict[str, str]


def read_tags(markup: str) -> Iterator[Tag | str]:
    """Yield tags, and between them text with its entities resolved.

    Comments, declarations and elements that nobody reads are left out, with their content.
    """
    at, end = 0, len(markup)
    last = {mark: markup.rfind(mark) for mark in (">", '"', "'", "-->")}
    while at < end:
        start = markup.find("<", at)
        if start < 0 or start >= last[">"]:
            yield unescape(markup[at:])
            return
        if start > at:
            yield unescape(markup[at:start])
        if markup.startswith("<!--", start):
            closed = markup.find("-->", start + 4) if start < last["-->"] else -1
            at = closed + 3 if closed >= 0 else markup.find(">", start) + 1
        elif markup.startswith(("<!", "<?"), start):
            at = markup.find(">", start) + 1
        elif name := _NAME.match(markup, start + 1):
            at = _end_of_tag(markup, name.end(), last)
            tag = name[0].lower()
            if tag not in _DROPPED:
                yield Tag(tag, _attributes(markup[name.end() : at]))
            elif tag != "svg" or not markup.startswith("/>", at - 2):
                closing = _DROPPED[tag].search(markup, at)
                at = closing.end() if closing else end
        else:
            yield "<"
            at = start + 1


def _end_of_tag(markup: str, begun: int, last: dict[str, int]) -> int:
    """Return where a tag ends: after the first ``>`` that stands in no quoted value.

    A value whose quotes are never closed, or not for long, is no quoted value.
    """
    at = begun
    while at - begun <= _LONGEST_TAG and (stop := _STOP.search(markup, at)):
        mark, at = stop[0], stop.end()
        if mark == ">":
            return at
        if last[mark] >= at and _opens_value(markup, stop.start()):
            at = markup.find(mark, at) + 1
    return markup.find(">", begun) + 1


def _opens_value(markup: str, quote: int) -> bool:
    return markup[max(0, quote - 10) : quote].rstrip().endswith("=")


def _attributes(tag: str) -> dict[str, str]:
    if "=" not in tag:
        return {"hidden": ""} if "hidden" in tag.lower().strip("/>").split() else {}
    return {
        found[1].lower(): unescape(found[2] or found[3] or found[4] or "")
        for found in _ATTRIBUTE.finditer(tag[:_LONGEST_TAG])
    }
