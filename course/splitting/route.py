"""Find the lesson that a takeaway or a question belongs to: by shared words, then by its place.

Each word counts by how few lessons have it (TF-IDF over the lessons), by where a lesson has it,
and once only. Takeaways mostly come in the order of what they sum up, so one that shares little is
placed by those around it, where these keep that order. Nothing is learned, nothing is random: the
same article routes the same way.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from course.splitting.entries import Entry

TITLE_WEIGHT = 4.0
HEADING_WEIGHT = 2.0
BODY_WEIGHT = 1.0
QUESTION_WEIGHT = 3.0
"""A question's own words count so many times those of its answer."""
LEAST_SHARE = 0.1
"""A lesson must hold so much of what the entry's words could count, or the entry is a misfit."""
LEAST_LEAD = 1.4
"""The best lesson must score so many times the second, or it is a tie."""

LEAST_COVER = 0.3
"""One shared word alone says enough when it is so much of all the entry's words, and a title's."""
MANY = 3
"""So many shared words say enough wherever the lesson has them."""
ANSWER_WEIGHT = 2.0
"""A word of an answer counts at most so much, however prominently the lesson has it."""

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_SUFFIX = re.compile(r"(?:ation|ments?|ness|ings?|ungen|ung|ies|ely|ed|es|en|er|ly|al|s|e|y)$")
_DOUBLED = re.compile(r"([b-df-hj-np-tv-z])\1$")
_STEM = 6
_ABOUT_NOTHING = frozenset(
    word
    for words in (
        "a about after again all also always an and another any are as at be because been before",
        "being both but by can could did do does done each ever every few for from get gets had",
        "has have here how i if in into is it its just let like many may me might more most much",
        "must my never new no nor not now of off on once one only or other our out over own quite",
        "really same shall should since so some such than that the their them then there these",
        "they this those through till to too until up us very was we well were what when where",
        "whether which while who whose why will with without would yes yet you your first last",
        "aber alle alles als am an auch auf aus bei beim bis da damit dann das dass dein",
        "deine dem den denn der des dich die dies diese dir doch du durch ein eine einem",
        "einen einer eines er es etwas euch für gibt hast hat ich ihr im immer in ist jede",
        "jeder jedes kann kannst kein keine mal man mehr mein meine meist mich mir mit muss",
        "musst nach neu neue nicht noch nun nur ob oder ohne schon sein seine sich sie sind",
        "so soll sollte über um und uns unter viel vom von vor wann war warum was weil welche",
        "wenn wer wie wieder wird wo woran wurde zu zum zur",
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
    """Where an entry goes; ``index`` is ``None`` for a misfit or a tie.

    Attributes:
        sure: its words say enough; its place in the list does not matter.
        scores: what each lesson scored.
    """

    index: int | None
    reason: str
    sure: bool = True
    scores: tuple[float, ...] = ()

    @property
    def reaches(self) -> bool:
        """Tell whether it goes to a lesson."""
        return self.index is not None


@lru_cache(maxsize=2048)
def stems(text: str) -> Mapping[str, str]:
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
            found.setdefault(_stem(spaced), spaced)
    return found


def _stem(word: str) -> str:
    stem = word.rstrip("se") if len(word) <= 4 else word
    while len(stem) > 4 and (shorter := _SUFFIX.sub("", stem)) != stem and len(shorter) > 2:
        stem = shorter
    stem = _DOUBLED.sub(r"\1", stem)
    return (stem if len(stem) > 2 else word)[:_STEM]


def route(
    entries: Sequence[Entry], themes: Sequence[Theme], *, ordered: bool = False
) -> list[Route]:
    """Return for each entry the lesson that it belongs to.

    Args:
        entries: takeaways, or questions with their answers.
        themes: the lessons, in order.
        ordered: whether they are likely to come in the lessons' order, as takeaways do.
    """
    places = [_places(theme) for theme in themes]
    spread = Counter(stem for place in places for stem in place)
    rarity = {
        stem: math.log(1 + (len(themes) - count) / (count + 0.5)) ** 2
        for stem, count in spread.items()
    }
    found = [_route(entry, themes, places, rarity) for entry in entries]
    return in_order(found, themes) if ordered else found


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
            stem: value * (place[stem] if stem in asked else min(place[stem], ANSWER_WEIGHT))
            for stem, value in worth.items()
            if stem in place and value
        }
        for place in places
    ]
    scores = [sum(gain.values()) for gain in gains]
    ranked = sorted(range(len(scores)), key=lambda index: (-scores[index], index))
    most = (TITLE_WEIGHT + BODY_WEIGHT) * sum(worth.values())
    told = tuple(scores)
    if not ranked or scores[ranked[0]] <= LEAST_SHARE * most:
        return Route(None, "it shares too little with any lesson", sure=False, scores=told)
    best, *others = ranked
    telling = sorted(gains[best], key=lambda stem: (-gains[best][stem], stem))
    named = telling[0] in asked and places[best][telling[0]] > BODY_WEIGHT
    if entry.answer and len(telling) == 1 and not named:
        reason = f"it shares only '{words[telling[0]]}' with {themes[best].title}"
        return Route(None, reason, sure=False, scores=told)
    if others and scores[best] < LEAST_LEAD * scores[others[0]]:
        titles = f'"{themes[best].title}" and "{themes[others[0]].title}"'
        return Route(None, f"it fits {titles} alike", sure=False, scores=told)
    shared = ", ".join(f"'{words[stem]}'" for stem in telling[:3])
    sure = len(telling) >= MANY or (named and (len(telling) > 1 or LEAST_COVER * len(words) <= 1))
    return Route(best, f"shares {shared} with {themes[best].title}", sure, told)


def in_order(routes: Sequence[Route], themes: Sequence[Theme]) -> list[Route]:
    """Place entries whose words say too little by those around them.

    Only where the others come in the lessons' order. One entry a lesson: each goes to its own.
    Else one goes to the lesson between those of its neighbours that it shares most with, or, where
    as many entries as lessons lie between two sure ones, to the lesson in its place.
    """
    if len(routes) == len(themes) and _one_each(routes):
        return [_between(found, at, themes) for at, found in enumerate(routes)]
    sure = [(at, found.index) for at, found in enumerate(routes) if found.sure]
    steps = [index or 0 for _, index in sure]
    if len(sure) < LEAST_SURE or steps != sorted(steps):
        return list(routes)
    placed = list(routes)
    edges = [(-1, -1), *((at, index or 0) for at, index in sure), (len(routes), len(themes))]
    for (start, low), (end, high) in pairwise(edges):
        weak = range(start + 1, end)
        exact = len(weak) == high - low - 1
        for nth, at in enumerate(weak, 1):
            near = range(max(low, 0), min(high, len(themes) - 1) + 1)
            index = low + nth if exact else _nearest(routes[at].scores, near)
            placed[at] = (
                Route(None, routes[at].reason)
                if index is None
                else _between(routes[at], index, themes)
            )
    return placed


LEAST_SURE = 2
"""So many entries must be in order before that says something about the others."""


def _one_each(routes: Sequence[Route]) -> bool:
    """Tell whether as many entries as lessons go to them one by one, as far as words say.

    No sure one goes elsewhere, and of the others hardly more than go to their own.
    """
    found = [(at == route.index, route.sure) for at, route in enumerate(routes) if route.reaches]
    own = sum(at_home for at_home, _ in found)
    astray = [sure for at_home, sure in found if not at_home]
    return not any(astray) and len(astray) <= own + 1


def _nearest(scores: Sequence[float], near: Sequence[int]) -> int | None:
    """Return which of the lessons ``near`` scored best; ``None`` when it is none, or a tie."""
    best, *others = sorted(near, key=lambda index: (-scores[index], index)) or [-1]
    lead = scores[others[0]] * LEAST_LEAD if others else 0.0
    return best if best >= 0 and scores[best] > lead else None


def _between(found: Route, index: int, themes: Sequence[Theme]) -> Route:
    if found.sure or found.index == index:
        return found
    return Route(
        index, f"by its place among the others, which come in order: {themes[index].title}"
    )
