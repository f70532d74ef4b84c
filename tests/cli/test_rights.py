"""``subscribers export|erase|unsubscribe --course`` and ``suppressions``."""

from __future__ import annotations

import csv
import json
import stat
from pathlib import Path

from tests.cli.conftest import Terminal


def kept(terminal: Terminal) -> bytes:
    """Return all that lies in the data folder."""
    folder = terminal.folder.parent / "data"
    return b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())


def test_an_export_is_one_json_document(enrolled: Terminal) -> None:
    enrolled("tick")
    told = enrolled("subscribers", "export", "Ann@Example.com").json()
    assert told["subscriber"]["address"] == "ann@example.com"
    assert [each["letter_key"] for each in told["deliveries"]] == ["welcome"]


def test_an_export_to_a_file_is_its_owners_and_replaces_nothing(enrolled: Terminal) -> None:
    answer = enrolled("subscribers", "export", "ann@example.com", "--out", "ann.json")
    assert answer.out == "Written: ann.json\n"
    path = enrolled.folder / "ann.json"
    assert json.loads(path.read_text("utf-8"))["subscriber"]["name"] == "Ann"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = enrolled("subscribers", "export", "ann@example.com", "--out", "ann.json")
    assert "this file exists" in again.line()


def test_erasing_asks_first(enrolled: Terminal) -> None:
    refused = enrolled("subscribers", "erase", "ann@example.com", stdin=b"n\n")
    assert refused.code == 130
    assert b"ann@example.com" in kept(enrolled)
    done = enrolled("subscribers", "erase", "ann@example.com", stdin=b"y\n")
    assert (done.code, done.out) == (0, "Erased, with 0 reflections and 0 mails.\n")
    assert b"ann@example.com" not in kept(enrolled)


def test_erasing_leaves_nothing_and_once_more_is_fine(enrolled: Terminal) -> None:
    enrolled("tick")
    assert b"ann@example.com" in kept(enrolled)
    for _ in range(2):
        answer = enrolled("subscribers", "erase", "ann@example.com", "--yes", "--json").json()
        assert answer == {"reflections": 0, "replies": 0, "events": 0, "swept": True}
    assert b"ann@example.com" not in kept(enrolled)
    assert b"bob@example.com" in kept(enrolled)
    again = enrolled("enroll", "bread", "people.csv", "--json").json()
    assert (again["suppressed"], again["already"], again["enrolled"]) == (1, 2, 0)
    assert enrolled("audit").code == 0


def test_nobody_is_nobody(enrolled: Terminal) -> None:
    for command in ("export", "erase"):
        assert "nobody is enrolled" in enrolled("subscribers", command, "eve@example.com").line()


def test_one_course_can_be_left_alone(enrolled: Terminal) -> None:
    answer = enrolled(
        "subscribers", "unsubscribe", "ann@example.com", "--course", "bread", "--json"
    ).json()
    assert answer["state"] == "active"
    assert answer["enrollments"][0]["state"] == "stopped"


def test_suppressions_come_in_and_go_out(enrolled: Terminal) -> None:
    enrolled.write(
        "gone.csv",
        "status,reason,email,created\n"
        "5.1.1,550 no such user,ann@example.com,1\n"
        ",,zoe@example.com,2\n"
        "x,y,not an address,3\n",
    )
    answer = enrolled("suppressions", "import", "gone.csv", "--json")
    assert answer.code == 1
    assert answer.json() == {
        "added": 1,
        "stopped": 1,
        "already": 0,
        "rejected": 1,
        "rejected_file": "gone.rejected.csv",
    }
    assert "not an address" in (enrolled.folder / "gone.rejected.csv").read_text()
    assert enrolled("subscribers", "show", "ann@example.com", "--json").json()["state"] == "bounced"
    listed = enrolled("suppressions", "export", "--json").json()
    assert [(each["address"], each["reason"]) for each in listed] == [
        ("ann@example.com", "bounced"),
        ("zoe@example.com", "unsubscribed"),
    ]
    table = enrolled("suppressions", "export")
    rows = list(csv.DictReader(table.out.splitlines()))
    assert [each["email"] for each in rows] == ["ann@example.com", "zoe@example.com"]
    again = enrolled("suppressions", "import", "-", "--json", stdin=table.out.encode())
    assert again.json() == {
        "added": 0,
        "stopped": 0,
        "already": 2,
        "rejected": 0,
        "rejected_file": None,
    }


def test_a_list_without_addresses_is_told(enrolled: Terminal, tmp_path: Path) -> None:
    enrolled.write("gone.csv", "what,when\na,b\n")
    assert "no column of email addresses" in enrolled("suppressions", "import", "gone.csv").line()
    assert "exclude each other" in enrolled("suppressions", "export", "--csv", "--json").line()
