"""Markdown tokens become the text part of a letter, written to be read as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from course.article.callouts import CALLOUT
from course.article.markdown import TASK
from course.letters.inline import Line, inline_text, raw_paragraphs
from course.letters.render import BOXES, Setting, shown_blocks
from course.letters.tables import laid_out
from course.letters.wording import Wording
from course.letters.wrapping import hanging, indented, underlined, wrap
from course.mail.own_words import WIDTH
from course.model import Passage

_NARROWEST = 20

Blocks = list[str]
"""Paragraphs, lists and so on, each as lines that are joined already."""


class TextPart:
    """Writes the passages of one letter and collects the links they hold.

    Attributes:
        links: the addresses in the order of their numbers, from 1.
    """

    def __init__(self, setting: Setting, wording: Wording) -> None:
        self.links: list[str] = []
        self._setting = setting
        self._wording = wording

    def render(self, tokens: Sequence[Token], width: int = WIDTH) -> str:
        """Return the blocks of ``tokens`` with an empty line between them."""
        return "\n\n".join(self._all(SyntaxTreeNode(shown_blocks(tokens)).children, width))

    def hanging(self, mark: str, passage: Passage) -> str:
        """Return a passage that begins with ``mark`` and is indented as far as it reaches."""
        return hanging(mark, self.render(passage.tokens, WIDTH - len(mark)))

    def _all(self, nodes: Sequence[SyntaxTreeNode], width: int) -> Blocks:
        blocks = [block for node in nodes for block in self._block(node, max(width, _NARROWEST))]
        return [block for block in blocks if block.strip()]

    def _block(self, node: SyntaxTreeNode, width: int) -> Blocks:
        rules: dict[str, Callable[[SyntaxTreeNode, int], Blocks]] = {
            "paragraph": self._paragraph,
            "inline": self._paragraph,
            "heading": self._heading,
            "bullet_list": self._list,
            "ordered_list": self._list,
            "blockquote": self._quote,
            "fence": self._code,
            "code_block": self._code,
            "table": self._table,
            "html_block": self._html,
            "hr": self._rule,
        }
        rule = rules.get(node.type)
        return rule(node, width) if rule else self._all(node.children, width)

    def _paragraph(self, node: SyntaxTreeNode, width: int) -> Blocks:
        return [wrap(self._inline(node), width)]

    def _heading(self, node: SyntaxTreeNode, width: int) -> Blocks:
        return [underlined(wrap(self._inline(node), width), 1, width)]

    def _list(self, node: SyntaxTreeNode, width: int) -> Blocks:
        start = int(node.attrs.get("start", 1))
        items, loose = [], False
        for number, item in enumerate(node.children, start):
            mark = f"{number}. " if node.type == "ordered_list" else "- "
            if TASK in item.meta:
                mark = f"{BOXES[item.meta[TASK]]} "
            blocks = self._all(item.children, width - len(mark))
            loose = loose or any(
                child.type == "paragraph" and not child.hidden for child in item.children
            )
            gap = "\n\n" if loose else "\n"
            items.append(hanging(mark, gap.join(blocks)))
        return [("\n\n" if loose else "\n").join(items)]

    def _quote(self, node: SyntaxTreeNode, width: int) -> Blocks:
        kind = node.meta.get(CALLOUT)
        name = [self._wording.callouts[kind]] if kind else []
        quoted = "\n\n".join((*name, *self._all(node.children, width - 2)))
        return ["\n".join(f"> {line}".rstrip() for line in quoted.split("\n"))]

    def _code(self, node: SyntaxTreeNode, _width: int) -> Blocks:
        return [indented(node.content.rstrip("\n").expandtabs(4), "    ")]

    def _rule(self, _node: SyntaxTreeNode, _width: int) -> Blocks:
        return ["* * *"]

    def _table(self, node: SyntaxTreeNode, width: int) -> Blocks:
        rows = [row for part in node.children for row in part.children]
        cells = [[self._inline(cell).replace("\n", " ") for cell in row.children] for row in rows]
        return [laid_out(cells, width)]

    def _html(self, node: SyntaxTreeNode, width: int) -> Blocks:
        paragraphs = raw_paragraphs(node.content, self._line)
        return [wrap(paragraph, width) for paragraph in paragraphs]

    def _inline(self, node: SyntaxTreeNode) -> str:
        inline = node if node.type == "inline" else node.children[0] if node.children else None
        if inline is None or inline.type != "inline" or inline.token is None:
            return ""
        return inline_text(inline.token.children or (), self._line())

    def _line(self) -> Line:
        return Line(self._setting, self._wording, self.links)
