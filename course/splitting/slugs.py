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
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_APOSTROPHES = re.compile("['’]")


def slugify(text: str, language: str = "") -> str:
    """Return ``text`` in ASCII letters, digits and hyphens; empty when it has none of them.

    Other languages drop the dots that German writes as a second letter.
    """
    folded = _APOSTROPHES.sub("", unicodedata.normalize("NFC", text).casefold())
    if language.casefold().split("-")[0] == "de":
        folded = folded.translate(_GERMAN)
    folded = folded.translate(_LETTERS)
    plain = unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode()
    words = " ".join(re.findall(r"[a-z0-9]+", plain))
    return shorten(words, LONGEST_SLUG).removesuffix("…").replace(" ", "-")


def unique(name: str, taken: Container[str], numbered: str = "-{}") -> str:
    """Return ``name``, or with the least number from 2 on that is not ``taken``."""
    number, found = 2, name
    while found in taken:
        found, number = f"{name}{numbered.format(number)}", number + 1
    return found
