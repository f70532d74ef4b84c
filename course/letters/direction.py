"""Which way words are written: a language's, and a text's by its first strong letter."""

from __future__ import annotations

from unicodedata import bidirectional

_LANGUAGES = frozenset(
    "ar arc ckb dv fa he ks nqo pnb prs ps sd syr ug ur yi".split()  # noqa: SIM905 - read better
)
_SCRIPTS = frozenset("adlm arab aran hebr mand nkoo rohg syrc thaa".split())  # noqa: SIM905


def direction(language: str) -> str:
    """Return ``"rtl"`` for a BCP 47 tag written from right to left, else ``"ltr"``.

    A script in the tag decides (``az-Arab``, ``ar-Latn``), else what its language usually has.
    """
    first, *more = language.lower().replace("_", "-").split("-")
    scripts = [part for part in more if len(part) == 4 and part.isalpha()]
    found = scripts[0] in _SCRIPTS if scripts else first in _LANGUAGES
    return "rtl" if found else "ltr"


def written(text: str) -> str:
    """Return the direction of the first strong letter of ``text``; empty without one (UAX 9, P2).

    Only letters of the text itself count, as ``dir="auto"`` of HTML has it.
    """
    for character in text:
        kind = bidirectional(character)
        if kind == "L":
            return "ltr"
        if kind in {"R", "AL"}:
            return "rtl"
    return ""
