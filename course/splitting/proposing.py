"""What a letter is called and asks where its author has said nothing: drawn from its own text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from course.model import Passage
from course.splitting.phrases import Phrases
from course.splitting.pointing import points
from course.words import folded, plain, sentences, shorten

SHOWN_SUBJECT = 60
"""What most screens show of a subject; an author's own may have 78."""
LONGEST_PREHEADER = 110
LEAST_PREHEADER = 20
"""Characters; a shorter sentence, such as a greeting, says too little where there is another."""
LONGEST_CHOICE = 48
"""Characters of a list item that is named in a question."""
CHOICES = 3
LONGEST_QUESTION = 140
ALIKE = 0.6
"""A sentence that shares so many of its words with the subject only repeats it."""

_NUMBERED = re.compile(r"^(?:\d{1,3}|[IVX]{1,5})[.):]\s+(?=\S)")
_PART = re.compile(r"\s*[:：—–]\s+|\s+-\s+|\s*[(（]")
_OPEN = ("paragraph_open", "list_item_open")
_ASKS_YOU = re.compile(
    r"(?:what|which|who|whom|where|when|how)\b.*\byou(?:r|rs|rself)?\b.*[?]"
    r"|(?:was|welche[rsnm]?|wer|wem|wen|wo|wann|wie|womit|woran)\b.*\b(?:du|dir|dich|dein\w*)\b.*[?]",
    re.IGNORECASE,
)
"""A question to the reader, which can be answered by telling; English and German."""
_LEANS = re.compile(r"\b(?:this|that|these|those|it|they|them|dies\w*|das|es|sie)\b", re.IGNORECASE)
"""Words that mean what stands before; a question with one cannot stand alone."""


def subject_of(title: str, limit: int = SHOWN_SUBJECT) -> str:
    """Return a title as a subject: its number dropped, cut where it pauses when it is too long."""
    bare = _NUMBERED.sub("", title)
    pauses = [pause.start() for pause in _PART.finditer(bare) if limit // 4 <= pause.start()]
    fitting = [at for at in pauses if at <= limit]
    if len(bare) > limit and fitting:
        return bare[: fitting[-1]].rstrip()
    return shorten(bare, limit)


def preheader_of(passages: Sequence[Passage], subject: str, language: str = "en") -> str:
    """Return the first whole sentence that adds something to the subject.

    It points nowhere, as "see below" does. Where none is short enough the first is cut; a letter
    without prose gives its first list's words.
    """
    for spoken in (_paragraphs(passages), _everything(passages)):
        told = [one for text in spoken for one in sentences(text)]
        new = [one for one in told if not _repeats(one, subject) and not one.endswith((":", "："))]
        short = [one for one in new if len(one) <= LONGEST_PREHEADER]
        apart = [one for one in short if not points(one, language)]
        ample = [one for one in apart[:6] if len(one) >= LEAST_PREHEADER or not one.isascii()]
        for chosen in (*ample[:1], *apart[:1], *short[:1], *new[:1]):
            return shorten(chosen, LONGEST_PREHEADER)
    return ""


def prompt_of(passages: Sequence[Passage], title: str, number: int, said: Phrases) -> str:
    """Return the question a lesson ends with: its own, else about what it lists, else in general.

    Args:
        passages: the lesson's.
        title: its title.
        number: its number, by which the general questions take turns.
        said: the language's phrases; without any only a question of the lesson's own is left.
    """
    asked = _asked(passages)
    if asked:
        return asked[-1]
    if not said.prompts:
        return ""
    choices = _choices(passages)
    if choices and said.choice:
        first, second, third = choices[:CHOICES]
        return said.choice.format(first=first, second=second, third=third)
    return said.prompts[(number - 1) % len(said.prompts)].format(title=title)


def _paragraphs(passages: Sequence[Passage]) -> Iterator[str]:
    for passage in passages:
        if passage.tokens[0].type == "paragraph_open":
            yield _speech(passage.tokens)


def _everything(passages: Sequence[Passage]) -> Iterator[str]:
    for passage in passages:
        for token in passage.tokens:
            if token.type == "inline" and passage.tokens[0].type != "heading_open":
                yield _speech([token])


def _speech(tokens: Sequence[Token]) -> str:
    """Return the words without those of pictures."""
    return plain(
        child for token in tokens for child in token.children or () if child.type != "image"
    )


def _repeats(sentence: str, subject: str) -> bool:
    words, known = (set(re.findall(r"\w+", folded(text))) for text in (sentence, subject))
    return not words or len(words & known) >= ALIKE * len(words)


def _asked(passages: Sequence[Passage]) -> list[str]:
    """Return questions to the reader: whole list items, and what the last paragraphs end with."""
    found: list[str] = []
    for index, passage in enumerate(passages):
        for before, token in zip(passage.tokens, passage.tokens[1:], strict=False):
            if token.type != "inline" or before.type != "paragraph_open":
                continue
            told = sentences(_speech([token]))
            item = passage.tokens[0].type.endswith("_list_open") and len(told) == 1
            ends = passage.tokens[0].type == "paragraph_open" and index >= len(passages) - 2
            if told and (item or ends) and _stands_alone(told[-1]):
                found.append(told[-1])
    return found


def _stands_alone(question: str) -> bool:
    return bool(
        len(question) <= LONGEST_QUESTION
        and _ASKS_YOU.fullmatch(question)
        and not _LEANS.search(question)
    )


def _choices(passages: Sequence[Passage]) -> list[str]:
    """Return three things that a lesson names: the first bullet list's, else its sub-headings."""
    for passage in passages:
        if passage.tokens[0].type == "bullet_list_open":
            named = [_lead(item) for item in _items(passage.tokens)]
            if len(named) >= CHOICES and all(named[:CHOICES]):
                return named
    titles = [
        plain(passage.tokens) for passage in passages if passage.tokens[0].type == "heading_open"
    ]
    return titles if len(titles) >= CHOICES and all(map(_fits, titles[:CHOICES])) else []


def _items(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the first text of each item of the outermost list."""
    level = tokens[0].level + 1
    for item, paragraph, text in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if item.type == "list_item_open" and item.level == level:
            yield text if paragraph.type == "paragraph_open" else paragraph


def _lead(text: Token) -> str:
    """Return what an item is called: its words in bold, else all of it; empty when that is long."""
    children = [child for child in text.children or () if child.type != "text" or child.content]
    if children and children[0].type == "strong_open":
        end = next(i for i, child in enumerate(children) if child.type == "strong_close")
        children = children[:end]
    elif any(child.type == "code_inline" for child in children):
        return ""
    words = plain(children).rstrip(" .:;,!。：")
    return words if _fits(words) else ""


def _fits(words: str) -> bool:
    """Tell whether words can be named in a question; a number alone says nothing of its step."""
    short = 2 < len(words) <= LONGEST_CHOICE and "“" not in words
    return short and not (words[0].isdigit() or words[-1].isdigit())
