"""Propose a ``course.toml`` for an article: what splitting it found, for its author to edit."""

from __future__ import annotations

import json
from pathlib import PurePath

from course.article.parse import Article, Run, parse_article
from course.article.source import Source
from course.model import Course, Lesson
from course.splitting.claims import Around, Claim, called, enter, innermost, picture_of
from course.splitting.layout import BEFORE, Layout, lay_out
from course.splitting.split import split
from course.toml import Text
from course.words import folded, shorten

LONGEST_NAME = 50
"""Characters of a paragraph that name it."""

_WAITING = """\
# wait_days = 5                     # the next letter waits for a reply, so many days at most
# nudge_days = 2                    # and after so many without one, a reminder comes
"""


def propose_manifest(source: Source) -> str:
    """Return the text of a manifest under which ``source`` splits as it does without one.

    Raises:
        SourceError: the article is at fault.
    """
    article = parse_article(source.article, source.article_file)
    course, _ = split(article, None)
    names = _names(article, lay_out(article, None))
    welcome, *lessons, finale = course.lessons
    parts = [
        _head(course, PurePath(source.article_file).name),
        _edge("welcome", welcome, names.get(0, []), "the letter that opens the course"),
        *(
            _lesson(lesson, names.get(lesson.number, []))
            + (_WAITING if lesson is lessons[0] else "")
            for lesson in lessons
        ),
        _edge("finale", finale, [], "the letter that closes it"),
    ]
    return "\n".join(parts)


def _names(article: Article, layout: Layout) -> dict[int, list[str]]:
    """Name sections until every run stands in the lesson that it is to stand in."""
    shown = [run for run in article.runs if not run.unseen and not run.footnote]
    wanted = {
        one.run.start_line: 0 for one in layout.welcome if one.reason == BEFORE and one.run.level
    }
    for number, lesson in enumerate(layout.lessons, start=1):
        wanted |= {one.run.start_line: number for one in lesson}
    names: dict[int, list[str]] = {}
    around: Around = ()
    for run in shown:
        letter = wanted.get(run.start_line)
        inside = enter(around, run, None, layout.title)
        owner = innermost(inside)
        if letter is not None and (owner is None or owner.letter != letter):
            name = _name(run, shown)
            if name:
                inside = enter(around, run, Claim(run, letter, Text(name, 0)), layout.title)
                names.setdefault(letter, []).append(name)
        around = inside
    return names


def _name(run: Run, shown: list[Run]) -> str:
    words = run.title
    if not words:
        words = shorten(run.words, LONGEST_NAME).rstrip("…")
        words = f"{words}…" if words else picture_of(run)
    same = [one.start_line for one in called(folded(words), shown)]
    number = same.index(run.start_line) + 1 if run.start_line in same else 1
    return words if number == 1 else f"{words} #{number}"


def _head(course: Course, article: str) -> str:
    return f"""\
# The course that is made of {_one_comment(article)}. Every value may be changed; a key, once
# published, should stay: people who are under way are known by it.

[course]
article = {quoted(article)}
title = {quoted(course.title)}
slug = {quoted(course.slug)}
language = {quoted(course.language)}
# site = "https://example.org"      # where links and pictures that start with / belong
# leave_out = ["About me"]          # sections that go into no letter

[sender]                            # the law wants all three in every letter
name = ""                           # who writes: "Ada Lovelace"
email = ""                          # where answers go: "ada@example.org"
postal_address = ""                 # "1 Example Street, 12345 Example City"

[schedule]                          # in each reader's own time zone
send_at = "08:00"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
minimum_gap = "12h"                 # the least time between two letters
# timezone = "Europe/Paris"         # of readers whose own is not known
"""


def _edge(table: str, lesson: Lesson, sections: list[str], comment: str) -> str:
    named = f"sections = [{', '.join(map(quoted, sections))}]\n" if sections else ""
    return f"[{table}]  # {comment}\n{named}{_words(lesson)}"


def _lesson(lesson: Lesson, sections: list[str]) -> str:
    title = "" if lesson.heading else f"title = {quoted(lesson.title)}\n"
    return (
        f"[[lesson]]\nkey = {quoted(lesson.key)}\n"
        f"sections = [{', '.join(map(quoted, sections))}]\n{title}{_words(lesson)}"
    )


def _words(lesson: Lesson) -> str:
    values = {"subject": lesson.subject, "preheader": lesson.preheader, "prompt": lesson.prompt}
    return "".join(
        f"{key} = {quoted(value)}\n" if value else f'# {key} = ""\n'
        for key, value in values.items()
    )


def quoted(text: str) -> str:
    """Return ``text`` as a TOML string: JSON's, with DEL escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _one_comment(text: str) -> str:
    """Return ``text`` fit for a TOML comment, which may hold no control characters."""
    return "".join(character if character.isprintable() else " " for character in text)
