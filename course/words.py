"""The words a reader sees in Markdown tokens: for titles, subjects, routing and reading time."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from markdown_it.token import Token

_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<(script|style|template|title)\b.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<![^<>]*>")
_SHOWN_TAG = re.compile(
    r"<(?:img|picture|video|audio|hr|iframe|svg|object|embed|canvas|input)\b", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*(?=\s+[^\sa-z])|(?<=[。！？])[」』）]*")
_SHORT_FORM = re.compile(
    r"(?:^|[\s(“\"„])(?:e\.g|i\.e|etc|vs|cf|dr|mr|mrs|ms|prof|st|no|fig|approx|z\. ?b|d\. ?h|bzw|ca"
    r"|usw|vgl|nr|str|abb|[a-zäöü])\.$",
    re.IGNORECASE,
)
"""What ends in a full stop and ends no sentence."""
_DANGLING = " ,;:–—-"


def plain(tokens: Iterable[Token]) -> str:
    """Return the visible words of block or inline tokens on one line.

    Alt texts count as visible; tags, comments, footnote marks and addresses of links do not.
    """
    return " ".join("".join(_pieces(tokens)).split())


def _pieces(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        match token.type:
            case "text" | "text_special" | "code_inline":
                yield token.content
            case "softbreak" | "hardbreak":
                yield " "
            case "image":
                yield from _pieces(token.children or ())
            case "inline":
                yield from _pieces(token.children or ())
                yield "\n"
            case "fence" | "code_block":
                yield token.content + "\n"
            case "html_block":
                yield html_text(token.content) + "\n"


def html_text(markup: str) -> str:
    """Return the text that a piece of HTML shows, its tags and comments taken out."""
    return html.unescape(_TAG.sub(" ", _UNSEEN.sub(" ", markup)))


def html_shows_something(markup: str) -> bool:
    """Tell whether a piece of HTML has text or a picture of its own to show."""
    seen = _UNSEEN.sub(" ", markup)
    return bool(_SHOWN_TAG.search(seen) or html_text(seen).strip())


def first_sentence(text: str) -> str:
    """Return the first sentence of one line of ``text``, its end mark included."""
    return next(iter(sentences(text)), "")


def sentences(text: str) -> list[str]:
    """Return the sentences of one line of ``text``, their end marks included."""
    found: list[str] = []
    start = 0
    for end in _SENTENCE_END.finditer(text):
        if not _SHORT_FORM.search(text, start, end.end()):
            found.append(text[start : end.end()].strip())
            start = end.end()
    return [*found, rest] if (rest := text[start:].strip()) else found


def shorten(text: str, limit: int) -> str:
    """Return ``text``, cut at a word and ended by an ellipsis when it is over ``limit`` characters.

    Text without spaces, such as Japanese, is cut anywhere.
    """
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    at_word = kept.rpartition(" ")[0] if not text[limit - 1].isspace() else kept
    return (at_word if len(at_word) > limit // 2 else kept).rstrip(_DANGLING) + "…"


def folded(text: str) -> str:
    """Return ``text`` for comparing titles: case folded, every run of white space one space."""
    return " ".join(text.casefold().split())
