"""HTML elements with Markdown between their tags, which are one block like any other."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it.token import Token

_TAG = re.compile(r"<(/?)(details|table|figure|blockquote|ul|ol|dl|pre)\b[^<>]*>", re.IGNORECASE)
"""Elements that mean something as a whole only; a ``div`` may be around half an article."""


def whole_elements(groups: Sequence[list[Token]]) -> list[list[Token]]:
    """Join top-level blocks that stand between the two tags of one element.

    Args:
        groups: the tokens of each block, in order.
    """
    closing = _closing(groups)
    joined: list[list[Token]] = []
    end = -1
    for index, group in enumerate(groups):
        if index <= end:
            joined[-1].extend(group)
        else:
            joined.append(list(group))
        end = max(end, closing.get(index, -1))
    return joined


def _closing(groups: Sequence[Sequence[Token]]) -> dict[int, int]:
    """Return for each block that opens an element the block that closes it."""
    closing: dict[int, int] = {}
    around: list[tuple[str, int]] = []
    for index, group in enumerate(groups):
        html = group[0].content if group and group[0].type == "html_block" else ""
        for closes, tag in _TAG.findall(html):
            name = tag.lower()
            depth = next((d for d, at in reversed(list(enumerate(around))) if at[0] == name), None)
            if not closes:
                around.append((name, index))
            elif depth is not None:
                opened = around[depth][1]
                closing[opened] = max(index, closing.get(opened, -1))
                del around[depth:]
    return closing
