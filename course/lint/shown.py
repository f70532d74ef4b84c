"""What the article's Markdown and raw HTML show in letters, each thing with its own line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from markdown_it.token import Token

from course.letters.passages import placed
from course.letters.rawhtml import Tag, located_html
from course.model import Course
from course.words import plain

CODE = "\0"
"""Stands among the words for code, whatever it says."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link with the words it is on."""

    line: int
    target: str
    words: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture; ``alt`` is ``None`` where nobody has described it."""

    line: int
    source: str
    alt: str | None


@dataclass(frozen=True, slots=True)
class Element:
    """A start or end tag that the author wrote."""

    line: int
    tag: Tag


@dataclass(frozen=True, slots=True)
class Words:
    """What stands on one line outside of code, with the signs of emphasis, without addresses."""

    line: int
    text: str


@dataclass(slots=True)
class Shown:
    """Everything, in the order of the letters; what stands in none is not among it."""

    links: list[Link] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)


def shown(course: Course) -> Shown:
    """Return what the letters of ``course`` show of its article."""
    reader = _Reader(Shown())
    for token, line in placed(course):
        reader.read(token, line)
    reader.end_block()
    return reader.found


class _Reader:
    def __init__(self, found: Shown) -> None:
        self.found = found
        self._line = 0
        self._words: list[str] = []
        self._open: list[tuple[int, str, list[str]]] = []

    def read(self, token: Token, line: int) -> None:
        """Take one token in."""
        if token.block:
            self.end_block()
        match token.type:
            case "text" | "text_special":
                self._say(token.content, line)
            case "code_inline":
                self._say(CODE, line, token.content)
            case "softbreak" | "hardbreak":
                self._say(" ", line)
            case "em_open" | "em_close" | "strong_open" | "strong_close":
                self._say(token.markup, line, "")
            case "image":
                alt = plain(token.children or ())
                self.found.pictures.append(
                    Picture(line, str(token.attrGet("src") or ""), alt or None)
                )
                self._say(CODE, line, alt)
            case "link_open":
                self._open.append((line, str(token.attrGet("href") or ""), []))
            case "link_close":
                self._close_link()
            case "html_inline" | "html_block":
                self._read_html(located_html(token.content), line)

    def end_block(self) -> None:
        """Nothing of a paragraph reaches into the next."""
        while self._open:
            self._close_link()
        self._end_line()

    def _read_html(self, pieces: Iterable[tuple[Tag | str, int]], first: int) -> None:
        for piece, below in pieces:
            line = first + below
            if isinstance(piece, str):
                for number, text in enumerate(piece.split("\n")):
                    self._say(text, line + number)
                continue
            self.found.elements.append(Element(line, piece))
            match piece.name, piece.opens:
                case "a", True:
                    if piece.get("href"):
                        self._open.append((line, piece.get("href"), []))
                case "a", False:
                    self._close_link()
                case "img", True:
                    described = any(name == "alt" for name, _ in piece.attributes)
                    alt = piece.get("alt") if described else None
                    self.found.pictures.append(Picture(line, piece.get("src"), alt))
                    self._say(CODE, line, alt or "")

    def _say(self, text: str, line: int, in_link: str | None = None) -> None:
        if line != self._line:
            self._end_line()
            self._line = line
        self._words.append(text)
        if self._open:
            self._open[-1][2].append(text if in_link is None else in_link)

    def _close_link(self) -> None:
        if self._open:
            line, target, words = self._open.pop()
            self.found.links.append(Link(line, target, " ".join("".join(words).split())))

    def _end_line(self) -> None:
        text = "".join(self._words)
        if text.strip(f"{CODE} \t"):
            self.found.words.append(Words(self._line, text))
        self._words.clear()
