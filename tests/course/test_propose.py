from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from course.article.parse import parse_article
from course.article.source import read_source
from course.manifest import read_manifest
from course.model import Course, Passage, Role, Sender
from course.plan import plan
from course.propose import propose_manifest, quoted
from course.splitting.phrases import phrases
from course.splitting.proposing import preheader_of, prompt_of, subject_of
from tests.course.articles import FIXTURES


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.md")), ids=lambda path: path.stem)
def test_a_proposal_splits_the_article_as_it_was_split(path: Path, tmp_path: Path) -> None:
    source = read_source(path)
    (tmp_path / path.name).write_bytes(source.article)
    (tmp_path / "course.toml").write_text(propose_manifest(source), encoding="utf-8")
    before, _ = plan(source)
    after, findings = plan(read_source(tmp_path))
    assert after.lessons == before.lessons
    assert (after.slug, after.title, after.language) == (before.slug, before.title, before.language)
    assert after.sender == Sender("", "", "")
    assert [f for f in findings if f.rule == "unplaced-section"] == []


def test_every_suggestion_in_a_comment_is_valid_when_taken() -> None:
    text = propose_manifest(read_source(FIXTURES / "reference.md"))
    taken = text.replace("# site", "site").replace("# timezone", "timezone")
    taken = taken.replace("# wait_days", "wait_days").replace("# nudge_days", "nudge_days")
    manifest = read_manifest(taken.replace('# prompt = ""', 'prompt = "Why?"'), "course.toml")
    assert manifest.course.site == "https://example.org"
    assert manifest.schedule.timezone == "Europe/Paris"
    assert manifest.welcome.prompt == "Why?"
    assert [(each.wait_days, each.nudge_days) for each in manifest.lessons][:2] == [
        (5, 2),
        (None, None),
    ]


def proposed(text: str, tmp_path: Path) -> Course:
    article = tmp_path / "article.md"
    article.write_text(text, encoding="utf-8")
    (tmp_path / "course.toml").write_text(propose_manifest(read_source(article)), encoding="utf-8")
    return plan(read_source(tmp_path))[0]


def test_a_lesson_that_shows_only_a_picture_is_named_by_its_address(tmp_path: Path) -> None:
    course = proposed("![](a.png)\n", tmp_path)
    assert 'sections = ["a.png"]' in (tmp_path / "course.toml").read_text(encoding="utf-8")
    assert len(course.lessons) == 3


def test_german_keys_keep_their_umlauts(tmp_path: Path) -> None:
    text = "---\nlang: de-AT\n---\n## Töpfe\n\na\n\n## Grüße\n\nb\n\n## Übung macht\n\nc\n"
    keys = [lesson.key for lesson in proposed(text, tmp_path).lessons]
    assert keys == ["welcome", "toepfe", "gruesse", "uebung-macht", "finale"]


TITLES = {
    "3. Steam": "Steam",
    "How to run a small team well (and what to do when it does not run at all)": (
        "How to run a small team well"
    ),
    "The long goodbye: what happens to your data after the last of the servers is off": (
        "The long goodbye"
    ),
    "2024 in review": "2024 in review",
}


@pytest.mark.parametrize("title", TITLES)
def test_a_subject_is_the_title_as_far_as_an_inbox_shows_it(title: str) -> None:
    assert subject_of(title) == TITLES[title]


def passages(text: str) -> tuple[Passage, ...]:
    return tuple(run.passage(Role.BODY) for run in parse_article(text.encode(), "a.md").runs)


def test_a_preheader_is_a_whole_sentence_that_adds_something() -> None:
    text = "Steam! This is how:\n\nUse some steam, e.g. from a tray. It opens the crust well.\n"
    assert preheader_of(passages(text), "Use steam from a tray") == "It opens the crust well."
    assert preheader_of(passages(text), "Crust") == "Use some steam, e.g. from a tray."
    long = f"{'very ' * 40}long.\n\nShort and good enough."
    assert preheader_of(passages(long), "Else") == "Short and good enough."


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("Words.\n\nWhich hour of your day is really yours?", "Which hour of your day is really"),
        ("- When do you stop?\n- Where do you sit?", "Where do you sit?"),
        ("But how would you know it is ready?\n\nTouch.\n\nWait.\n\nEnd.", "“Rest”: what in"),
        ("So how do you do that?", "“Rest”: what in this"),
        ("- **Salt.** A pinch.\n- **Water.** Much.\n- **Time.** Most.", "“Salt”, “Water”, “Time”:"),
        ("- 2 eggs\n- 1 spoon\n- 3 cups", "“Rest”: what in this"),
        ("### One day\n\na\n\n### Two days\n\nb\n\n### Ten days\n\nc", "“One day”, “Two days”, “T"),
    ],
)
def test_a_prompt_comes_from_the_lessons_own_questions_and_lists(text: str, prompt: str) -> None:
    assert prompt_of(passages(text), "Rest", 1, phrases("en")).startswith(prompt)


def test_in_a_language_that_we_do_not_speak_nothing_is_asked() -> None:
    assert prompt_of(passages("- Sól.\n- Woda.\n- Czas."), "Chleb", 1, phrases("xx")) == ""
    assert phrases("xx").finale.format(title="Chleb") == "Chleb"


@pytest.mark.parametrize("text", ['a "b" \\c', "tab\tline\n", "\x00\x1f\x7f", "\u2028 é 日 😀"])
def test_any_text_is_quoted(text: str) -> None:
    assert tomllib.loads(f"a = {quoted(text)}") == {"a": text}


def test_numbered_steps_are_no_choice_to_ask_about(tmp_path: Path) -> None:
    steps = "".join(f"- **Step {number}:** mend pot {number}.\n" for number in (1, 2, 3))
    lesson = proposed(f"## Pots\n\n{steps}\n## Pans\n\na\n\n## Lids\n\nb\n", tmp_path).lessons[1]
    assert lesson.prompt
    assert "Step" not in lesson.prompt
