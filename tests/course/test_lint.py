from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from course.compile import compile_course
from course.lint.rules import check
from course.lint.size import CLIPPED_AT, LONG_VALUE, NEAR_CLIPPING
from course.model import Course, Finding, Level, MissingPicture, Pictures, Sender
from course.segments import Encoding, Literal, Section, Segments, Slot
from tests.course.linting import NO_PICTURES, course_of, edition_of


def findings(course: Course, rule: str, html: Segments = ()) -> list[Finding]:
    found = check(course, edition_of(course, html), NO_PICTURES)
    return [finding for finding in found if finding.rule == rule]


def test_a_missing_picture_is_a_warning_at_its_line() -> None:
    course = course_of("![x](gone.png)")
    pictures = Pictures({}, (MissingPicture("gone.png", 1, "no such file"),))
    found = check(course, edition_of(course), pictures)
    first = next(finding for finding in found if finding.rule == "missing-image")
    assert (first.level, first.line) == (Level.WARNING, 1)
    assert first.message == "the picture gone.png is missing: no such file"


def test_a_missing_logo_is_a_warning_at_the_manifests_line(tmp_path: Path) -> None:
    (tmp_path / "article.md").write_text("## One\n\nWords.\n")
    (tmp_path / "course.toml").write_text(
        '[course]\narticle = "article.md"\n[brand]\nlogo = "gone.png"\nlogo_alt = "Ada"\n'
    )
    found = compile_course(tmp_path).findings
    (logo,) = [finding for finding in found if finding.rule == "missing-image"]
    assert (Path(logo.file).name, logo.line) == ("course.toml", 4)


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


def test_a_heading_is_found_by_the_id_of_any_site() -> None:
    links = "[a](#rusts-editions) [b](#rust-s-editions) [c](#nodejs)"
    text = f"## Rust's Editions\n\n{links}\n\n## Node.js\n\nText.\n"
    assert findings(course_of(text), "broken-link") == []


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
    assert [(f.level, f.file) for f in findings(course, "subject-length")] == [
        (Level.WARNING, "course.toml")
    ]
    blank = replace(course, lessons=tuple(replace(one, subject=" ") for one in course.lessons))
    assert [f.level for f in findings(blank, "subject-missing")] == [Level.ERROR] * 3


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
    (found,) = findings(course, "subject-missing")
    assert (found.level, found.file, found.line) == (Level.ERROR, "course.toml", 4)


def test_a_manifest_needs_a_sender() -> None:
    found = findings(course_of("Text.", '\n[sender]\nname = "A"'), "sender-missing")
    assert [(f.level, f.line, f.message) for f in found] == [
        (Level.ERROR, 2, "the sender has no email, postal_address")
    ]
    assert [f.level for f in findings(course_of("Text."), "sender-missing")] == [Level.INFO]
    whole = replace(course_of("Text."), sender=Sender("A", "a@example.org", "1 Street"))
    assert findings(whole, "sender-missing") == []
