"""``backup``, ``restore`` and ``copy`` as somebody types them."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from worker.installation import sole_occupant
from worker.settings import settings_from_environment

SOON = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
LATER = (datetime.now(UTC) + timedelta(days=30)).isoformat()


def letters(lettercourse: Terminal) -> list[str]:
    folder = lettercourse.folder.parent / "data" / "maildir" / "new"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_backup_is_one_file_for_this_user_alone_with_the_key_in_it(enrolled: Terminal) -> None:
    answer = enrolled("backup", "kept.db", "--json")
    assert answer.json()["has_key"] is True
    assert answer.json()["rows"] > 3
    assert stat.S_IMODE((enrolled.folder / "kept.db").stat().st_mode) == 0o600
    assert sorted(path.name for path in enrolled.folder.glob("kept*")) == ["kept.db"]
    assert "there is a file of this name" in enrolled("backup", "kept.db").line()


def test_a_backup_in_a_folder_is_named_after_its_instant(enrolled: Terminal) -> None:
    (enrolled.folder / "kept").mkdir()
    assert enrolled("backup", "kept").code == 0
    (file,) = (enrolled.folder / "kept").iterdir()
    assert file.name.startswith("lettercourse-20")
    assert "no such folder" in enrolled("backup", "nowhere/kept.db").line()


def test_what_was_sent_since_a_backup_is_not_sent_again(enrolled: Terminal) -> None:
    assert enrolled("backup", "kept.db").code == 0
    assert enrolled("tick", "--at", SOON, "--json").json()["sent"] == 3
    enrolled("subscribers", "unsubscribe", "ann@example.com")
    sent = letters(enrolled)
    answer = enrolled("restore", "kept.db", "--json")
    assert answer.code == 0, answer.err
    found = answer.json()
    assert (found["hand_overs"], found["departures"], found["waiting"]) == (3, 1, [])
    aside = Path(found["restored"]["aside"])
    assert aside.name.startswith("lettercourse.db.before-20")
    assert aside.exists()
    assert enrolled("audit", "--json").json()["in_doubt"] == 3
    assert enrolled("tick", "--at", SOON).code == 0
    assert letters(enrolled) == sent
    assert enrolled("tick", "--at", LATER, "--json").json()["sent"] == 2


def test_a_database_file_that_was_swapped_by_hand_sends_nothing(enrolled: Terminal) -> None:
    data = enrolled.folder.parent / "data"
    (database,) = data.glob("lettercourse.db")
    kept = database.read_bytes()
    assert enrolled("tick", "--at", SOON).code == 0
    for file in data.glob("lettercourse.db*"):
        file.unlink()
    database.write_bytes(kept)
    sent = letters(enrolled)
    line = enrolled("tick", "--at", SOON).line()
    assert "went back in time" in line
    assert line.endswith("(run: lettercourse restore --reconcile)")
    assert letters(enrolled) == sent
    assert enrolled("restore", "--reconcile").code == 0
    assert enrolled("tick", "--at", SOON).code == 0
    assert letters(enrolled) == sent


def test_a_backup_goes_to_a_new_machine_with_its_key(
    enrolled: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert enrolled("tick", "--at", SOON).code == 0
    assert enrolled("backup", "kept.db").code == 0
    former = (enrolled.folder.parent / "data" / "secret_key").read_text()
    monkeypatch.setenv("LETTERCOURSE_DATA_DIR", str(tmp_path / "new"))
    answer = enrolled("restore", "kept.db", "--json")
    assert answer.code == 1  # the old machine's journal is not here
    (host,) = answer.json()["waiting"]
    assert (tmp_path / "new" / "secret_key").read_text() == former
    assert f"--without {host}" in enrolled("tick", "--at", SOON).line()
    assert enrolled("restore", "--without", host).code == 0
    assert enrolled("tick", "--at", LATER, "--json").json()["sent"] == 3


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0" + bytes(99)])
def test_a_file_that_is_no_backup_is_one_line_and_changes_nothing(
    enrolled: Terminal, content: bytes
) -> None:
    before = enrolled("subscribers", "list", "--json").json()
    file = enrolled.write("kept.db", content)
    assert "kept.db" in enrolled("restore", file).line()
    assert enrolled("subscribers", "list", "--json").json() == before
    assert file.read_bytes() == content
    assert list((enrolled.folder.parent / "data").glob("*.before-*")) == []


def test_a_database_that_is_no_backup_is_refused(enrolled: Terminal) -> None:
    database = enrolled.folder.parent / "data" / "lettercourse.db"
    enrolled.write("copy.db", database.read_bytes())
    assert "lettercourse backup FILE" in enrolled("restore", "copy.db").line()


def test_nothing_is_restored_while_up_holds_the_folder(enrolled: Terminal) -> None:
    assert enrolled("backup", "kept.db").code == 0
    with sole_occupant(settings_from_environment()):
        assert "another lettercourse up" in enrolled("restore", "kept.db").line()


def test_moving_to_a_database_and_what_is_said_afterwards(
    enrolled: Terminal, monkeypatch: pytest.MonkeyPatch, postgresql_url: str
) -> None:
    assert enrolled("tick", "--at", SOON).code == 0
    sent = letters(enrolled)
    answer = enrolled("copy", "--to", postgresql_url)
    assert answer.code == 0, answer.err
    assert "Set LETTERCOURSE_DATABASE_URL" in answer.out
    assert "was moved to postgresql://" in enrolled("tick", "--at", LATER).line()
    assert letters(enrolled) == sent
    monkeypatch.setenv("LETTERCOURSE_DATABASE_URL", postgresql_url)
    assert enrolled("tick", "--at", LATER, "--json").json()["sent"] == 3
    monkeypatch.delenv("LETTERCOURSE_DATABASE_URL")
    assert "not empty" not in enrolled("copy", "--cancel").out


def test_wrong_usage_is_one_line(enrolled: Terminal) -> None:
    for arguments in (["restore"], ["restore", "x.db", "--reconcile"], ["copy"]):
        answer = enrolled(*arguments)
        assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert (
        "in use"
        in enrolled(
            "copy", "--to", f"sqlite:///{enrolled.folder.parent}/data/lettercourse.db"
        ).line()
    )
