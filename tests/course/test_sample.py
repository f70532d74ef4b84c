"""The course that ships is what a first-time reader judges the project by."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import course
from course.compile import Compiled, compile_course
from course.model import Kind, Level, Role

SAMPLE = Path(course.__file__).parent / "samples" / "stay-motivated"
KEYS = ["goals", "support", "time", "wins", "curiosity", "setbacks"]
QUESTIONS = {
    "Which goal do I pick": "goals",
    "My goal has changed": "goals",
    "Every lecture is online": "support",
    "How do I find time": "time",
    "Isn’t it childish": "wins",
    "How do I stay curious": "curiosity",
    "What should I do when a project fails": "setbacks",
}


@pytest.fixture(scope="module")
def sample() -> Compiled:
    return compile_course(SAMPLE)


@pytest.fixture(scope="module")
def article() -> str:
    return (SAMPLE / "article.md").read_text(encoding="utf-8")


def test_the_course_is_a_welcome_six_lessons_and_a_finale(sample: Compiled) -> None:
    assert [letter.key for letter in sample.edition.letters] == ["welcome", *KEYS, "finale"]
    assert [letter.number for letter in sample.edition.letters] == list(range(8))


def test_nothing_in_it_wants_mending(sample: Compiled) -> None:
    wrong = [f for f in sample.findings if f.level in (Level.ERROR, Level.WARNING)]
    assert wrong == []


def test_every_letter_asks_a_question_of_its_own(sample: Compiled) -> None:
    prompts = [lesson.prompt for lesson in sample.course.lessons]
    assert all("?" in prompt for prompt in prompts)
    assert len(set(prompts)) == len(prompts)


def test_subjects_fit_a_phone_and_preheaders_an_inbox(sample: Compiled) -> None:
    for lesson in sample.course.lessons:
        assert 0 < len(lesson.subject) <= 60, lesson.key
        assert 0 < len(lesson.preheader) <= 100, lesson.key
    assert len({lesson.subject for lesson in sample.course.lessons}) == 8


def test_a_letter_is_read_in_two_to_eight_minutes(sample: Compiled) -> None:
    lessons = [letter for letter in sample.edition.letters if letter.kind is Kind.LESSON]
    assert all(2 <= letter.minutes <= 8 for letter in lessons)


def test_every_lesson_opens_with_its_takeaway(sample: Compiled) -> None:
    for lesson in sample.course.lessons[1:-1]:
        opening = [passage.tokens for passage in lesson.takeaways]
        assert len(opening) == 1, lesson.key
        text = " ".join(token.content for token in opening[0]).casefold()
        assert lesson.key in text


def test_every_question_stands_with_the_lesson_a_person_would_put_it_in(
    sample: Compiled, article: str
) -> None:
    lines = article.splitlines()
    placed = {
        lines[block.start_line - 1].removeprefix("### "): block.letter
        for block in sample.edition.blocks
        if block.role is Role.FAQ and lines[block.start_line - 1].startswith("### ")
    }
    assert len(placed) == 9
    for opening, key in QUESTIONS.items():
        assert [letter for text, letter in placed.items() if text.startswith(opening)] == [key]


def test_every_lesson_ends_with_an_exercise_of_today(sample: Compiled) -> None:
    for lesson in sample.course.lessons[1:-1]:
        tokens = [token for passage in lesson.passages for token in passage.tokens]
        headings = [
            tokens[index + 1].content
            for index, token in enumerate(tokens)
            if token.type == "heading_open"
        ]
        assert headings[-1].startswith("Today: "), lesson.key
        assert headings[-1].endswith(" minutes)"), lesson.key


def test_its_picture_travels_with_it(sample: Compiled) -> None:
    picture = (SAMPLE / "desk-lamp.png").read_bytes()
    assert picture in [asset.content for asset in sample.edition.assets]
    assert len(picture) < 80_000


def test_the_python_it_prints_is_python(article: str) -> None:
    code = article.split("```python\n")[1].split("```")[0]
    assert len(ast.parse(code).body) == 9
