"""Words that point across a cut: "as shown above", when what is above came days ago."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from markdown_it.token import Token

from course.model import Course, Finding, Kind, Lesson, Level
from course.splitting.pointers import POINTERS, Thing, Way

RULE = "points-elsewhere"
NEAR_WORDS = 40
"""Where a letter says so much on that side, a vague "above" or "below" means something of it."""

_THINGS = {
    "table_open": Thing.TABLE,
    "fence": Thing.CODE,
    "code_block": Thing.CODE,
    "image": Thing.PICTURE,
    "bullet_list_open": Thing.LIST,
    "ordered_list_open": Thing.LIST,
    "heading_open": Thing.SECTION,
}
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Spoken:
    """One text of a letter.

    Attributes:
        line: of the file, on which it begins.
        linked: which characters are a link's, which says itself where it leads.
        before, after: what else the letter has on either side.
    """

    text: str
    line: int
    breaks: tuple[int, ...]
    linked: frozenset[int]
    before: frozenset[Thing]
    after: frozenset[Thing]


def pointing(course: Course) -> Iterator[Finding]:
    """Report phrases that point at what is plausibly in another letter, in the letters' order."""
    patterns = _patterns(course.language)
    held = [_things(lesson) for lesson in course.lessons] if patterns else []
    for lesson in course.lessons if patterns else ():
        for said in _texts(lesson, course.body_line):
            for pattern, way, thing in patterns:
                for found in pattern.finditer(said.text):
                    target = _elsewhere(way, thing, said, lesson, course.lessons, held)
                    linked = found.start() in said.linked and way is Way.BACK
                    if target and not linked:
                        line = said.line + sum(at <= found.start() for at in said.breaks)
                        yield _finding(course, line, found[0], way, target)


def points(text: str, language: str) -> bool:
    """Tell whether a text points at another place, wherever that is."""
    return any(pattern.search(text) for pattern, _, _ in _patterns(language))


def _finding(course: Course, line: int, words: str, way: Way, target: str) -> Finding:
    whence = "came before" if way is Way.BACK else "is yet to come"
    return Finding(
        RULE,
        Level.WARNING,
        course.article_file,
        line,
        f'"{words}" points at what is in another letter: {target} {whence}',
        "name what is meant, link to its heading, or keep the two in one lesson",
    )


def _elsewhere(
    way: Way,
    thing: Thing,
    said: _Spoken,
    lesson: Lesson,
    lessons: Sequence[Lesson],
    held: Sequence[frozenset[Thing]],
) -> str | None:
    """Return the key of the letter a phrase points at; ``None`` when that is this one, or none."""
    if thing in (said.before if way is Way.BACK else said.after):
        return None
    others = lessons[: lesson.number] if way is Way.BACK else lessons[lesson.number + 1 :]
    nearest = reversed(others) if way is Way.BACK else iter(others)
    for other in nearest:
        section = thing is Thing.SECTION and other.kind is not Kind.WELCOME
        if section or thing is Thing.TEXT or thing in held[other.number]:
            return other.key
    return None


def _texts(lesson: Lesson, body_line: int) -> list[_Spoken]:
    """Return the letter's texts, each with what stands before and after it."""
    passages = (*lesson.takeaways, *lesson.passages, *lesson.questions)
    tokens = [token for passage in passages for token in passage.tokens]
    words = [len(_WORD.findall(_text(token)[0])) for token in tokens]
    seen: list[set[Thing]] = [set() for _ in tokens]
    ahead: list[set[Thing]] = [set() for _ in tokens]
    for marks, order in ((seen, range(len(tokens))), (ahead, range(len(tokens) - 1, -1, -1))):
        known: set[Thing] = set()
        count = 0
        for index in order:
            marks[index] |= known | ({Thing.TEXT} if count >= NEAR_WORDS else set())
            opens = tokens[index].type == "heading_open"
            if not opens or marks is ahead or count:
                known |= _things_of(tokens[index])
            count += words[index]
    found = []
    for index, token in enumerate(tokens):
        if token.type == "inline" and tokens[index - 1].type != "heading_open":
            text, breaks, linked = _text(token)
            line = body_line + (token.map or [0])[0]
            found.append(
                _Spoken(text, line, breaks, linked, frozenset(seen[index]), frozenset(ahead[index]))
            )
    return found


def _things(lesson: Lesson) -> frozenset[Thing]:
    passages = (*lesson.takeaways, *lesson.passages, *lesson.questions)
    return frozenset(
        thing for passage in passages for token in passage.tokens for thing in _things_of(token)
    )


def _things_of(token: Token) -> set[Thing]:
    kinds = (token.type, *(child.type for child in token.children or ()))
    return {_THINGS[kind] for kind in kinds if kind in _THINGS}


def _text(token: Token) -> tuple[str, tuple[int, ...], frozenset[int]]:
    """Return an inline token's words, where its lines break, and which characters are linked."""
    text, depth = "", 0
    breaks: list[int] = []
    linked: set[int] = set()
    for child in token.children or ():
        start = len(text)
        if child.type in ("text", "text_special"):
            text += child.content
        elif child.type in ("softbreak", "hardbreak"):
            text += " "
            breaks.append(len(text))
        else:
            text += "\0" * (child.type in ("code_inline", "image", "html_inline"))
            depth += (child.type == "link_open") - (child.type == "link_close")
        if depth:
            linked.update(range(start, len(text)))
    return text, tuple(breaks), frozenset(linked)


@cache
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], Way, Thing], ...]:
    known = POINTERS.get(language.casefold().split("-")[0], {})
    return tuple(
        (re.compile(rf"(?<!\w)(?:{_any(phrases)})(?!\w)", re.IGNORECASE), way, thing)
        for (way, thing), phrases in known.items()
    )


def _any(phrases: Sequence[str]) -> str:
    longest = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    return "|".join(
        r"\s+".join(map(re.escape, phrase.replace("'", "’").split())).replace("’", "['’]")
        for phrase in longest
    )
