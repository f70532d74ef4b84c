from __future__ import annotations

from dataclasses import replace

import pytest

from course.article.parse import parse_article
from course.lint import CLIPPED_AT, LONG_VALUE, NEAR_CLIPPING, RULES, check
from course.manifest import read_manifest
from course.model import Course, Edition, Finding, Letter, Level, MissingPicture, Pictures, Sender
from course.segments import Encoding, Literal, Section, Segments, Slot
from course.splitting.split import split

NO_PICTURES = Pictures({}, ())


def course_of(text: str, manifest: str | None = None) -> Course:
    read = None if manifest is None else read_manifest(manifest, "course.toml")
    return split(parse_article(text.encode(), "essay.md"), read)[0]


def edition_of(course: Course, html: Segments = ()) -> Edition:
    letters = tuple(
        Letter(
            key=lesson.key,
            kind=lesson.kind,
            number=lesson.number,
            title=lesson.title,
            subject=lesson.subject,
            minutes=1,
            source_digest="",
            subject_line=(),
            html=html if lesson.number == 1 else (),
            text=(),
            mime=(),
        )
        for lesson in course.lessons
    )
    return Edition(
        course.slug, course.title, course.language, course.sender, course.schedule,
        letters, course.blocks, (), (), "",
    )  # fmt: skip


def findings(course: Course, rule: str, html: Segments = ()) -> list[Finding]:
    found = check(course, edition_of(course, html), NO_PICTURES)
    return [finding for finding in found if finding.rule == rule]


def test_every_rule_has_a_docstring_and_a_name() -> None:
    assert [rule.__name__ for rule in RULES] == [
        "missing_image", "broken_link", "letter_size", "subject", "sender_missing",
    ]  # fmt: skip
    assert all(rule.__doc__ for rule in RULES)


def test_a_missing_picture_is_a_warning_at_its_line() -> None:
    course = course_of("![x](gone.png)")
    pictures = Pictures({}, (MissingPicture("gone.png", 1, "no such file"),))
    first = check(course, edition_of(course), pictures)[0]
    assert (first.rule, first.level, first.line) == ("missing-image", Level.WARNING, 1)
    assert first.message == "the picture gone.png is missing: no such file"


LINKS = """---
title: T
---

## One thing & another

See [here](#one-thing--another), [there](#Two),
[nowhere](#gone) and [out](https://example.org/#gone).

- [top](#) and [again](#two-1) and [mark](#mark)
- [lost](#lost)[^1]

## Two

<a id="mark"></a>

## Two

Text.

[^1]: [nor this](#missing)
"""


def test_a_link_into_the_article_needs_its_target() -> None:
    found = findings(course_of(LINKS), "broken-link")
    assert [(f.line, f.message.split()[2]) for f in found] == [
        (8, "#gone"),
        (11, "#lost"),
        (21, "#missing"),
    ]


def test_a_target_knows_its_letter() -> None:
    anchors = course_of(LINKS + "\n## Three\n\nx").anchors
    assert anchors["one-thing-another"] == "one-thing-and-another"
    assert anchors["two"] == "two"
    assert (anchors["mark"], anchors["two-1"]) == ("two", "two")


@pytest.mark.parametrize(
    ("size", "level"),
    [(1000, None), (NEAR_CLIPPING, Level.WARNING), (CLIPPED_AT, Level.ERROR)],
)
def test_a_letter_is_measured_with_long_values(size: int, level: Level | None) -> None:
    inner = Section("view_url", True, (Slot("view_url", Encoding.HTML),))
    html = (Literal(b"x" * (size - LONG_VALUE)), Slot("name", Encoding.HTML), inner)
    found = findings(course_of("## A\n\nText."), "letter-size", html)
    assert [f.level for f in found] == ([level] if level else [])


def test_a_finale_is_measured_with_the_words_it_may_have_to_give_back() -> None:
    course = course_of("## A\n\nText.")
    edition = edition_of(course)
    html = (Literal(b"x" * (NEAR_CLIPPING - 10_000)),)
    letters = tuple(replace(letter, html=html) for letter in edition.letters)
    found = check(course, replace(edition, letters=letters), Pictures({}, ()))
    sizes = [finding for finding in found if finding.rule == "letter-size"]
    assert [finding.message.split()[0] for finding in sizes] == ["finale"]


def test_subjects_are_there_and_short() -> None:
    course = course_of("## A\n\nText.", '[welcome]\nsubject = "' + "x" * 79 + '"\n')
    assert [(f.level, f.file) for f in findings(course, "subject")] == [
        (Level.WARNING, "course.toml")
    ]
    blank = replace(course, lessons=tuple(replace(one, subject=" ") for one in course.lessons))
    assert [f.level for f in findings(blank, "subject")] == [Level.ERROR] * 3


def test_a_link_that_no_letter_can_follow_is_found() -> None:
    text = "[a](other.md) [b](/x) [c](https://example.org) [d](mailto:a@example.org)"
    found = findings(course_of(f"## A\n\n{text}\n"), "broken-link")
    assert [f.message.split()[2] for f in found] == ["other.md", "/x"]
    with_site = course_of(f"## A\n\n{text}\n", '[course]\nsite = "https://example.org"\n')
    assert [f.message.split()[2] for f in findings(with_site, "broken-link")] == ["other.md"]


def test_a_broken_link_in_raw_html_is_found_too() -> None:
    text = '## A\n\nText <a href="#gone">x</a>\n\n<div><a href="#lost">y</a></div>\n'
    found = findings(course_of(text), "broken-link")
    assert [(f.line, f.message.split()[2]) for f in found] == [(3, "#gone"), (5, "#lost")]


def test_a_subject_that_is_left_empty_is_found_at_its_line() -> None:
    course = course_of("## A\n\nText.", '\n[finale]\nprompt = "Why?"\nsubject = ""\n')
    (found,) = findings(course, "subject")
    assert (found.level, found.file, found.line) == (Level.ERROR, "course.toml", 4)


def test_a_manifest_needs_a_sender() -> None:
    found = findings(course_of("Text.", '\n[sender]\nname = "A"'), "sender-missing")
    assert [(f.level, f.line, f.message) for f in found] == [
        (Level.ERROR, 2, "the sender has no email, postal_address")
    ]
    assert [f.level for f in findings(course_of("Text."), "sender-missing")] == [Level.INFO]
    whole = replace(course_of("Text."), sender=Sender("A", "a@example.org", "1 Street"))
    assert findings(whole, "sender-missing") == []
