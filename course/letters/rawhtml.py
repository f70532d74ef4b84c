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

_PAIRS = (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<![", "]>"), ("<", ">"))
"""What begins something that is no text, and what ends it."""


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
        self.found: list[tuple[Tag | str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        unique = {key: value or "" for key, value in reversed(attrs)}
        self._add(Tag(tag, opens=True, attributes=tuple(unique.items())))

    def handle_endtag(self, tag: str) -> None:
        self._add(Tag(tag, opens=False))

    def handle_data(self, data: str) -> None:
        self._add(data)

    def _add(self, piece: Tag | str) -> None:
        self.found.append((piece, self.getpos()[0] - 1))


def read_html(source: str) -> list[Tag | str]:
    """Return the tags and the unescaped texts of ``source``, silent elements left out."""
    return [piece for piece, _ in located_html(source)]


def located_html(source: str) -> list[tuple[Tag | str, int]]:
    """Return the same, each with the number of lines above the one on which it begins."""
    reader = _Reader()
    reader.feed(_finished(source))
    reader.close()
    shown: list[tuple[Tag | str, int]] = []
    silent: str | None = None
    for piece, line in reader.found:
        if silent is not None:
            if isinstance(piece, Tag) and piece.name == silent and not piece.opens:
                silent = None
        elif isinstance(piece, Tag) and piece.name in SILENT:
            silent = piece.name if piece.opens else None
        else:
            shown.append((piece, line))
    return shown


def _finished(source: str) -> str:
    """Return ``source`` with what begins and never ends as text, wherever it stands.

    Python's parser looks for each such end up to the last character, and what it makes of it
    depends on its version.
    """
    for begins, ends in _PAIRS:
        last = source.rfind(ends) + 1
        if begins in source[last:]:
            source = source[:last] + source[last:].replace(begins, f"&lt;{begins[1:]}")
    return source


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
