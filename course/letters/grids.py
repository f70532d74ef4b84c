"""Whether a table of an author's can stand as one on a phone, or becomes a card for each row."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from unicodedata import east_asian_width

COLUMN, PHONE = 520, 280
"""Width in CSS pixels of a letter's text on a desk and on a phone of 320."""

_PADDING = 12
_NARROW, _CAPITAL, _WIDE = 8.2, 10.5, 15.5
"""Widths of characters at 15 px, on the large side."""


class Grid(StrEnum):
    """How a table is shown; the names are classes of the style sheet.

    ``DEAL`` is a table on a desk and cards on a phone, ``CARDS`` are cards everywhere.
    """

    TABLE = "grid"
    DEAL = "deal"
    CARDS = "cards"


def grid(rows: Sequence[Sequence[str]]) -> Grid:
    """Return how a table of these texts is shown, the first row its header.

    A word is never broken inside a table, so its widest word is the least a column takes.
    """
    columns = max(map(len, rows), default=0)
    least = sum(
        _PADDING + max((_widest_word(row[at]) for row in rows if at < len(row)), default=0)
        for at in range(columns)
    )
    if least <= PHONE and columns <= 4:
        return Grid.TABLE
    return Grid.DEAL if least <= COLUMN else Grid.CARDS


def _widest_word(text: str) -> float:
    return max(map(_width, text.split()), default=0.0)


def _width(word: str) -> float:
    if any(east_asian_width(character) in "WF" for character in word):
        return _WIDE * 2  # may be broken anywhere, but a column of single characters is not read
    return sum(_CAPITAL if each.isupper() or each in "@%mw" else _NARROW for each in word)
