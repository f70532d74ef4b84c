"""``publish --plan``: who would get what before and after an edit, and nothing else."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Terminal
from tests.cli.desk import ARTICLE, MANIFEST, PICTURE

RESTING = ARTICLE.replace("## Baking", "## Resting\n\nLeave it alone for an hour.\n\n## Baking")
WITH_RESTING = MANIFEST.replace(
    '[[lesson]]\nkey = "baking"',
    '[[lesson]]\nkey = "resting"\nsections = ["Resting"]\n\n[[lesson]]\nkey = "baking"',
)


@pytest.fixture
def under_way(bread: Terminal) -> Terminal:
    """Three people: ann and bob had two letters, bob paused; chen comes later."""
    first, chen = bread.write("first.csv", FIRST), bread.write("chen.csv", CHEN)
    assert bread("enroll", "bread", first).code == 0
    assert bread("tick", "--at", "2040-03-05T09:00Z").code == 0
    assert bread("tick", "--at", "2040-03-06T09:00Z").code == 0
    assert bread("enroll", "bread", chen).code == 0
    assert bread("subscribers", "pause", "bob@example.com").code == 0
    return bread


FIRST = "email,timezone\nann@example.com,Europe/Berlin\nbob@example.com,Europe/Berlin\n"
CHEN = "email,timezone,start\nchen@example.org,Asia/Kolkata,2040-03-10\n"


def edit(terminal: Terminal) -> None:
    terminal.write("bread/article.md", RESTING.replace("four times", "five times"))
    terminal.write("bread/course.toml", WITH_RESTING.replace('"08:00"', '"07:00"'))


def everything(terminal: Terminal) -> tuple[str, ...]:
    asked = ("subscribers list --json", "deliveries list --json", "audit --json")
    return tuple(terminal(*each.split()).out for each in asked)


def test_the_plan_says_who_gets_what_before_and_after(under_way: Terminal) -> None:
    edit(under_way)
    before = everything(under_way)
    plan = under_way("publish", "bread", "--plan", "--json")
    assert plan.code == 0
    assert everything(under_way) == before
    told = plan.json()
    assert told["changed"] is True
    assert told["refused"] == []
    edits = {each["letter"]: each["changes"] for each in told["letters"]}
    assert edits["resting"] == ["inserted"]
    assert edits["folding"] == ["reworded"]
    assert told["settings"] == [{"name": "schedule.send_at", "before": "08:00", "after": "07:00"}]
    assert (told["people"], told["completed"], told["stopped"]) == (3, 0, 0)
    chen, ann, bob = told["cohorts"]
    assert chen["had"] == []
    assert [each["letter"] for each in chen["before"]] == [
        "welcome",
        "starter",
        "folding",
        "baking",
        "finale",
    ]
    assert chen["after"][1] == {
        "letter": "starter",
        "earliest": "2040-03-11T01:30:00+00:00",
        "latest": "2040-03-11T01:30:00+00:00",
    }
    assert chen["gained"] == ["resting"]
    assert ann["had"] == bob["had"] == ["welcome", "starter"]
    assert ann["state"] == "active"
    assert ann["after"][0]["earliest"] == "2040-03-07T07:00:00+00:00"
    assert ann["after"][1] == {
        "letter": "resting",
        "earliest": "2040-03-08T06:00:00+00:00",
        "latest": "2040-03-08T06:00:00+00:00",
    }
    assert bob["state"] == "paused"
    assert bob["after"][0] == {"letter": "folding", "earliest": None, "latest": None}


def test_the_plan_is_a_table_for_people(under_way: Terminal) -> None:
    edit(under_way)
    shown = under_way("publish", "bread", "--plan")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("bread: would be published (1 inserted, 1 reworded, ")
    assert "  + resting: inserted" in shown.out
    assert "  ~ schedule.send_at: 08:00 → 07:00" in shown.out
    (paused,) = [line for line in shown.out.splitlines() if "paused" in line]
    assert paused.split() == [
        *("1", "starter", "(2", "letters),", "paused"),
        *("folding", "the", "same", "+", "resting", "–"),
    ]
    assert "2040-03-10 02:30" in shown.out
    assert "Nothing was written." in shown.out


def test_publishing_then_does_what_the_plan_said(under_way: Terminal) -> None:
    edit(under_way)
    plan = under_way("publish", "bread", "--plan", "--json").json()
    done = under_way("publish", "bread", "--json").json()
    assert (done["changed"], done["digest"]) == (True, plan["digest"])
    assert done["edits"] == {"letters": plan["letters"], "settings": plan["settings"]}
    assert done["people"] == 3
    again = under_way("publish", "bread", "--plan", "--json").json()
    assert again["changed"] is False
    assert [each["before"] for each in again["cohorts"]] == [
        each["after"] for each in plan["cohorts"]
    ]


def test_publishing_sums_up_what_was_edited(under_way: Terminal) -> None:
    edit(under_way)
    (line,) = under_way("publish", "bread").out.splitlines()
    assert line.startswith("bread: 6 letters published (1 inserted, 1 reworded, ")
    assert line.endswith("1 setting); 3 people go on with it.")
    assert under_way("publish", "bread").out == "bread: nothing changed.\n"
    assert "nothing would change" in under_way("publish", "bread", "--plan").out


def test_what_would_be_refused_is_told_with_the_remedy(under_way: Terminal) -> None:
    renamed = MANIFEST.replace('key = "folding"', 'key = "turning"')
    under_way.write("bread/course.toml", renamed)
    plan = under_way("publish", "bread", "--plan", "--json")
    assert plan.code == 1
    assert plan.json()["refused"] == [
        {
            "what": 'the lesson "turning" was published before as "folding"',
            "remedy": 'give it renamed_from = ["folding"], or its former key',
        }
    ]
    assert plan.json()["cohorts"] == []
    shown = under_way("publish", "bread", "--plan")
    assert shown.code == 1
    assert 'refused: the lesson "turning" was published before as "folding" (give it' in shown.out
    refused = under_way("publish", "bread")
    assert refused.code == 1
    assert plan.json()["refused"][0]["what"] in refused.line()
    under_way.write(
        "bread/course.toml",
        renamed.replace('key = "turning"', 'key = "turning"\nrenamed_from = ["folding"]'),
    )
    told = under_way("publish", "bread", "--plan", "--json").json()
    edits = {each["letter"]: each for each in told["letters"]}
    assert edits["turning"]["was"] == "folding"
    assert edits["turning"]["changes"][0] == "renamed"
    assert under_way("publish", "bread").code == 0


def test_the_first_edition_has_a_plan_too(lettercourse: Terminal) -> None:
    for name, content in (
        ("article.md", ARTICLE),
        ("loaf.png", PICTURE),
        ("course.toml", MANIFEST),
    ):
        lettercourse.write(f"bread/{name}", content)
    plan = lettercourse("publish", "bread", "--plan", "--json").json()
    assert plan["newest"] is None
    assert {change for each in plan["letters"] for change in each["changes"]} == {"inserted"}
    assert (plan["cohorts"], plan["people"]) == ([], 0)
    shown = lettercourse("publish", "bread", "--plan").out
    assert shown.startswith("bread: would be published (its first edition).")
    assert "Next: lettercourse enroll bread LIST.csv" in lettercourse("publish", "bread").out
