"""What filters, and readers, take for spam. Few things, each with its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from course.letters.passages import passages_of, tokens_of
from course.lint.rule import Checked, Example, Spot, first_line, rule
from course.model import Course, Kind, Lesson, Level
from course.words import plain, shorten

_FEW_LETTERS = 8
"""So many capitals are no abbreviation."""
_FEW_WORDS = 20
_MARKS = re.compile(r"[!！?？]{2,}|[$€£]{2,}")
_REPLY = {"": re.compile(r"\s*(?:re|fwd?)\s*(?:\[\d+\])?:\s", re.IGNORECASE),
          "de": re.compile(r"\s*(?:re|fwd?|aw|wg|antw)\s*:\s", re.IGNORECASE)}  # fmt: skip
_ADDRESS = re.compile(
    r"(?:https?://|www\.)([a-z0-9.-]+\.[a-z]{2,})(?::\d+)?(?:[/?#]\S*)?"
    r"|([a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|edu|gov))(?:/\S*)?"
)
_SHORT_SECOND = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})


@rule(
    "shouting-subject",
    Level.WARNING,
    "A subject in capitals",
    why="SpamAssassin counts it (`SUBJ_ALL_CAPS`), and screen readers may spell it.",
    remedy="write it as a sentence",
    example=Example(manifest='[welcome]\nsubject = "BAKE BREAD THIS WEEK"\n'),
)
def shouting_subject(checked: Checked) -> Iterator[Spot]:
    """Two words or more without a small letter, in a script that has small letters."""
    for lesson in checked.course.lessons:
        capitals = sum(character.isupper() for character in lesson.subject)
        small = any(character.islower() for character in lesson.subject)
        if capitals > _FEW_LETTERS and not small and " " in lesson.subject.strip():
            yield checked.about(lesson, "subject", f"{lesson.key} has a subject in capitals")


@rule(
    "repeated-marks",
    Level.WARNING,
    "A subject or preheader with `!!`, `??` or `$$`",
    why="Filters count it, and it reads as an advertisement.",
    remedy="one mark is enough, none is better",
    example=Example(manifest='[welcome]\nsubject = "Your first loaf!!!"\n'),
)
def repeated_marks(checked: Checked) -> Iterator[Spot]:
    """Two or more in a row, in a preheader only where the author wrote it."""
    lines = checked.course.manifest_lines
    for lesson in checked.course.lessons:
        for key, text in (("subject", lesson.subject), ("preheader", lesson.preheader)):
            found = _MARKS.search(text)
            if found and (key == "subject" or lines.get(f"{lesson.key}.{key}")):
                yield checked.about(lesson, key, f'{lesson.key} has "{found[0]}" in its {key}')


@rule(
    "fake-reply",
    Level.WARNING,
    "A subject that pretends to be a reply",
    why="Nobody has written before: laws forbid subjects that mislead (in the United States 15 "
    "U.S.C. 7704), and SpamAssassin counts them (`FAKE_REPLY`).",
    remedy="take the Re: or Fwd: away",
    example=Example(manifest='[welcome]\nsubject = "Re: your bread"\n'),
)
def fake_reply(checked: Checked) -> Iterator[Spot]:
    """``Re:`` and ``Fwd:``; in German ``AW:`` and ``WG:``, too."""
    for lesson in checked.course.lessons:
        found = _reply(checked.course).match(lesson.subject)
        if found:
            message = f'{lesson.key} has a subject that begins with "{found[0].strip()}"'
            yield checked.about(lesson, "subject", message)


@rule(
    "image-only",
    Level.WARNING,
    "A letter with pictures and next to no words",
    why="With pictures off, which is how many mail programs begin, there is nothing to read; "
    "filters cannot read it either (SpamAssassin: `HTML_IMAGE_ONLY`).",
    remedy="write what the pictures say",
    example=Example("## Bread\n\n![All about bread](https://bakery.example/bread.png)\n"),
)
def image_only(checked: Checked) -> Iterator[Spot]:
    """Fewer than 20 words of a lesson, those of the descriptions not among them."""
    starts: dict[int, str] = {}
    for lesson in checked.course.lessons:
        starts |= dict.fromkeys(_lines(lesson), lesson.key)
    pictured = {starts.get(picture.line) for picture in checked.shown.pictures}
    for lesson in checked.course.lessons:
        if lesson.kind is Kind.LESSON and lesson.key in pictured:
            words = len(_without_pictures(lesson).split())
            if words < _FEW_WORDS:
                message = f"{lesson.key} has pictures and {words} words"
                yield Spot(first_line(lesson), message)


@rule(
    "misleading-link",
    Level.WARNING,
    "A link that shows one address and goes to another",
    why="It is how phishing works, and mail programs warn of it.",
    remedy="show the address it goes to, or say in words where it goes",
    example=Example("Order at [www.mill.example](https://partner.example.org/42).\n"),
)
def misleading_link(checked: Checked) -> Iterator[Spot]:
    """Words that are nothing but an address; any host of one domain is as good as another."""
    for link in checked.shown.links:
        shown = _ADDRESS.fullmatch(link.words)
        leads = _host(link.target)
        host = (shown[1] or shown[2]) if shown else ""
        if leads and host and _domain(host) != _domain(leads):
            yield Spot(link.line, f"the link shows {shorten(host, 60)} and goes to {leads}")


def _reply(course: Course) -> re.Pattern[str]:
    return _REPLY.get(course.language[:2].lower(), _REPLY[""])


def _lines(lesson: Lesson) -> Iterator[int]:
    for passage in passages_of(lesson):
        yield from range(passage.start_line, passage.end_line + 1)


def _without_pictures(lesson: Lesson) -> str:
    return plain(
        child
        for token in tokens_of(passages_of(lesson)[1:] if lesson.heading else passages_of(lesson))
        for child in (token.children or (token,))
        if child.type != "image"
    )


def _host(address: str) -> str:
    try:
        parts = urlsplit(address.strip())
        return (parts.hostname or "") if parts.scheme in {"http", "https"} else ""
    except ValueError:
        return ""


def _domain(host: str) -> str:
    """Return the part of a host that somebody registered, as far as one can tell without a list."""
    labels = host.lower().rstrip(".").split(".")
    return ".".join(labels[-3 if len(labels) > 2 and labels[-2] in _SHORT_SECOND else -2 :])
