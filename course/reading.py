"""How long a text takes to read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import lru_cache

from markdown_it.token import Token

from course.model import Lesson, Passage
from course.words import plain

WORDS_PER_MINUTE = 220
CHARACTERS_PER_MINUTE = 500
"""For scripts that put no spaces between words: Chinese, Japanese, Thai, Lao, Khmer, Burmese."""
CODE_LINES_PER_MINUTE = 40
"""For code, whose lines are looked over rather than read: a line in one and a half seconds."""

_CODE = ("fence", "code_block")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
_WORD = re.compile(r"(?<!\S)(?:[^\w\s]|_)*+[^\W_]")
"""The first letter or digit of each run of characters without spaces."""


@lru_cache(maxsize=8192)
def minutes(text: str) -> float:
    """Return the reading time of ``text`` in minutes, by words or, unspaced, by characters."""
    spaced, characters = _UNSPACED.subn(" ", text)
    words = sum(1 for _ in _WORD.finditer(spaced))
    return words / WORDS_PER_MINUTE + characters / CHARACTERS_PER_MINUTE


def token_minutes(tokens: Iterable[Token]) -> float:
    """Return the reading time of block tokens in minutes: prose by words, code by lines."""
    prose: list[Token] = []
    lines = 0
    for token in tokens:
        if token.type in _CODE:
            lines += sum(1 for line in token.content.splitlines() if line.strip())
        else:
            prose.append(token)
    return minutes(plain(prose)) + lines / CODE_LINES_PER_MINUTE


def passage_minutes(passages: Iterable[Passage]) -> float:
    """Return the reading time of ``passages`` in minutes."""
    return sum(token_minutes(passage.tokens) for passage in passages)


def lesson_minutes(lesson: Lesson) -> int:
    """Return a letter's reading time as readers are told it: whole minutes, at least 1."""
    shown = (*lesson.passages, *lesson.takeaways, *lesson.questions)
    return max(1, math.floor(passage_minutes(shown) + 0.5))
