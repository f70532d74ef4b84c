"""What ``check`` answers: to people, to programs, to code hosts; and when it exits with 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from course.lint.rules import IDS, RULES
from tests.cli.conftest import Terminal
from tests.cli.desk import ARTICLE, MANIFEST, PICTURE
from tests.node import package

PROMPTS = MANIFEST.replace(
    'sections = ["Fold', 'prompt = "Who kneads?"\nsections = ["Fold'
).replace('sections = ["Bak', 'prompt = "Who eats?"\nsections = ["Bak')
SCHEMA = ("@microsoft/jest-sarif", "1.0.0-beta.0", "lib/schemas/sarif-2.1.0-rtm.5.json")


@pytest.fixture
def course(lettercourse: Terminal) -> Path:
    """Nothing to mend but how short its lessons are, which is ignored."""
    lettercourse.write("bread/article.md", ARTICLE)
    lettercourse.write("bread/loaf.png", PICTURE)
    ignoring = '\n[check]\nignore = ["lesson-length"]\n'
    return lettercourse.write("bread/course.toml", PROMPTS + ignoring).parent


def sarif(answer: str) -> Any:
    """A log that the official schema finds nothing wrong with."""
    name, version, file = SCHEMA
    schema = json.loads((package(name, version) / file).read_text("utf-8"))
    for each in ("run", "toolComponent"):  # a stray bracket makes these no regular expressions
        del schema["definitions"][each]["properties"]["language"]["pattern"]
    log = json.loads(answer)
    faults = jsonschema_rs.validator_for(schema).iter_errors(log)
    assert [f"{fault.instance_path}: {fault.message}" for fault in faults] == []
    return log["runs"][0]


def test_people_see_the_line_that_a_finding_is_about(lettercourse: Terminal, course: Path) -> None:
    (course / "loaf.png").unlink()
    out = lettercourse("check", course).out
    assert f"{course}/article.md\n" in out
    assert "6 │ Bread takes long, but hardly any of that time is yours. ![A loaf](loaf.png)" in out
    assert "article.md:6: warning the picture loaf.png is missing" in out
    assert "→ put the file there" in out
    assert out.endswith("1 warning\n")


def test_findings_come_by_file_and_line(lettercourse: Terminal, course: Path) -> None:
    article = ARTICLE + "\n[low](#gone)\n\n![](https://example.org/a.png)\n"
    lettercourse.write("bread/article.md", article)
    manifest = (course / "course.toml").read_text("utf-8")
    lettercourse.write("bread/course.toml", manifest.replace("Mira Hollis", "{{ sender }}"))
    found = lettercourse("check", course, "--json").json()["findings"]
    lines = [(Path(each["file"]).name, each["line"]) for each in found]
    assert lines == sorted(lines)
    assert [each["rule"] for each in found] == ["broken-link", "missing-alt", "placeholder"]


def test_an_info_is_no_failure_unless_asked_to_be(lettercourse: Terminal, course: Path) -> None:
    assert lettercourse("check", course, "--strict").code == 0
    lettercourse.write("bread/article.md", ARTICLE + "\n[x](http://example.org)\n")
    assert lettercourse("check", course).code == 0
    strict = lettercourse("check", course, "--strict", "--json")
    assert (strict.code, strict.json()["findings"][0]["level"]) == (1, "info")


def test_a_rule_can_be_ignored(lettercourse: Terminal, course: Path) -> None:
    (course / "loaf.png").unlink()
    lettercourse.write("bread/article.md", ARTICLE + "\n[x](#gone)\n")
    assert lettercourse("check", course).code == 1
    assert lettercourse("check", course, "--ignore", "missing-image").code == 1
    both = ("--ignore", "missing-image", "--ignore", "broken-link")
    assert lettercourse("check", course, *both).out == "Nothing to mend.\n"


def test_an_error_is_never_ignored(lettercourse: Terminal, course: Path) -> None:
    manifest = (course / "course.toml").read_text("utf-8")
    ignoring = manifest.replace("lesson-length", "sender-missing").replace("Mira Hollis", "")
    lettercourse.write("bread/course.toml", ignoring)
    answer = lettercourse("check", course, "--ignore", "sender-missing", "--json")
    assert answer.code == 1
    assert "sender-missing" in {each["rule"] for each in answer.json()["findings"]}
    assert lettercourse("publish", course).code == 1


def test_a_rule_that_does_not_exist_cannot_be_ignored(lettercourse: Terminal, course: Path) -> None:
    answer = lettercourse("check", course, "--ignore", "missing-atl")
    assert answer.code == 2
    assert "did you mean missing-alt?" in answer.line()
    assert all(each in lettercourse("check", course, "--ignore", "zzz").line() for each in IDS)


def test_the_rules_are_listed_without_a_course(lettercourse: Terminal) -> None:
    answer = lettercourse("check", "--rules")
    assert answer.code == 0
    for rule in RULES:
        assert rule.id in answer.out
        assert rule.summary in answer.out


def test_sarif_names_rule_level_line_and_file(lettercourse: Terminal, course: Path) -> None:
    (course / "loaf.png").unlink()
    answer = lettercourse("check", "bread", "--sarif")
    run = sarif(answer.out)
    assert (answer.code, answer.err) == (1, "")
    (result,) = run["results"]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (result["ruleId"], rule["id"], result["level"]) == (*["missing-image"] * 2, "warning")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "bread/article.md", "uriBaseId": "%SRCROOT%"}
    assert place["region"]["startLine"] == 6
    assert "![A loaf](loaf.png)" in place["region"]["snippet"]["text"]
    assert all(each["help"]["text"] for each in run["tool"]["driver"]["rules"])


def test_sarif_of_a_sound_course_has_no_results(lettercourse: Terminal, course: Path) -> None:
    answer = lettercourse("check", "bread", "--sarif")
    assert (answer.code, sarif(answer.out)["results"]) == (0, [])


def test_sarif_tells_what_stops_a_course_from_being_made(
    lettercourse: Terminal, course: Path
) -> None:
    lettercourse.write("bread/course.toml", "[course]\ntitle = 7\n")
    answer = lettercourse("check", "bread", "--sarif")
    (result,) = sarif(answer.out)["results"]
    assert (answer.code, result["ruleId"], result["level"]) == (1, "wrong-type", "error")
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 2


def test_a_finding_is_known_again_when_its_line_moves(lettercourse: Terminal, course: Path) -> None:
    (course / "loaf.png").unlink()
    first = sarif(lettercourse("check", "bread", "--sarif").out)["results"]
    lettercourse.write("bread/article.md", ARTICLE.replace("Bread takes", "New.\n\nBread takes"))
    moved = sarif(lettercourse("check", "bread", "--sarif").out)["results"]
    assert [each["partialFingerprints"] for each in moved] == [
        each["partialFingerprints"] for each in first
    ]


def test_an_odd_name_is_an_address_all_the_same(lettercourse: Terminal) -> None:
    lettercourse.write("brot & salz/über uns.md", "![](https://example.org/a.png)\n")
    run = sarif(lettercourse("check", "brot & salz/über uns.md", "--sarif").out)
    places = [each["locations"][0]["physicalLocation"] for each in run["results"]]
    assert {place["artifactLocation"]["uri"] for place in places} == {
        "brot%20%26%20salz/%C3%BCber%20uns.md"
    }


def test_there_is_one_answer(lettercourse: Terminal, course: Path) -> None:
    answer = lettercourse("check", course, "--json", "--sarif")
    assert answer.code == 2
    assert "ask for one" in answer.line()


def test_the_course_that_is_shipped_has_nothing_to_mend(lettercourse: Terminal) -> None:
    shipped = Path(__file__).parents[2] / "course" / "samples" / "stay-motivated"
    assert lettercourse("check", shipped, "--strict").out == "Nothing to mend.\n"
