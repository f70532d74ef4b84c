from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from course.article.source import read_source
from course.manifest import read_manifest
from course.model import Sender
from course.plan import plan
from course.propose import propose_manifest, quoted
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


@pytest.mark.parametrize("text", ['a "b" \\c', "tab\tline\n", "\x00\x1f\x7f", "\u2028 é 日 😀"])
def test_any_text_is_quoted(text: str) -> None:
    assert tomllib.loads(f"a = {quoted(text)}") == {"a": text}
