"""Markdown tokens become the HTML of a letter's body."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from typing import Any

import css_inline
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from course.article.markdown import TASK
from course.letters.addresses import Addresses
from course.letters.fragments import HeadingIds
from course.letters.rawhtml import Tag, read_html, shown_children
from course.letters.sanitise import TAGS, missing_picture, sanitise
from course.templates import template_root

BOXES = {True: "☑", False: "☐"}
"""What a task of a list begins with, done or not."""

_OPTIONS = MarkdownIt("commonmark").options


@dataclass(frozen=True, slots=True)
class Setting:
    """What rendering one letter needs to know beyond its tokens.

    Attributes:
        headings: ids of headings by line of the body.
        notes: number of each footnote in this letter by its label.
    """

    addresses: Addresses
    headings: HeadingIds = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    direction: str = "ltr"


def render(tokens: Sequence[Token], setting: Setting, *, top: int = 2) -> str:
    """Return sanitised HTML with its style inlined.

    Args:
        tokens: whole blocks.
        setting: the letter they stand in.
        top: the level that the highest heading among ``tokens`` gets; the others follow it.
    """
    html = _Renderer(setting, top).render(shown_blocks(tokens), _OPTIONS, {})
    clean = sanitise(html, setting.addresses)
    article = f'<div class="article" dir="{setting.direction}">{clean}</div>'
    return _inliner().inline_fragment(article, _style())


def render_inline(tokens: Sequence[Token], setting: Setting) -> str:
    """Return sanitised HTML of the first line of text among ``tokens``, such as a heading's."""
    inline = next((token for token in tokens if token.type == "inline"), None)
    if inline is None:
        return ""
    html = _Renderer(setting, 2).renderInline(inline.children or [], _OPTIONS, {})
    return sanitise(html, setting.addresses).strip()


def shown_blocks(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens without definitions of footnotes, which are shown at the letter's end."""
    shown, depth = [], 0
    for token in tokens:
        depth += token.type == "footnote_reference_open"
        if not depth:
            shown.append(token)
        depth -= token.type == "footnote_reference_close"
    return shown


class _Renderer(RendererHTML):
    """One method a token; the rest is markdown-it's own."""

    def __init__(self, setting: Setting, top: int) -> None:
        super().__init__()
        self._setting = setting
        self._top = top
        self._shift = 0

    def render(
        self, tokens: Sequence[Token], options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        levels = [int(token.tag[1]) for token in tokens if token.type == "heading_open"]
        self._shift = self._top - min(levels, default=self._top)
        return super().render(tokens, options, env)

    def renderInline(  # noqa: N802 - markdown-it's own name
        self, tokens: Sequence[Token], options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        return super().renderInline(list(shown_children(tokens)), options, env)

    def heading_open(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        line = (tokens[idx].map or [-1])[0]
        name = self._setting.headings.get(line)
        return (
            f'<{self._heading(tokens[idx])} id="{escape(name)}">'
            if name
            else (f"<{self._heading(tokens[idx])}>")
        )

    def heading_close(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return f"</{self._heading(tokens[idx])}>\n"

    def table_open(self, *_: object) -> str:
        return '<div class="scroll"><table>\n'

    def table_close(self, *_: object) -> str:
        return "</table></div>\n"

    def list_item_open(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        done = tokens[idx].meta.get(TASK)
        return "<li>" if done is None else f'<li class="task">{BOXES[done]} '

    def link_open(
        self,
        tokens: Sequence[Token],
        idx: int,
        _options: OptionsDict,
        env: MutableMapping[str, Any],
    ) -> str:
        target = self._setting.addresses.link(str(tokens[idx].attrGet("href") or ""))
        env.setdefault("links", []).append(target)
        return f'<a href="{escape(target)}">' if target else ""

    def link_close(
        self,
        _tokens: Sequence[Token],
        _idx: int,
        _options: OptionsDict,
        env: MutableMapping[str, Any],
    ) -> str:
        return "</a>" if env["links"].pop() else ""

    def image(
        self,
        tokens: Sequence[Token],
        idx: int,
        options: OptionsDict,
        env: MutableMapping[str, Any],
    ) -> str:
        token = tokens[idx]
        alt = self.renderInlineAsText(token.children, options, env)
        source = self._setting.addresses.picture(str(token.attrGet("src") or ""))
        if source is None:
            return missing_picture(alt)
        return f'<img src="{escape(source)}" alt="{escape(alt)}">'

    def footnote_ref(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        label = str(tokens[idx].meta["label"])
        return f"<sup>[{escape(str(self._setting.notes.get(label, label)))}]</sup>"

    def html_inline(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return _rewritten(tokens[idx].content)

    def html_block(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return _rewritten(tokens[idx].content)

    def _heading(self, token: Token) -> str:
        return f"h{min(6, int(token.tag[1]) + self._shift)}"


def _rewritten(html: str) -> str:
    return "".join(
        escape(piece, quote=False) if isinstance(piece, str) else str(piece)
        for piece in read_html(html)
        if not isinstance(piece, Tag) or piece.name in TAGS
    )


@cache
def _style() -> str:
    return (template_root() / "email" / "article.css").read_text("utf-8")


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(
        load_remote_stylesheets=False, keep_style_tags=True, keep_at_rules=True
    )
