"""One line of text out of inline tokens: links numbered, marks kept out of words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from unicodedata import category

from markdown_it.token import Token

from course.letters.rawhtml import Tag, read_html, shown_children
from course.letters.render import Setting
from course.letters.wording import Wording
from course.words import plain

_SPACES = re.compile("[ \t]+")
_CODE = "`"
_STRUCK = "~~"
_APART = (
    "blockquote caption dd details div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr li ol p pre "
    "section summary table td th tr ul"
)
_NEW_PARAGRAPH = frozenset(_APART.split())


@dataclass(slots=True)
class _Mark:
    """Signs around a run of words; left out when either end would stand inside a word."""

    sign: str
    start: int
    end: int


class Line:
    """Collects one line's words; signs and numbers are put in when it is complete.

    Args:
        links: addresses numbered so far; grows.
    """

    def __init__(self, setting: Setting, wording: Wording, links: list[str]) -> None:
        self._setting = setting
        self._wording = wording
        self._links = links
        self._text = ""
        self._marks: list[_Mark] = []
        self._numbers: list[tuple[int, str]] = []
        self._open: list[tuple[int, str | None]] = []

    def add(self, text: str) -> None:
        """Append visible words."""
        self._text += text

    def marked(self, sign: str, text: str) -> None:
        """Append words with ``sign`` on both sides."""
        self._marks.append(_Mark(sign, len(self._text), len(self._text) + len(text)))
        self._text += text

    def picture(self, alt: str) -> None:
        """Append a picture's alternative text."""
        if alt.strip():
            self._text += f"[{alt.strip()}]"

    def note(self, label: str) -> None:
        """Append the number of a footnote."""
        number = self._setting.notes.get(label, label)
        mark = self._wording.note_mark.format(number=number)
        self._numbers.append((len(self._text), f" [{mark}]"))

    def open_link(self, target: str) -> None:
        """Begin the words of a link."""
        addresses = self._setting.addresses
        earlier = addresses.earlier(target)
        shown = addresses.link(target)
        if earlier:
            shown = f"{earlier.title}{earlier.given}: {earlier.address}{earlier.end}"
        self._open.append((len(self._text), shown))

    def close_link(self) -> None:
        """End the words of a link and number its address, unless the words are the address."""
        if not self._open:
            return
        start, target = self._open.pop()
        if target is None or target.startswith("#"):
            return
        shown = self._text[start:].strip()
        if shown in {target, target.removeprefix("mailto:"), target.removeprefix("tel:")}:
            return
        if target not in self._links:
            self._links.append(target)
        self._numbers.append((len(self._text), f" [{self._links.index(target) + 1}]"))

    def strike(self, *, begins: bool) -> None:
        """Begin or end words that are struck through."""
        if begins:
            self._marks.append(_Mark(_STRUCK, len(self._text), -1))
            return
        mark = next(mark for mark in reversed(self._marks) if mark.end < 0)
        mark.end = len(self._text)

    def tag(self, tag: Tag) -> None:
        """Follow one tag of the author's HTML."""
        match tag.name, tag.opens:
            case "br", _:
                self._text += "\n"
            case "a", True:
                self.open_link(tag.get("href"))
            case "a", False:
                self.close_link()
            case "img", _:
                self.picture(tag.get("alt"))

    def finish(self) -> str:
        """Return the line: white space collapsed, its own line breaks kept."""
        inserts = [(self._after_word(at), sign) for at, sign in self._numbers]
        for mark in self._marks:
            if mark.end > mark.start and not (self._inside(mark.start) or self._inside(mark.end)):
                inserts = [*inserts, (mark.start, mark.sign), (mark.end, mark.sign)]
        written, last = "", 0
        for at, sign in sorted(inserts, key=lambda insert: (insert[0], insert[1].startswith(" "))):
            written += self._text[last:at] + sign
            last = at
        written += self._text[last:]
        return "\n".join(_SPACES.sub(" ", line).strip(" ") for line in written.strip().split("\n"))

    def _inside(self, at: int) -> bool:
        return (
            0 < at < len(self._text) and _in_word(self._text[at - 1]) and _in_word(self._text[at])
        )

    def _after_word(self, at: int) -> int:
        while self._inside(at):
            at += 1
        return at


def inline_text(children: Sequence[Token], line: Line) -> str:
    """Return the text of inline tokens, written into ``line``."""
    for token in shown_children(children):
        match token.type:
            case "text" | "text_special":
                line.add(token.content)
            case "code_inline":
                line.marked(_CODE, token.content)
            case "softbreak":
                line.add(" ")
            case "hardbreak":
                line.add("\n")
            case "image":
                line.picture(plain(token.children or ()))
            case "footnote_ref":
                line.note(str(token.meta["label"]))
            case "link_open":
                line.open_link(str(token.attrGet("href") or ""))
            case "link_close":
                line.close_link()
            case "s_open" | "s_close":
                line.strike(begins=token.type == "s_open")
            case "html_inline":
                for piece in read_html(token.content):
                    if isinstance(piece, Tag):
                        line.tag(piece)
    return line.finish()


def raw_paragraphs(html: str, new_line: Callable[[], Line]) -> list[str]:
    """Return the paragraphs that the author's HTML shows."""
    line, found = new_line(), []
    for piece in read_html(html):
        if isinstance(piece, str):
            line.add(piece.replace("\n", " "))
        elif piece.name in _NEW_PARAGRAPH:
            found.append(line.finish())
            line = new_line()
        else:
            line.tag(piece)
    found.append(line.finish())
    return [paragraph for paragraph in found if paragraph]


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_" or category(character)[0] == "M"
