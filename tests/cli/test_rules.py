from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import course
from course.lint.rules import IDS, RULES
from course.model import Level
from tests.cli.conftest import Terminal
from tests.findings_page import ARTICLE, FAMILIES, PAGE, page

SENTENCE = re.compile(r"with its last paragraph (\d+) times")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ID = re.compile(r"[a-z]+(?:-[a-z]+)+")


def documented() -> dict[str, str]:
    """The page's section of each rule, its family's heading taken off."""
    families = "|".join(map(re.escape, FAMILIES.values()))
    text = re.sub(rf"^## (?:{families})$", "", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    parts = re.split(r"^### ([a-z-]+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_rule_has_an_id_of_its_own_and_says_what_why_and_what_to_do() -> None:
    assert len(IDS) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id)
        assert rule.level not in rule.also
        assert rule.summary
        assert not rule.summary.endswith(".")
        assert rule.why.endswith(".")
        assert rule.remedy
        assert not rule.remedy.endswith(".")
        assert rule.example.article or rule.example.manifest
        assert not rule.look or rule.look.__doc__


def test_the_page_is_that_of_the_list() -> None:
    assert PAGE.read_text("utf-8") == page(), "write it: python -m tests.findings_page"


def test_every_rule_is_documented_and_every_documented_one_exists() -> None:
    assert set(documented()) == set(IDS)


@pytest.mark.parametrize("name", IDS)
def test_the_example_on_the_page_yields_its_finding(lettercourse: Terminal, name: str) -> None:
    section = documented()[name]
    fences = dict(FENCE.findall(section))
    article = fences.get("markdown", ARTICLE)
    times = SENTENCE.search(section)
    if times:
        start, _, last = article.rstrip("\n").rpartition("\n\n")
        article = start + f"\n\n{last}" * int(times[1]) + "\n"
    lettercourse.write("course/article.md", article)
    if "toml" in fences:
        lettercourse.write("course/course.toml", fences["toml"])
    found = [
        f for f in lettercourse("check", "course", "--json").json()["findings"] if f["rule"] == name
    ]
    rule = RULES[IDS[name]]
    assert found
    assert {f["level"] for f in found} <= {level.value for level in (rule.level, *rule.also)}
    assert all(f["remedy"] for f in found)
    in_manifest = "markdown" not in fences and name != "unplaced-section"
    at_fault = "course.toml" if in_manifest else "article.md"
    assert {Path(f["file"]).name for f in found} == {at_fault}


def literals() -> Iterator[tuple[str, str]]:
    """Every rule that the code names where it makes a finding, with its file."""
    for file in Path(course.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            if called in {"Finding", "fault", "_fault"}:
                for argument in node.args[:2]:
                    if isinstance(argument, ast.Constant) and ID.fullmatch(str(argument.value)):
                        yield str(argument.value), file.name


def test_what_is_found_on_the_way_is_in_the_list_with_its_level() -> None:
    named = list(literals())
    assert {"bad-value", "unplaced-section", "missing-article"} <= {rule for rule, _ in named}
    assert [(rule, file) for rule, file in named if rule not in IDS] == []


def test_findings_that_stop_a_course_from_being_made_are_errors() -> None:
    assert all(rule.level is Level.ERROR for rule in RULES if "No letter is made" in rule.why)
