"""Lines of plain text, broken where a reader would: at spaces, and between East Asian characters.

Widths are columns of a font of fixed width (Unicode UAX 11). Where Chinese and Japanese may be
broken is UAX 14, cut down to what occurs in prose: not before what closes, ends or repeats, and
not after what opens (the ``kinsoku`` of JIS X 4051).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from unicodedata import category, east_asian_width

from course.mail.own_words import WIDTH

_NOT_FIRST = frozenset(
    "、。，．・：；！？!?,.:;)]}」』）］｝〉》】〕〗”’…‥ー々ゝゞぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ％"
)
_NOT_LAST = frozenset("「『（［｛〈《【〔〖“‘([{")
_ZERO_WIDTH = frozenset({"Mn", "Me", "Cf", "Cc"})
_JOINER, _AS_EMOJI = "\u200d", "\ufe0f"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_BLANKS = re.compile(r"[ \t]+")
_UNDERLINES = "=-"


def columns_of(text: str) -> int:
    """Return how many columns ``text`` takes in a font of fixed width.

    Marks that sit on another character take none, nor do the parts of an emoji after its first.
    """
    if text.isascii():
        return len(text)
    columns, last, joined = 0, 0, False
    for character in text:
        if character == _JOINER:
            joined = True
        elif character == _AS_EMOJI and last == 1:
            columns, last = columns + 1, 2
        elif category(character) in _ZERO_WIDTH or ord(character) in _SKIN_TONES:
            continue
        elif joined:
            joined = False
        else:
            last = 2 if east_asian_width(character) in "WF" else 1
            columns += last
    return columns


@lru_cache(maxsize=4096)
def wrap(text: str, width: int = WIDTH, *, hanging: str = "") -> str:
    """Return ``text`` in lines of at most ``width`` columns; line breaks that are in it stay.

    What holds no place to break, such as an address, makes a longer line.

    Args:
        text: words and spaces.
        width: columns.
        hanging: what every line but the first begins with.
    """
    return "\n".join(
        line for given in text.split("\n") for line in _lines(given.strip(" \t"), width, hanging)
    )


def indented(text: str, indent: str) -> str:
    """Return ``text`` with ``indent`` before every line that is not empty."""
    return "\n".join(f"{indent}{line}" if line else "" for line in text.split("\n"))


def hanging(mark: str, text: str) -> str:
    """Return ``text`` with ``mark`` before it, and indented as far as that reaches."""
    room = " " * columns_of(mark)
    return mark + indented(text, room)[len(room) :] if text else mark.rstrip()


def underlined(title: str, level: int = 0, width: int = WIDTH) -> str:
    """Return a heading with a line under it as long as its longest line, or as ``width``."""
    if not title:
        return ""
    return f"{title}\n{_UNDERLINES[level] * min(width, max(map(columns_of, title.splitlines())))}"


def _lines(text: str, width: int, hanging: str) -> Iterator[str]:
    line, taken = "", 0
    for gap, piece in _pieces(text):
        size = columns_of(piece)
        if not line:
            line, taken = piece, size
        elif taken + len(gap) + size > width:
            yield line
            line, taken = hanging + piece, len(hanging) + size
        else:
            line, taken = line + gap + piece, taken + len(gap) + size
    if line:
        yield line


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield what is never broken, each with the space before it."""
    for word in _BLANKS.split(text):
        start = 0
        for at in range(1, 0 if word.isascii() else len(word)):
            if _breaks(word[at - 1], word[at]):
                yield ("" if start else " "), word[start:at]
                start = at
        if word:
            yield ("" if start else " "), word[start:]


def _breaks(before: str, after: str) -> bool:
    if after in _NOT_FIRST or before in _NOT_LAST or category(after) in _ZERO_WIDTH:
        return False
    return _wide(before) or _wide(after)


def _wide(character: str) -> bool:
    return east_asian_width(character) in "WF" and not "\uac00" <= character <= "\ud7a3"
