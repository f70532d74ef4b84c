"""A lesson that waits: its letter says so, and its reminder asks once more, gently and briefly."""

from __future__ import annotations

import json
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path

import pytest

from course.article.source import Source
from course.build import write_build
from course.codec import dump_letter, edition_answer, load_letter
from course.compile import Compiled, compile_edition
from course.fill import fill_html, fill_mime, fill_text
from course.model import Course, Kind, Letter, Pictures
from course.plan import plan
from course.segments import Values

ARTICLE = b"""# Looking

Come in.

## Look closely

A first paragraph that nobody wants to read twice.

## Keep going

The second text.

## Stop

The third.
"""
MANIFEST = """
[sender]
name = "Nora Field"
email = "nora@letters.example"
postal_address = "1 Mill Lane, Ely"

[[lesson]]
key = "look"
sections = ["Look closely"]
prompt = "What did you see?"
wait_days = 5
nudge_days = 2

[[lesson]]
key = "go"
sections = ["Keep going"]
wait_days = 1

[[lesson]]
key = "stop"
sections = ["Stop"]
"""
GIVEN = Values(
    name="Ada",
    address="ada@example.org",
    unsubscribe_url="https://letters.example/u/abc",
    page_url="https://letters.example/p/abc",
    reply_to="rabc@reply.example",
)


def planned(manifest: str = MANIFEST) -> Course:
    return plan(Source(ARTICLE, "article.md", Path(), manifest, "course.toml"))[0]


COURSE = planned()
EDITION = compile_edition(COURSE, Pictures({}, ()))


def reminder(language: str = "en") -> Letter:
    waits = compile_edition(replace(COURSE, language=language), Pictures({}, ())).waits
    nudge = waits["look"].nudge
    assert nudge is not None
    return nudge


def test_an_edition_knows_which_lessons_wait_and_for_how_long() -> None:
    assert list(EDITION.waits) == ["look", "go"]
    assert (EDITION.waits["look"].days, EDITION.waits["look"].nudge_days) == (5, 2)
    assert (EDITION.waits["go"].days, EDITION.waits["go"].nudge_days) == (1, None)
    assert EDITION.waits["go"].nudge is None


def test_a_reminder_is_a_letter_beside_the_courses_own() -> None:
    nudge = reminder()
    assert nudge.key == "look~nudge"
    assert (nudge.kind, nudge.number) == (Kind.LESSON, 1)
    assert nudge.source_digest == EDITION.letters[1].source_digest
    assert nudge.key not in [letter.key for letter in EDITION.letters]
    assert load_letter(dump_letter(nudge)) == nudge


def test_a_reminder_asks_once_more_and_repeats_nothing_else() -> None:
    nudge = reminder()
    for part in (fill_text(nudge, GIVEN), unescape(fill_html(nudge, GIVEN))):
        assert "What did you see?" in part
        assert "“Look closely”" in part
        assert "nothing is lost" in part.replace("\n", " ")
        assert "nobody wants to read twice" not in part
        assert "Previously" not in part
        assert "minute" not in part
        assert "https://letters.example/u/abc" in part
        assert "1 Mill Lane, Ely" in part
    assert 'href="mailto:rabc@reply.example?subject=Re%3A%20Still' in fill_html(nudge, GIVEN)
    message = message_from_bytes(fill_mime(nudge, GIVEN), policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert message["Subject"] == "Still open: “Look closely”"
    assert message["Reply-To"] == "rabc@reply.example"
    assert message["List-Unsubscribe"] == "<https://letters.example/u/abc>"
    assert message["Feedback-ID"].startswith("look~nudge:")


def test_a_reminder_speaks_the_courses_language() -> None:
    assert reminder("de").subject == "Noch offen: „Look closely“"
    assert "Noch einmal Tag 1 von 3" in fill_text(reminder("de"), GIVEN)


def test_a_letter_after_which_the_course_waits_says_so() -> None:
    waiting = ["at most" in fill_text(letter, GIVEN) for letter in EDITION.letters]
    assert waiting == ["at most" in fill_html(letter, GIVEN) for letter in EDITION.letters]
    assert waiting == [False, True, True, False, False]
    assert "waits for your answer, 5 days at most." in fill_text(EDITION.letters[1], GIVEN)
    assert "waits for your answer, 1 day at most." in fill_text(EDITION.letters[2], GIVEN)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("wait_days = 5", "wait_days = 6"),
        ("nudge_days = 2", "nudge_days = 3"),
        ("\nnudge_days = 2", ""),
        ("\nwait_days = 1", ""),
    ],
)
def test_an_edition_with_other_waits_is_another_edition(old: str, new: str) -> None:
    other = compile_edition(planned(MANIFEST.replace(old, new)), Pictures({}, ()))
    assert other.digest != EDITION.digest


def test_a_build_holds_the_reminders_too(tmp_path: Path) -> None:
    files = write_build(Compiled(COURSE, EDITION, ()), tmp_path / "out")
    names = {file.name for file in files}
    assert {"01-look-nudge.html", "01-look-nudge.txt", "01-look-nudge.eml"} <= names
    answer = json.loads((tmp_path / "out" / "edition.json").read_text())
    assert answer == edition_answer(EDITION)
    assert answer["waits"] == {"look": 5, "go": 1}
    assert answer["nudges"] == [
        {
            "key": "look~nudge",
            "letter": "look",
            "days": 2,
            "subject": "Still open: “Look closely”",
            "files": {
                "html": "01-look-nudge.html",
                "text": "01-look-nudge.txt",
                "eml": "01-look-nudge.eml",
            },
        }
    ]
    assert [letter["key"] for letter in answer["letters"]] == [
        "welcome", "look", "go", "stop", "finale",
    ]  # fmt: skip
    page = (tmp_path / "out" / "index.html").read_text()
    assert "reminder after 2 days without a reply" in page
    assert page.count('"reminder":true') == 1
    assert page.count('"reminder":false') == 5
