"""Callouts as GitHub has them: a quote whose first line is ``[!NOTE]`` or one of four others."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

CALLOUT = "callout"
"""Key in the ``meta`` of a ``blockquote_open``: one of ``KINDS``."""

KINDS = ("note", "tip", "important", "warning", "caution")

_MARK = re.compile(rf"\[!({'|'.join(KINDS)})\][ \t]*(?:\n|\Z)", re.IGNORECASE)
_BEGIN = ("blockquote_open", "paragraph_open", "inline", "paragraph_close")


def mark_callouts(state: StateCore) -> None:
    """Move the mark of a callout from its text to its quote; a mark with nothing below it stays."""
    tokens = state.tokens
    for at in range(len(tokens) - len(_BEGIN), -1, -1):
        begin = tokens[at : at + len(_BEGIN)]
        if tuple(token.type for token in begin) != _BEGIN:
            continue
        quote, _, inline, _ = begin
        mark = _MARK.match(inline.content)
        rest = inline.content[mark.end() :] if mark else ""
        alone = mark and not rest.strip()
        if not mark or (alone and tokens[at + len(_BEGIN)].type == "blockquote_close"):
            continue
        quote.meta = {**quote.meta, CALLOUT: mark[1].lower()}
        if alone:
            del tokens[at + 1 : at + len(_BEGIN)]
        else:
            inline.content = rest
            inline.children = _after_first_line(inline.children or [])


def _after_first_line(children: Sequence[Token]) -> list[Token]:
    breaks = (at for at, each in enumerate(children) if each.type in {"softbreak", "hardbreak"})
    return list(children[next(breaks) + 1 :])
