"""``simulate``: what one person would get and when, as a table and for programs."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.cli.desk import ARTICLE, KEYS, MANIFEST

WAITING = MANIFEST.replace('key = "folding"', 'key = "folding"\nwait_days = 4\nnudge_days = 2')


def test_simulate_prints_the_calendar_of_one_person(bread: Terminal) -> None:
    answer = bread("simulate", "bread", "--zone", "Asia/Tokyo", "--start", "2026-03-02")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("bread in Asia/Tokyo, at 08:00\n")
    rows = [row for row in answer.out.splitlines() if "+09:00" in row]
    assert [row.split()[0] for row in rows] == KEYS
    assert "Mon 2026-03-02 08:00 +09:00" in rows[0]
    assert "2026-03-01 23:00" in rows[0]


def test_simulate_says_what_the_clocks_do(bread: Terminal) -> None:
    told = ("--zone", "Europe/Berlin", "--start", "2026-03-28", "--at", "02:30")
    answer = bread("simulate", "bread", *told)
    (starter,) = [row for row in answer.out.splitlines() if row.startswith("starter")]
    assert "Sun 2026-03-29 03:30 +02:00" in starter
    assert "02:30 does not exist on this date" in starter


def test_simulate_answers_programs(bread: Terminal) -> None:
    bread.write("bread/course.toml", WAITING)
    told = ("--zone", "America/New_York", "--start", "2026-03-02", "--json")
    answer = bread("simulate", "bread", *told).json()
    assert answer["course"] == "bread"
    assert answer["zone"] == "America/New_York"
    assert answer["start"] == "2026-03-02"
    assert answer["send_at"] == "08:00"
    keys = [each["letter"] for each in answer["letters"]]
    assert keys == ["welcome", "starter", "folding", "folding~nudge", "baking", "finale"]
    baking = answer["letters"][4]
    assert baking["at"] == "2026-03-08T12:00:00+00:00"
    assert baking["local"] == "2026-03-08T08:00:00-04:00"
    assert baking["weekday"] == "Sunday"
    assert (baking["waits_for"], baking["earliest"]) == ("folding", "2026-03-05T13:00:00+00:00")
    assert [each["reason"] for each in baking["reasons"]] == ["reflection"]


def test_a_published_course_and_its_folder_have_one_calendar(bread: Terminal) -> None:
    bread.write("bread/course.toml", WAITING)
    assert bread("publish", "bread").code == 0
    told = ("--zone", "Europe/Berlin", "--start", "2026-03-02T23:40", "--json")
    of_the_folder = bread("simulate", "bread", *told).json()
    (bread.folder / "bread").rename(bread.folder / "elsewhere")
    assert bread("simulate", "bread", *told).json() == of_the_folder


def test_an_article_without_manifest_has_a_calendar_too(lettercourse: Terminal) -> None:
    lettercourse.write("bread.md", ARTICLE)
    answer = lettercourse("simulate", "bread.md", "--start", "2026-03-02", "--json").json()
    assert answer["zone"] == "UTC"
    assert len(answer["letters"]) > 2
    assert not Path(lettercourse.folder.parent / "data").exists()


def test_without_a_date_it_begins_today(bread: Terminal) -> None:
    before = datetime.now(UTC).date()
    answer = bread("simulate", "bread", "--json").json()
    assert before <= date.fromisoformat(answer["start"]) <= datetime.now(UTC).date()


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (["--zone", "Berlin"], "did you mean Europe/Berlin?"),
        (["--start", "2026-02-30"], "write it like 2026-03-29 or 2026-03-29T21:30"),
        (["--start", "2026-03-02T08:00+01:00"], "has an offset; --zone says where the clock is"),
        (["--start", "1812-03-02"], "is not between 1970 and 2199"),
        (["--at", "8 am"], "write it like 07:30"),
    ],
)
def test_what_is_no_calendar_is_wrong_usage(bread: Terminal, told: list[str], says: str) -> None:
    answer = bread("simulate", "bread", *told)
    assert answer.code == 2
    assert says in answer.line()
