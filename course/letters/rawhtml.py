"""The author's raw HTML, read as a list of tags and texts.

Whatever is never shown (scripts, styles, comments) is not among them, and an unfinished tag or
comment cannot swallow what follows it in the article.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser

from markdown_it.token import Token

SILENT = frozenset({"script", "style", "template", "title"})
"""Elements whose content no letter shows."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One start or end tag; ``opens`` tells which."""

    name: str
    opens: bool
    attributes: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """Return the attribute's value, empty when it is absent."""
        return dict(self.attributes).get(name, "")

    def __str__(self) -> str:
        if not self.opens:
            return f"</{self.name}>"
        written = "".join(f' {key}="{escape(value)}"' for key, value in self.attributes)
        return f"<{self.name}{written}>"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Tag | str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        unique = {key: value or "" for key, value in reversed(attrs)}
        self.found.append(Tag(tag, opens=True, attributes=tuple(unique.items())))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(Tag(tag, opens=False))

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def read_html(source: str) -> list[Tag | str]:
    """Return the tags and the unescaped texts of ``source``, silent elements left out."""
    reader = _Reader()
    reader.feed(source)
    reader.close()
    shown: list[Tag | str] = []
    silent: str | None = None
    for piece in reader.found:
        if silent is not None:
            if isinstance(piece, Tag) and piece.name == silent and not piece.opens:
                silent = None
        elif isinstance(piece, Tag) and piece.name in SILENT:
            silent = piece.name if piece.opens else None
        else:
            shown.append(piece)
    return shown


def raw_tags(tokens: Iterable[Token]) -> Iterator[Tag]:
    """Yield every start tag that the author wrote among ``tokens``."""
    for token in tokens:
        if token.type in {"html_block", "html_inline"}:
            for piece in read_html(token.content):
                if isinstance(piece, Tag) and piece.opens:
                    yield piece
        yield from raw_tags(token.children or ())


def shown_children(children: Sequence[Token]) -> Iterator[Token]:
    """Yield a paragraph's tokens without the silent elements that begin and end in it."""
    position = 0
    while position < len(children):
        token = children[position]
        position += 1
        name = _silent_name(token, opens=True)
        if name is None:
            if _silent_name(token, opens=False) is None:
                yield token
            continue
        ends = (
            at
            for at in range(position, len(children))
            if _silent_name(children[at], opens=False) == name
        )
        position = next(ends, position - 1) + 1


def _silent_name(token: Token, *, opens: bool) -> str | None:
    if token.type != "html_inline":
        return None
    tag = token.content.lower().lstrip("</").rstrip("/> \t\n").split()
    name = tag[0] if tag else ""
    return name if name in SILENT and token.content.startswith("</") is not opens else None
