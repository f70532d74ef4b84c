"""Find the lesson that a takeaway or a question belongs to, by the words they share.

Each word counts by how few lessons have it (TF-IDF over the lessons), by where a lesson has it,
and once only. Nothing is learned, nothing is random: the same article routes the same way.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from course.splitting.entries import Entry

TITLE_WEIGHT = 4.0
HEADING_WEIGHT = 2.0
BODY_WEIGHT = 1.0
QUESTION_WEIGHT = 3.0
"""A question's own words count so many times those of its answer."""
LEAST_SHARE = 0.12
"""A lesson must hold so much of what the entry's words could count, or the entry is a misfit."""
LEAST_LEAD = 1.2
"""The best lesson must score so many times the second, or it is a tie."""

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_SUFFIX = re.compile(r"(?:ation|ments?|ness|ings?|ungen|ung|ies|ely|ed|es|en|er|ly|al|s|e|y)$")
_DOUBLED = re.compile(r"([b-df-hj-np-tv-z])\1$")
_STEM = 6
_ABOUT_NOTHING = frozenset(
    word
    for words in (
        "a an and are at be by can could do does for from have how i if in is it my of on or",
        "should so that the their there they this to was we what when where which who why will",
        "with would you your",
        "als am auf das dem den der des die ein eine es für hat ich im ist kann man mein mich",
        "mit muss sich sie sind soll über und von wann warum was welche wenn wer wie wird wo zu",
        "zum zur",
        "ai au aux avec ce ces comment dans de des du elle en est et il je la le les mon ne pas",
        "par plus pour pourquoi quand que quel quelle qui sa se si son sont sur un une vous",
        "como cómo con cuando cuándo cuál del el es las los lo más mi no para por porque qué se",
        "ser si su un una y",
    )
    for word in words.split()
)
"""Words that ask, and words between words, in English, German, French and Spanish."""


@dataclass(frozen=True, slots=True)
class Theme:
    """What a lesson is about: its title, its other headings, its text."""

    title: str
    headings: str
    body: str


@dataclass(frozen=True, slots=True)
class Route:
    """Where an entry goes; ``index`` is ``None`` for a misfit or a tie."""

    index: int | None
    reason: str


def stems(text: str) -> dict[str, str]:
    """Return the stems of a text's words, each with the first word that has it.

    Endings are cut roughly, after six letters everything is: that joins "celebrating" and
    "celebrate" in many languages without a dictionary. Unspaced scripts give pairs of characters.
    """
    found: dict[str, str] = {}
    for word in _WORD.findall(text.casefold()):
        for part in _UNSPACED.findall(word):
            for pair in map("".join, pairwise(part)):
                found.setdefault(pair, pair)
        spaced = _UNSPACED.sub("", word)
        if len(spaced) > 1 and spaced not in _ABOUT_NOTHING:
            stem = _SUFFIX.sub("", spaced) if len(spaced) > 4 else spaced.rstrip("se")
            stem = _DOUBLED.sub(r"\1", stem)
            found.setdefault((stem if len(stem) > 2 else spaced)[:_STEM], spaced)
    return found


def route(entries: Sequence[Entry], themes: Sequence[Theme]) -> list[Route]:
    """Return for each entry the lesson that it belongs to.

    Args:
        entries: takeaways, or questions with their answers.
        themes: the lessons, in order.
    """
    places = [_places(theme) for theme in themes]
    spread = Counter(stem for place in places for stem in place)
    rarity = {
        stem: math.log(1 + (len(themes) - count) / (count + 0.5)) for stem, count in spread.items()
    }
    return [_route(entry, themes, places, rarity) for entry in entries]


def _places(theme: Theme) -> dict[str, float]:
    weights: dict[str, float] = {}
    parts = (
        (theme.title, TITLE_WEIGHT),
        (theme.headings, HEADING_WEIGHT),
        (theme.body, BODY_WEIGHT),
    )
    for text, weight in parts:
        for stem in stems(text):
            weights[stem] = weights.get(stem, 0.0) + weight
    return weights


def _route(
    entry: Entry,
    themes: Sequence[Theme],
    places: Sequence[Mapping[str, float]],
    rarity: Mapping[str, float],
) -> Route:
    asked, answered = stems(entry.question), stems(entry.answer)
    words = {**answered, **asked}
    worth = {
        stem: rarity.get(stem, 0.0) * (QUESTION_WEIGHT if stem in asked else BODY_WEIGHT)
        for stem in words
    }
    gains = [
        {
            stem: value * (place[stem] if stem in asked else BODY_WEIGHT)
            for stem, value in worth.items()
            if stem in place and value
        }
        for place in places
    ]
    scores = [sum(gain.values()) for gain in gains]
    ranked = sorted(range(len(scores)), key=lambda index: (-scores[index], index))
    most = (TITLE_WEIGHT + BODY_WEIGHT) * sum(worth.values())
    if not ranked or scores[ranked[0]] <= LEAST_SHARE * most:
        return Route(None, "it shares too little with any lesson")
    best, *others = ranked
    telling = sorted(gains[best], key=lambda stem: (-gains[best][stem], stem))
    if entry.answer and [places[best][stem] for stem in telling] == [BODY_WEIGHT]:
        return Route(None, f"it shares only '{words[telling[0]]}' with {themes[best].title}")
    if others and scores[best] < LEAST_LEAD * scores[others[0]]:
        titles = f'"{themes[best].title}" and "{themes[others[0]].title}"'
        return Route(None, f"it fits {titles} alike")
    shared = ", ".join(f"'{words[stem]}'" for stem in telling[:3])
    return Route(best, f"shares {shared} with {themes[best].title}")
