"""The Markdown of articles: CommonMark, tables, strikethrough, notes, tasks, callouts."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from mdit_py_plugins.footnote import footnote_plugin

from course.article.callouts import mark_callouts

MAX_NESTING = 100
"""Blocks nested deeper than this are shown as they are written."""

TASK = "task"
"""Key in the ``meta`` of a ``list_item_open``: whether the task is done."""

_TASK_MARK = re.compile(r"\[([ xX])\][ \t]+")


def markdown_parser() -> MarkdownIt:
    """Return a parser whose footnote definitions stay where they are written."""
    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING})
    parser.enable(["table", "strikethrough"])
    parser.use(footnote_plugin, inline=False, move_to_end=False)
    parser.core.ruler.after("inline", "task_list", _mark_tasks)
    parser.core.ruler.after("inline", "callouts", mark_callouts)
    return parser


def _mark_tasks(state: StateCore) -> None:
    """Move the mark of a task, ``[ ]`` or ``[x]``, from its text to its list item."""
    for item, paragraph, inline in zip(
        state.tokens, state.tokens[1:], state.tokens[2:], strict=False
    ):
        if item.type != "list_item_open" or paragraph.type != "paragraph_open":
            continue
        words = inline.children[0] if inline.children else None
        mark = _TASK_MARK.match(words.content) if words and words.type == "text" else None
        if words and mark:
            item.meta[TASK] = mark[1] != " "
            words.content = words.content[mark.end() :]
