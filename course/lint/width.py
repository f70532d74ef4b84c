"""How wide a line is in an inbox: in columns, of which an ideograph or an emoji takes two."""

from __future__ import annotations

from unicodedata import category, east_asian_width

_JOINER, _AS_EMOJI = "\u200d", "\ufe0f"
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def display_width(text: str) -> int:
    """Return the columns that ``text`` takes.

    Marks that sit on another character take none, nor do the parts of an emoji after its first.
    """
    columns, last, joined = 0, 0, False
    for character in text:
        if character == _JOINER:
            joined = True
        elif character == _AS_EMOJI and last == 1:
            columns, last = columns + 1, 2
        elif category(character) in {"Mn", "Me", "Cf", "Cc"} or ord(character) in _SKIN_TONES:
            continue
        elif joined:
            joined = False
        else:
            last = 2 if east_asian_width(character) in "WF" else 1
            columns += last
    return columns
