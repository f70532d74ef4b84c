"""The demo as it is run by somebody who has never seen the project."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.cli.conftest import Terminal

pytestmark = pytest.mark.xdist_group("demo")

KEYS = ["welcome", "goals", "support", "time", "wins", "curiosity", "setbacks", "finale"]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, float]:
    """Where a demo ran, what it said, and how long it took; no setting of an operator counts."""
    operating = {"LETTERCOURSE_PROVIDER": "smtp", "LETTERCOURSE_SMTP_URL": "smtp://127.0.0.1:1"}
    folder = tmp_path_factory.mktemp("desk")
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "worker", "demo"],
        cwd=folder,
        env=os.environ | operating,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "demo", done.stdout, time.monotonic() - began


def mailed(folder: Path) -> list[EmailMessage]:
    """All mail in the Maildir."""
    return [
        email.message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in (folder / "maildir" / "new").iterdir()
    ]


def arrived(folder: Path) -> dict[str, list[EmailMessage]]:
    """Every letter of the course by its reader, in the order of their dates."""
    people: dict[str, list[EmailMessage]] = {}
    for letter in mailed(folder):
        if letter["List-Id"] is None:
            continue
        people.setdefault(letter["To"].addresses[0].addr_spec, []).append(letter)
    for letters in people.values():
        letters.sort(key=lambda letter: letter["Date"].datetime)
    return people


def hours(letters: list[EmailMessage], zone: str) -> list[str]:
    return [f"{x['Date'].datetime.astimezone(ZoneInfo(zone)):%d %H:%M}" for x in letters]


def test_it_takes_less_than_a_minute(shown: tuple[Path, str, float]) -> None:
    assert shown[2] < 60


def test_it_leaves_gallery_maildir_and_calendar(shown: tuple[Path, str, float]) -> None:
    folder, _, _ = shown
    assert (folder / "gallery" / "index.html").is_file()
    assert len(list((folder / "gallery").glob("*.eml"))) == len(KEYS)
    assert {p.name for p in (folder / "maildir").iterdir()} >= {"cur", "new", "tmp"}
    assert (folder / "calendar.txt").read_text(encoding="utf-8").strip() in shown[1]


def test_everybody_who_stayed_got_every_letter_once(shown: tuple[Path, str, float]) -> None:
    people = arrived(shown[0])
    assert len(people) == 10
    ids = [letter["Message-ID"] for letters in people.values() for letter in letters]
    assert len(ids) == len(set(ids))
    assert {a for a, letters in people.items() if len(letters) != len(KEYS)} == {"tom@example.org"}


def test_the_hours_are_local(shown: tuple[Path, str, float]) -> None:
    people = arrived(shown[0])
    assert hours(people["ada@example.com"], "Europe/Berlin")[1:] == [
        f"{day} 08:00" for day in ("27", "28", "29", "30", "31", "01", "02")
    ]
    assert {h[3:] for h in hours(people["ines@example.org"], "America/New_York")[1:]} == {"06:45"}


def test_an_hour_that_the_clocks_skipped_came_later(shown: tuple[Path, str, float]) -> None:
    assert "29 03:30" in hours(arrived(shown[0])["emil@example.org"], "Europe/Berlin")


def test_who_left_by_the_link_in_a_letter_got_no_more(shown: tuple[Path, str, float]) -> None:
    last = arrived(shown[0])["tom@example.org"][-1]
    assert last["Date"].datetime <= datetime(2026, 3, 29, 18, tzinfo=UTC)
    assert "left" in shown[1]


def test_a_finale_gives_back_the_words_that_came_by_reply(
    shown: tuple[Path, str, float], lettercourse: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, said, _ = shown
    finale = (folder / "finale.html").read_text(encoding="utf-8")
    assert "a photo of a plant from her balcony" in finale
    assert "97 per cent, and I told everybody" in finale
    assert "Tuesdays on the train" not in finale  # somebody else's
    monkeypatch.setenv("LETTERCOURSE_DATA_DIR", str(folder))
    written = lettercourse("reflections", "stay-motivated", "--json").json()
    assert [(each["address"].partition("@")[0], each["lesson"]) for each in written] == [
        ("ada", "goals"),
        ("ada", "support"),
        ("ada", "time"),
        ("zoe", "time"),
        ("ada", "curiosity"),
        ("ada", "setbacks"),
    ]
    assert all(each["verified"] for each in written)
    assert said.count("✎") == 1 + len(written)


def test_who_replied_with_a_word_of_command_got_an_answer(
    shown: tuple[Path, str, float],
) -> None:
    answers = [mail for mail in mailed(shown[0]) if mail["List-Id"] is None]
    assert [mail["To"].addresses[0].addr_spec for mail in answers] == ["priya@example.com"] * 2
    assert {mail["Auto-Submitted"] for mail in answers} == {"auto-replied"}


def test_who_paused_got_nothing_until_resumed(shown: tuple[Path, str, float]) -> None:
    days = [h[:2] for h in hours(arrived(shown[0])["priya@example.com"], "Asia/Kolkata")]
    assert days == ["26", "27", "28", "31", "01", "02", "03", "04"]


def test_it_says_what_was_rejected_and_what_to_do_next(shown: tuple[Path, str, float]) -> None:
    _, said, _ = shown
    assert "line 12 is rejected" in said
    assert "sam.example.com" in said
    assert "lettercourse new ARTICLE.md" in said
    for key in KEYS:
        assert key in said


def test_other_commands_read_what_it_left(
    shown: tuple[Path, str, float], lettercourse: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETTERCOURSE_DATA_DIR", str(shown[0]))
    audit = lettercourse("audit", "--json").json()
    assert audit["violations"] == []
    assert audit["sent"] == sum(map(len, arrived(shown[0]).values()))
    rows = lettercourse("deliveries", "list", "--json").json()
    assert [r["address"] for r in rows if r["handed_at"] != r["due_at"]] == []
    story = lettercourse("explain", "tom@example.org", "--json").json()["courses"][0]["letters"]
    assert [letter["letter"] for letter in story] == KEYS
    assert lettercourse("up", "--port", "0").code == 1


def test_a_rerun_replaces_only_what_it_wrote(lettercourse: Terminal) -> None:
    assert lettercourse("demo", "--out", "again").code == 0
    lettercourse.write("again/notes.txt", "mine")
    first = sorted(arrived(Path("again")))
    assert lettercourse("demo", "--out", "again").code == 0
    assert sorted(arrived(Path("again"))) == first
    assert sum(map(len, arrived(Path("again")).values())) < 90
    assert Path("again/notes.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("taken", ["demo/thesis.md", "demo"])
def test_a_folder_of_somebody_elses_is_refused(lettercourse: Terminal, taken: str) -> None:
    mine = lettercourse.write(taken, "mine")
    answer = lettercourse("demo")
    assert answer.code == 1
    assert "--out" in answer.line()
    assert mine.read_text(encoding="utf-8") == "mine"
    assert sorted(p.name for p in lettercourse.folder.rglob("*")) == sorted(Path(taken).parts)
