from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from course.codec import dump_letter, edition_answer, load_letter
from course.compile import compile_course, compile_edition
from course.fill import fill_html, fill_subject, fill_text
from course.letters.letter import source_digest
from course.letters.mjml import html_frame
from course.letters.palette import palette
from course.model import Brand, Course, Edition, Kind, Letter, Pictures, Sender
from course.segments import Values
from tests.course.building import course_of

NONE = Pictures({}, ())
ADA = Values(name="Ada", view_url="https://v.example", unsubscribe_url="https://u.example")

LESSON_ONE = """## Look *closely*

A first paragraph with a note[^n] and a [jump](#a-part).

### A part

More words, and a way to [the next](#keep-going).

[^n]: The note says[^deep] why.

[^deep]: And deeper.
"""
LESSON_TWO = "## Keep going\n\nSecond text[^n]."


def course(**given: object) -> Course:
    return course_of(
        "Welcome text.",
        LESSON_ONE,
        LESSON_TWO,
        "The end.",
        prompts=("", "What did you see & hear?", "", ""),
        takeaways="Looking **takes time**.",
        questions="### How long?\n\nA week.",
        **given,  # type: ignore[arg-type]
    )


EDITION = compile_edition(course(), NONE)


def html(number: int, edition: Edition = EDITION) -> str:
    return fill_html(edition.letters[number], ADA)


def text(number: int, edition: Edition = EDITION) -> str:
    return fill_text(edition.letters[number], ADA)


def test_a_lesson_says_where_one_is() -> None:
    for said in ("Day 1 of 2", "1 minute to read", "Hello Ada,", "Previously", "Next"):
        assert said in html(1)
    assert "Previously: Welcome" in text(1)
    assert "Next: Keep going" in text(1)
    assert 'aria-label="1 of 2 lessons."' in html(1)


def test_takeaways_and_questions_stand_under_the_articles_own_titles() -> None:
    assert html(1).index("In short") < html(1).index("<strong>takes time</strong>")
    assert html(1).index("Asked often") < html(1).index(">How long?</h3>")
    assert "In short\n--------\n\nLooking takes time." in text(1)


def test_the_welcome_lists_the_lessons_and_the_finale_what_was_done() -> None:
    assert "1.  Look *closely*\n2.  Keep going" in text(0)
    assert "✓   Look *closely*\n✓   Keep going" in text(3)
    assert "How it works" in html(0)
    assert "What you have done" in html(3)


def test_notes_are_numbered_in_each_letter_in_order_of_use() -> None:
    assert "note [note 1] and" in text(1)
    assert "[note 1] The note says [note 2] why." in text(1)
    assert "[note 2] And deeper." in text(1)
    assert "<sup" in html(1)
    assert "Second text [note 1]." in text(2)


def test_links_within_a_letter_work_and_links_to_another_keep_their_words() -> None:
    assert 'href="#a-part"' in html(1)
    assert 'id="a-part"' in html(1)
    assert 'href="#keep-going"' not in html(1)
    assert "a way to the next." in html(1)


def test_the_reply_button_opens_a_prepared_reply() -> None:
    start = html(1).index("mailto:")
    target = html(1)[start : html(1).index('"', start)]
    assert target.startswith("mailto:nora@letters.example?subject=Re%3A%20")
    assert "body=%3E%20What%20did%20you%20see%20%26%20hear%3F%0D%0A%0D%0A" in target
    assert "mailto:" not in html(2)
    assert "What did you see & hear?" in text(1)


def test_the_footer_says_who_and_why_and_how_to_leave() -> None:
    for part in (html(1), text(1)):
        for said in ("Nora Field", "1 Mill Lane, Ely", "https://u.example", "signed up for"):
            assert said in part


def test_what_is_not_known_is_left_out() -> None:
    edition = compile_edition(course(sender=None), NONE)
    bare = Values()
    found = fill_html(edition.letters[1], bare)
    assert "Unsubscribe" not in found
    assert "View in browser" not in found
    assert "mailto:" not in found
    assert "None" not in found
    assert "Hello," in found
    assert b"author@course.invalid" in b"".join(
        getattr(segment, "content", b"") for segment in edition.letters[1].mime
    )


@pytest.mark.parametrize(("language", "way"), [("ar", "rtl"), ("he-IL", "rtl"), ("de", "ltr")])
def test_language_and_direction_are_the_articles(language: str, way: str) -> None:
    found = html(1, compile_edition(course(language=language), NONE))
    assert f'<html lang="{language}" dir="{way}"' in found
    other = "ltr" if way == "rtl" else "rtl"
    assert f"direction:{other}" not in found


def test_an_author_cannot_write_a_template_or_break_out_of_one() -> None:
    nasty = "{{ 7 * 7 }} {% raw %} </div></td></table> <mj-raw> & \"' -->"

    def letter(said: str) -> Letter:
        made = course_of(
            "w", f"## {said}\n\n{said}\n", "f", title=said, prompts=("", said, ""),
            sender=Sender(said, "a@b.example", said),
        )  # fmt: skip
        return compile_edition(made, NONE).letters[1]

    found = fill_html(letter(nasty), ADA)
    assert "{{ 7 * 7 }}" in found
    assert "49 " not in fill_text(letter(nasty), ADA)
    plain = fill_html(letter("words"), ADA)
    for tag in ("</table>", "</td>", "</div>"):
        assert found.count(tag) == plain.count(tag)


def test_a_template_that_names_what_is_not_given_fails() -> None:
    with pytest.raises(UndefinedError):
        html_frame("letter", {}, palette(Brand()))


def test_every_letter_is_under_what_gmail_clips() -> None:
    for number in range(4):
        assert len(html(number).encode()) < 102 * 1024


def test_equal_input_makes_equal_editions_in_another_process() -> None:
    program = (
        "from tests.course.test_compile import course, NONE\n"
        "from course.compile import compile_edition\n"
        "print(compile_edition(course(), NONE).digest)"
    )
    for seed in ("1", "2"):
        answer = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONHASHSEED": seed},
        )
        assert answer.stdout.strip() == EDITION.digest


def test_the_digest_changes_with_anything_a_subscriber_could_notice() -> None:
    base = course()
    changed = [
        course(sender=Sender("Nora", "nora@letters.example", "x")),
        course(title="Another"),
        course(language="de"),
        dataclasses.replace(base, schedule=dataclasses.replace(base.schedule, days=(0,))),
        dataclasses.replace(
            base,
            lessons=(
                *base.lessons[:-1],
                dataclasses.replace(base.lessons[-1], preheader="Changed"),
            ),
        ),
    ]
    digests = {compile_edition(one, NONE).digest for one in changed}
    assert len(digests) == len(changed)
    assert EDITION.digest not in digests


def test_a_lessons_source_digest_follows_its_words_alone() -> None:
    lesson = course().lessons[1]
    moved = dataclasses.replace(lesson, key="other", number=5, subject="x", prompt="y")
    reworded = dataclasses.replace(lesson, passages=lesson.passages[:-1])
    assert source_digest(moved) == source_digest(lesson)
    assert source_digest(reworded) != source_digest(lesson)


def test_letters_go_to_json_and_back_unchanged() -> None:
    for letter in EDITION.letters:
        assert load_letter(dump_letter(letter)) == letter


def test_the_answer_for_programs_has_the_agreed_shape() -> None:
    answer = edition_answer(EDITION)
    assert json.loads(json.dumps(answer)) == answer
    assert list(answer) == [
        "course", "title", "digest", "letters", "waits", "nudges", "blocks",
    ]  # fmt: skip
    assert answer["letters"][1] == {
        "key": "lesson-1",
        "kind": "lesson",
        "number": 1,
        "subject": "Look *closely*",
        "minutes": 1,
        "files": {
            "html": "01-lesson-1.html",
            "text": "01-lesson-1.txt",
            "eml": "01-lesson-1.eml",
        },
    }
    assert set(answer["blocks"][0]) == {"start_line", "end_line", "letter", "role", "reason"}


def test_an_article_on_disk_becomes_an_edition(tmp_path: Path) -> None:
    article = tmp_path / "tea.md"
    article.write_text(
        "---\ntitle: Tea\n---\nIntro.\n\n## Water\n\nBoil it.\n\n## Leaves\n\nAdd them.\n"
    )
    compiled = compile_course(article)
    kinds = [letter.kind for letter in compiled.edition.letters]
    assert kinds[0] is Kind.WELCOME
    assert kinds[-1] is Kind.FINALE
    written = " ".join(fill_text(letter, ADA) for letter in compiled.edition.letters)
    for said in ("Intro.", "Boil it.", "Add them."):
        assert written.count(said) == 1
    assert [fill_subject(letter, ADA) for letter in compiled.edition.letters] == [
        letter.subject for letter in compiled.edition.letters
    ]


def test_a_letter_loads_nothing_from_elsewhere() -> None:
    for number in range(len(EDITION.letters)):
        asked = re.findall(r"(?:<link|@import|url\(|\bsrc=)[^>;]*", html(number))
        assert asked == []


def test_our_sentences_keep_their_direction_in_a_letter_from_right_to_left() -> None:
    persian = compile_edition(course(language="fa"), NONE)
    assert "\u2066Hello \u2068Ada\u2069,\u2069" in html(1, persian)
    assert "\u2066" not in html(1)
