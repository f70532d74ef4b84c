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

from course.article.callouts import CALLOUT
from course.article.markdown import TASK
from course.letters.addresses import Addresses
from course.letters.direction import written
from course.letters.fragments import HeadingIds
from course.letters.grids import Grid, grid
from course.letters.palette import Palette, palette
from course.letters.rawhtml import Tag, read_html, shown_children
from course.letters.sanitise import TAGS, missing_picture, sanitise
from course.letters.styles import article_css
from course.model import Brand
from course.words import plain

BOXES = {True: "☑", False: "☐"}
"""What a task of a list begins with, done or not."""

_OPTIONS = MarkdownIt("commonmark").options


@dataclass(frozen=True, slots=True)
class Setting:
    """What rendering one letter needs to know beyond its tokens.

    Attributes:
        headings: ids of headings by line of the body.
        notes: number of each footnote in this letter by its label.
        looks: the colours and fonts of the course.
        callouts: what stands over each kind of callout.
    """

    addresses: Addresses
    headings: HeadingIds = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    direction: str = "ltr"
    looks: Palette = field(default_factory=lambda: palette(Brand()))
    callouts: Mapping[str, str] = field(default_factory=dict)


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
    return _inliner().inline_fragment(article, article_css(setting.looks))


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
        self._table = _Table(Grid.TABLE, [])
        self._quotes: list[str] = []

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
        name = self._setting.headings.get((tokens[idx].map or [-1])[0])
        named = f' id="{escape(name)}"' if name else ""
        return f"<{self._heading(tokens[idx])}{named}{self._way(tokens, idx)}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return f"</{self._heading(tokens[idx])}>\n"

    def table_open(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        self._table = _Table.read(tokens[idx:])
        return f'<table class="{self._table.shown}">\n'

    def tr_open(self, *_: object) -> str:
        self._table.column = 0
        return "<tr>"

    def td_open(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return self._cell(tokens, idx) + self._table.label(plain(tokens[idx + 1 : idx + 2]))

    def th_open(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return self._cell(tokens, idx).replace("<th", '<th scope="col"', 1)

    def blockquote_open(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        kind = tokens[idx].meta.get(CALLOUT)
        self._quotes.append("div" if kind else "blockquote")
        if not kind:
            return "<blockquote>\n"
        name = escape(self._setting.callouts.get(kind, kind.title()))
        return f'<div class="callout {kind}"><p class="name">{name}</p>\n'

    def blockquote_close(self, *_: object) -> str:
        return f"</{self._quotes.pop()}>\n"

    def paragraph_open(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return "" if tokens[idx].hidden else f"<p{self._way(tokens, idx)}>"

    def list_item_open(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        done = tokens[idx].meta.get(TASK)
        way = self._way(tokens, idx + 1) if tokens[idx + 1].hidden else ""
        return f"<li{way}>" if done is None else f'<li class="task"{way}>{BOXES[done]} '

    def link_open(
        self,
        tokens: Sequence[Token],
        idx: int,
        _options: OptionsDict,
        env: MutableMapping[str, Any],
    ) -> str:
        href = str(tokens[idx].attrGet("href") or "")
        target = self._setting.addresses.link(href)
        tags = (f'<a href="{escape(target)}">', "</a>") if target else ("", "")
        earlier = self._setting.addresses.earlier(href)
        if earlier:
            opening, closing = (f"{earlier.given}{tag}{earlier.end}" for tag in tags)
            tags = (opening, closing)
        env.setdefault("links", []).append(tags[1])
        return tags[0]

    def link_close(
        self,
        _tokens: Sequence[Token],
        _idx: int,
        _options: OptionsDict,
        env: MutableMapping[str, Any],
    ) -> str:
        return str(env["links"].pop())

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

    def _cell(self, tokens: Sequence[Token], idx: int) -> str:
        style = None if self._table.shown is Grid.CARDS else tokens[idx].attrGet("style")
        aligned = f' style="{escape(str(style))}"' if style else ""
        return f"<{tokens[idx].tag}{aligned}{self._way(tokens, idx)}>"

    def _way(self, tokens: Sequence[Token], idx: int) -> str:
        """Return the attribute of a block whose text runs the other way than the letter."""
        text = plain(tokens[idx + 1 : idx + 2])
        return ' dir="auto"' if written(text) not in ("", self._setting.direction) else ""

    def _heading(self, token: Token) -> str:
        return f"h{min(6, int(token.tag[1]) + self._shift)}"


@dataclass(slots=True)
class _Table:
    """The table being rendered: how it is shown, the texts of its header, the next column."""

    shown: Grid
    header: Sequence[str]
    column: int = 0

    @staticmethod
    def read(tokens: Sequence[Token]) -> _Table:
        rows: list[list[str]] = []
        for token in tokens:
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(plain([token]))
        return _Table(grid(rows), rows[0])

    def label(self, text: str) -> str:
        """Return the name of the next cell's column, which cards show beside its ``text``."""
        name = self.header[self.column] if self.column < len(self.header) else ""
        self.column += 1
        if self.shown is Grid.TABLE or not name or not text:
            return ""
        return f'<span class="cell">{escape(name)}</span> '


def _rewritten(html: str) -> str:
    return "".join(
        escape(piece, quote=False) if isinstance(piece, str) else str(piece)
        for piece in read_html(html)
        if not isinstance(piece, Tag) or piece.name in TAGS
    )


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(
        load_remote_stylesheets=False, keep_style_tags=True, keep_at_rules=True
    )
