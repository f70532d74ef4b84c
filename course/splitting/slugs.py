"""Short names for courses and letters: ``[a-z0-9]+`` parted by single hyphens."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

from course.words import shorten

LONGEST_SLUG = 60

_LETTERS = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ı": "i",
        "&": " and ",
    }
)
_APOSTROPHES = re.compile("['’]")


def slugify(text: str) -> str:
    """Return ``text`` in ASCII letters, digits and hyphens; empty when it has none of them."""
    folded = _APOSTROPHES.sub("", text.casefold()).translate(_LETTERS)
    plain = unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode()
    words = " ".join(re.findall(r"[a-z0-9]+", plain))
    return shorten(words, LONGEST_SLUG).removesuffix("…").replace(" ", "-")


def unique(slug: str, taken: Container[str]) -> str:
    """Return ``slug``, or with the least number from 2 on that is not ``taken``."""
    number, name = 2, slug
    while name in taken:
        name, number = f"{slug}-{number}", number + 1
    return name
