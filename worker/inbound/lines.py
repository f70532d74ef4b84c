"""Lines of a mail with how deep each is quoted; format=flowed (RFC 3676)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from typing import NamedTuple

_QUOTES = re.compile(r" ?>(?: ?>)*")
_DEEPEST_SHOWN = 9


class Mark(Enum):
    """What markup tells about a line beyond its words."""

    NONE = auto()
    SET_IN = auto()
    """It stands in a block quotation that nothing says is a quoted mail."""
    REST = auto()
    """From here to the end everything is quoted."""


class Line(NamedTuple):
    """One line: its words, how often it is quoted, and what markup said about it."""

    text: str
    depth: int = 0
    mark: Mark = Mark.NONE


def plain_lines(text: str) -> list[Line]:
    """Return the lines of a text in which ``>`` quotes.

    ``>From`` on its own is what mailbox files make of a line that begins with "From", so it is
    nobody's quotation; nor is a line that ``<`` closes as ``>`` opens it.
    """
    lines: list[Line] = []
    for each in text.split("\n"):
        quotes = _QUOTES.match(each)
        escaped = each.startswith(">From ") and not (lines and lines[-1].depth)
        closed = each.startswith(">>") and each.rstrip().endswith("<<")
        if quotes is None or escaped or closed:
            own = each.removeprefix(">") if escaped else each
            lines.append(Line(own if own == "-- " else own.rstrip()))
        else:
            rest = each[quotes.end() :]
            lines.append(Line(rest.removeprefix(" ").rstrip(), quotes[0].count(">")))
    return lines


def flowed_lines(text: str, *, delsp: bool) -> list[Line]:
    """Return the paragraphs of a format=flowed text (RFC 3676, 4.2 to 4.5), one line each."""
    lines: list[Line] = []
    pieces: list[str] = []
    depth = 0
    for each in text.split("\n"):
        own = each.lstrip(">")
        quoted = len(each) - len(own)
        words = own.removeprefix(" ")
        if pieces and (quoted != depth or words == "-- "):
            lines.append(Line("".join(pieces).rstrip(), depth))
            pieces = []
        depth = quoted
        if words.endswith(" ") and words != "-- ":
            pieces.append(words[:-1] if delsp else words)
            continue
        pieces.append(words)
        joined = "".join(pieces)
        lines.append(Line(joined if joined == "-- " else joined.rstrip(), depth))
        pieces = []
    if pieces:
        lines.append(Line("".join(pieces).rstrip(), depth))
    return lines


def show(lines: Iterable[Line]) -> str:
    """Return lines as a text, quoted ones with ``>``."""
    return "\n".join(map(_shown, lines)).strip("\n")


def _shown(line: Line) -> str:
    quotes = ">" * min(line.depth, _DEEPEST_SHOWN)
    return f"{quotes} {line.text}".rstrip() if quotes else line.text


def is_blank(line: Line) -> bool:
    """Whether nothing can be read on a line."""
    return not line.text.strip()


def next_written(lines: Sequence[Line], at: int) -> int:
    """Return the first line from ``at`` on that is not blank; the end if there is none.

    A mark that everything after it is quoted counts as written.
    """
    while at < len(lines) and is_blank(lines[at]) and lines[at].mark is not Mark.REST:
        at += 1
    return at
