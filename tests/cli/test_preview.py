from __future__ import annotations

import json
import socket
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from course.compile import Compiled, compile_course
from course.errors import LettercourseError
from course.model import Asset, Edition, Schedule
from tests.cli.conftest import Terminal
from tests.cli.desk import ARTICLE, KEYS, MANIFEST, PICTURE
from worker.calendar import calendar
from worker.model import syllabus_of
from worker.preview.calendar import calendar_answer
from worker.preview.desk import Desk
from worker.schedule import localise

JOINS = datetime(2026, 3, 26, 20, 30, tzinfo=UTC)


@pytest.fixture
def course(lettercourse: Terminal) -> Path:
    lettercourse.write("bread/article.md", ARTICLE)
    lettercourse.write("bread/loaf.png", PICTURE)
    return lettercourse.write("bread/course.toml", MANIFEST).parent


@pytest.fixture
def edition(course: Path) -> Edition:
    return compile_course(course).edition


def waiting(days: str) -> str:
    return MANIFEST.replace('key = "folding"', f'key = "folding"\n{days}')


@pytest.mark.parametrize(
    "manifest", [MANIFEST, waiting("wait_days = 4\nnudge_days = 2"), waiting("wait_days = 3")]
)
def test_the_calendar_is_what_is_really_delivered(lettercourse: Terminal, manifest: str) -> None:
    """Over the night on which clocks in Berlin go forward, and with nobody replying."""
    day = date(datetime.now(UTC).year + 1, 3, 24)
    joins = localise(day, time(8), "Europe/Berlin")
    lettercourse.write("bread/article.md", ARTICLE)
    lettercourse.write("bread/loaf.png", PICTURE)
    lettercourse.write("bread/course.toml", manifest)
    lettercourse.write(
        "people.csv", f"email,timezone,start\nmira@example.org,Europe/Berlin,{day}\n"
    )
    syllabus = syllabus_of(compile_course(Path("bread")).edition)
    told = calendar(syllabus, joins, "Europe/Berlin")
    assert lettercourse("publish", "bread").code == 0
    assert lettercourse("enroll", "bread", "people.csv", "--json").code == 0
    for stop in told:
        assert lettercourse("tick", "--at", f"{stop.at:%Y-%m-%dT%H:%M:%SZ}").code == 0
    done = lettercourse("deliveries", "list", "--json").json()
    sent = sorted((each["due_at"], each["letter"]) for each in done)
    assert sent == [(stop.at.isoformat(), stop.key) for stop in told]


def test_somebody_elsewhere_gets_them_by_their_own_clock(edition: Edition) -> None:
    told = calendar_answer(edition, "2026-03-27T21:30", "Europe/Berlin")
    stops = told["stops"]
    assert isinstance(stops, list)
    assert [stop["key"] for stop in stops] == KEYS
    assert [(stop["date"], stop["time"], stop["utc"]) for stop in stops[:3]] == [
        ("Fri 27 Mar 2026", "21:30", "2026-03-27 20:30"),
        ("Sat 28 Mar 2026", "08:00", "2026-03-28 07:00"),
        ("Sun 29 Mar 2026", "08:00", "2026-03-29 06:00"),
    ]
    assert [stop["note"] for stop in stops[:3]] == ["", "", "clocks changed: now UTC+2"]
    assert "through after 5 days" in str(told["summary"])


def test_only_on_the_days_of_the_schedule(edition: Edition) -> None:
    weekly = replace(edition, schedule=Schedule(send_at=time(6), days=(0,)))
    instants = [stop.at for stop in calendar(syllabus_of(weekly), JOINS, "UTC")]
    assert all(at.weekday() == 0 and at.hour == 6 for at in instants[1:])
    assert {b - a for a, b in pairwise(instants[1:])} == {timedelta(7)}


@pytest.mark.parametrize(
    ("start", "zone", "says"),
    [
        ("soon", "UTC", "is no start"),
        ("2026-01-05T10:00+01:00", "UTC", "is no start"),
        ("9999-12-31T10:00", "UTC", "is no start"),
        ("", "UTC", "is no start"),
        ("2026-01-05T10:00", "Europe/Berlinn", "did you mean Europe/Berlin?"),
    ],
)
def test_a_start_or_zone_that_is_none_is_one_line(
    edition: Edition, start: str, zone: str, says: str
) -> None:
    with pytest.raises(LettercourseError) as raised:
        calendar_answer(edition, start, zone)
    assert says in str(raised.value)


def test_a_faulty_file_keeps_the_last_good_letters_and_shows_its_line(course: Path) -> None:
    desk = Desk(course, "2026-01-05T10:00")
    assert not desk.has_changed()
    good = json.loads(desk.shown.body)
    assert good["fault"] == []
    (course / "course.toml").write_text(MANIFEST.replace('"08:00"', '"8 o\'clock"'), "utf-8")
    assert desk.has_changed()
    desk.look()
    assert not desk.has_changed()
    now = json.loads(desk.shown.body)
    assert now["gallery"] == good["gallery"]
    (fault,) = now["fault"]
    assert [text for line, text in fault["lines"] if line == fault["line"]] == [
        'send_at = "8 o\'clock"'
    ]
    (course / "article.md").write_bytes(b"\xff\xfe")
    (course / "course.toml").write_text(MANIFEST, "utf-8")
    desk.look()
    (fault,) = json.loads(desk.shown.body)["fault"]
    assert (Path(fault["file"]).name, fault["line"]) == ("article.md", 1)
    (course / "article.md").write_text(ARTICLE, "utf-8")
    desk.look()
    assert json.loads(desk.shown.body) == good


def test_a_course_that_never_compiled_can_be_mended_before_the_eyes(course: Path) -> None:
    (course / "course.toml").write_text("[course", "utf-8")
    desk = Desk(course, "2026-01-05T10:00")
    assert json.loads(desk.shown.body)["gallery"] is None
    with pytest.raises(LettercourseError, match="not compiled"):
        desk.calendar("2026-01-05T10:00", "UTC")
    (course / "course.toml").write_text(MANIFEST, "utf-8")
    assert desk.has_changed()
    desk.look()
    assert len(json.loads(desk.shown.body)["gallery"]["letters"]) == len(KEYS)


def test_what_is_found_while_a_file_is_written_is_forgotten(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = course / "course.toml"
    desk = Desk(course, "2026-01-05T10:00")
    good = desk.shown

    def while_it_is_written(path: Path, made: dict[str, Asset]) -> Compiled:
        compiled = compile_course(path, made)
        manifest.write_text(MANIFEST, "utf-8")
        return compiled

    manifest.write_text("", "utf-8")
    with monkeypatch.context() as patch:
        patch.setattr("worker.preview.desk.compile_course", while_it_is_written)
        desk.look()
    assert desk.shown is good
    assert desk.has_changed()
    desk.look()
    assert desk.shown == good


@pytest.mark.parametrize("name", ["article.md", "course.toml", "loaf.png"])
def test_every_file_that_letters_are_made_of_is_watched(course: Path, name: str) -> None:
    desk = Desk(course, "2026-01-05T10:00")
    file = course / name
    file.rename(course / "aside")
    assert desk.has_changed()
    desk.look()
    (course / "aside").rename(file)
    assert desk.has_changed()


def test_what_cannot_be_previewed_is_one_line(lettercourse: Terminal, course: Path) -> None:
    assert "nowhere" in lettercourse("preview", "nowhere").line()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = lettercourse("preview", course, "--port", str(port))
    assert "--port" in answer.line()
    assert "no.such.host.invalid" in lettercourse(
        "preview", course, "--host", "no.such.host.invalid"
    ).line()  # fmt: skip
