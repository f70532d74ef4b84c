"""What an operator sees, from publishing to the audit, on a database and a Maildir of one's own."""

from __future__ import annotations

import email
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Terminal
from tests.cli.desk import ARTICLE, KEYS, MANIFEST, PEOPLE, PICTURE
from tests.peers.sendgrid import sendgrid


def letters() -> list[EmailMessage]:
    folder = Path(os.environ["LETTERCOURSE_DATA_DIR"]) / "maildir"
    files = [p for p in folder.rglob("*") if p.is_file()]
    return [email.message_from_bytes(p.read_bytes(), policy=policy.default) for p in files]


def is_utc(text: str) -> bool:
    return datetime.fromisoformat(text).utcoffset() == timedelta(0)


def days_from_now(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")


# publish


def test_publish_answers_what_it_stored(bread: Terminal) -> None:
    answer = bread("publish", "bread", "--json").json()
    assert answer.keys() >= {"course", "digest", "letters", "changed"}
    assert (answer["course"], answer["letters"], answer["changed"]) == ("bread", 5, False)
    edition = bread("build", "bread", "--out", "out", "--json").json()
    assert answer["digest"] == edition["digest"]


def test_publish_sees_a_change(bread: Terminal) -> None:
    bread.write("bread/article.md", ARTICLE.replace("four times", "five times"))
    assert bread("publish", "bread", "--json").json()["changed"] is True


def test_publish_needs_a_manifest(lettercourse: Terminal) -> None:
    lettercourse.write("bread.md", ARTICLE)
    answer = lettercourse("publish", "bread.md")
    assert answer.code == 1
    assert "lettercourse new bread.md" in answer.line()


def test_an_article_beside_its_manifest_is_told_of_it(bread: Terminal) -> None:
    assert "(use bread/course.toml)" in bread("publish", "bread/article.md").line()


def test_an_error_stops_publishing(lettercourse: Terminal) -> None:
    lettercourse.write("bread/article.md", ARTICLE)
    lettercourse.write("bread/loaf.png", PICTURE)
    lettercourse.write("bread/course.toml", MANIFEST.replace("Mira Hollis", ""))
    errors = [
        f
        for f in lettercourse("check", "bread", "--json").json()["findings"]
        if f["level"] == "error"
    ]
    assert errors
    answer = lettercourse("publish", "bread", "--json")
    assert (answer.code, answer.out) == (1, "")
    assert len(answer.err.splitlines()) == len(errors) + 1
    assert lettercourse("enroll", "bread", "-", stdin=PEOPLE.encode()).code == 1


# send-test


@pytest.mark.parametrize("course", ["bread", "./bread", "bread/course.toml"])
def test_a_test_letter_touches_nobodys_progress(enrolled: Terminal, course: str) -> None:
    before = enrolled("subscribers", "list", "--json").out, enrolled("audit", "--json").out
    answer = enrolled("send-test", course, "folding", "--to", "Me@Example.com", "--json")
    assert answer.json()["outcome"] == "accepted"
    (letter,) = letters()
    assert "Test" in letter["Subject"]
    assert "example.com" in letter["To"]
    assert letter["Message-ID"] == answer.json()["message_id"]
    assert (
        enrolled("subscribers", "list", "--json").out,
        enrolled("audit", "--json").out,
    ) == before
    assert enrolled("deliveries", "list", "--json").json() == []


def test_a_test_letter_comes_from_the_folder_as_it_is_now(bread: Terminal) -> None:
    bread.write("bread/article.md", ARTICLE.replace("A wet hand", "A floury hand"))
    assert bread("send-test", "./bread", "folding", "--to", "me@example.com").code == 0
    (letter,) = letters()
    part = letter.get_body(("plain",))
    assert part is not None
    assert "A floury hand" in part.get_content()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["bread", "sourdough", "--to", "me@example.com"], "one of welcome, starter"),
        (["cake", "welcome", "--to", "me@example.com"], "cake"),
        (["bread", "welcome", "--to", "nobody"], "nobody"),
        (["bread", "welcome", "--to", "me@example.com\r\nBcc: you@example.com"], "line breaks"),
    ],
)
def test_a_test_letter_that_cannot_be_sent_is_one_line(
    bread: Terminal, arguments: list[str], says: str
) -> None:
    assert says in bread("send-test", *arguments).line()
    assert letters() == []


@pytest.mark.parametrize("course", ["./bread", "bread"])
def test_a_reminder_can_be_tried_too(bread: Terminal, course: str) -> None:
    waiting = 'key = "folding"\nwait_days = 5\nnudge_days = 2'
    bread.write("bread/course.toml", MANIFEST.replace('key = "folding"', waiting))
    assert bread("publish", "./bread").code == 0
    assert bread("send-test", course, "folding~nudge", "--to", "me@example.com").code == 0
    (letter,) = letters()
    assert letter["Subject"] == "[Test] Still open: “Folding”"


def test_a_test_letter_says_where_it_is(bread: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("send-test", "./bread", "folding", "--to", "me@example.com")
    assert "nobody was written to" in bread(*asked).out
    with sendgrid(verified=["bakery.example"]) as server:
        monkeypatch.setenv("LETTERCOURSE_PROVIDER", "sendgrid")
        monkeypatch.setenv("LETTERCOURSE_SENDGRID_URL", server.url)
        monkeypatch.setenv("LETTERCOURSE_SENDGRID_API_KEY", server.api_key)
        assert "is on its way to me@example.com" in bread(*asked).out
        monkeypatch.setenv("LETTERCOURSE_SENDGRID_SANDBOX", "yes")
        assert "sends nobody anything" in bread(*asked).out
        assert len(server.accepted) == 1


def test_a_test_letter_says_when_its_pictures_are_not_served_yet(bread: Terminal) -> None:
    to = ("--to", "me@example.com")
    assert "pictures show once" in bread("send-test", "./bread", "welcome", *to).out
    assert "pictures" not in bread("send-test", "./bread", "folding", *to).out
    Path("bread").rename("elsewhere")
    assert "pictures" not in bread("send-test", "bread", "welcome", *to).out


def test_a_test_letter_comes_from_somebody(bread: Terminal) -> None:
    bread.write("bread/course.toml", MANIFEST.replace("email =", "# email ="))
    arguments = ("send-test", "./bread", "folding", "--to", "me@example.com")
    assert "under [sender]" in bread(*arguments).line()
    assert letters() == []


def test_a_provider_that_cannot_be_reached_is_one_line(
    bread: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETTERCOURSE_PROVIDER", "smtp")
    monkeypatch.setenv("LETTERCOURSE_SMTP_URL", "smtp://127.0.0.1:1")
    answer = bread("send-test", "bread", "welcome", "--to", "me@example.com")
    assert answer.code == 1
    assert "deferred" in answer.line()


# enroll


def test_enroll_counts_what_became_of_everybody(bread: Terminal) -> None:
    answer = bread("enroll", "bread", "people.csv", "--json")
    assert answer.code == 0
    assert answer.json() == {
        "enrolled": 3,
        "already": 0,
        "rejected": 0,
        "suppressed": 0,
        "rejected_file": None,
    }


@pytest.mark.parametrize("course", ["bread", "./bread", "bread/course.toml"])
def test_a_course_is_named_by_slug_folder_or_manifest(bread: Terminal, course: str) -> None:
    assert bread("enroll", course, "people.csv", "--json").json()["enrolled"] == 3


def test_enrolling_again_changes_nothing(enrolled: Terminal) -> None:
    before = enrolled("subscribers", "list", "--json").out
    answer = enrolled("enroll", "bread", "people.csv", "--json").json()
    assert (answer["enrolled"], answer["already"]) == (0, 3)
    assert enrolled("subscribers", "list", "--json").out == before


def test_a_list_comes_from_standard_input(bread: Terminal) -> None:
    answer = bread("enroll", "bread", "-", "--json", stdin=PEOPLE.encode() + b"no address\n")
    assert (answer.code, answer.json()["enrolled"], answer.json()["rejected"]) == (1, 3, 1)
    assert answer.json()["rejected_file"] is None
    assert "line 5" in answer.err


def test_rejected_rows_are_written_beside_the_list_and_can_be_mended(bread: Terminal) -> None:
    bread.write("lists/people.csv", PEOPLE + "dora.example.com,Dora,,\n")
    answer = bread("enroll", "bread", "lists/people.csv", "--json")
    assert answer.code == 1
    assert answer.json()["enrolled"] == 3
    assert answer.json()["rejected"] == 1
    rejected = Path(answer.json()["rejected_file"])
    assert rejected == Path("lists/people.rejected.csv")
    text = rejected.read_text(encoding="utf-8")
    assert text.startswith("line,reason,")
    assert "dora.example.com" in text
    rejected.write_text(text.replace("dora.example.com", "dora@example.com"), encoding="utf-8")
    assert bread("enroll", "bread", rejected, "--json").json()["enrolled"] == 1


def test_the_next_run_removes_what_the_last_one_rejected(bread: Terminal) -> None:
    bread.write("people.csv", PEOPLE + "dora.example.com,Dora,,\n")
    assert bread("enroll", "bread", "people.csv").code == 1
    assert Path("people.rejected.csv").exists()
    bread.write("people.csv", PEOPLE + "dora@example.com,Dora,,\n")
    assert bread("enroll", "bread", "people.csv").code == 0
    assert not Path("people.rejected.csv").exists()


def test_somebody_elses_file_is_never_replaced(bread: Terminal) -> None:
    bread.write("people.csv", PEOPLE + "dora.example.com,Dora,,\n")
    bread.write("people.rejected.csv", "my own notes")
    answer = bread("enroll", "bread", "people.csv")
    assert "people.rejected.csv" in answer.line()
    assert Path("people.rejected.csv").read_text(encoding="utf-8") == "my own notes"
    assert bread("subscribers", "list", "--json").json() == []


KIT = """\
id,email,first_name,status,created_at
1,ann@example.com,Ann,active,2026-01-02 10:00:00 UTC
2,bob@example.com,Bob,cancelled,2026-01-02 10:00:00 UTC
"""
MAILCHIMP_CLEANED = """\
"Email Address","First Name","Last Name",MEMBER_RATING,CLEAN_TIME
bob@example.com,Bob,Ray,2,"2026-01-02 10:00:00"
"""
MAILCHIMP = """\
"Email Address","First Name","Last Name",MEMBER_RATING,OPTIN_TIME,TIMEZONE
ann@example.com,Ann,Lee,2,"2026-01-02 10:00:00",Europe/Berlin
"""
SUBSTACK = """\
email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at
ann@example.com,false,,other,false,2026-01-02T10:00:00.000Z,
bob@example.com,false,,other,true,2026-01-02T10:00:00.000Z,
"""


@pytest.mark.parametrize(
    ("export", "enrolled", "rejected"),
    [(KIT, 1, 1), (MAILCHIMP, 1, 0), (MAILCHIMP_CLEANED, 0, 1), (SUBSTACK, 1, 1)],
)
def test_exports_of_others_go_in_as_they_are(
    bread: Terminal, export: str, enrolled: int, rejected: int
) -> None:
    bread.write("export.csv", b"\xef\xbb\xbf" + export.replace("\n", "\r\n").encode())
    answer = bread("enroll", "bread", "export.csv", "--json").json()
    assert (answer["enrolled"], answer["rejected"]) == (enrolled, rejected)


def test_semicolons_survive(bread: Terminal) -> None:
    bread.write("people.csv", "Name;E-Mail\nAnn;ann@example.com\n")
    assert bread("enroll", "bread", "people.csv", "--json").json()["enrolled"] == 1
    shown = bread("subscribers", "show", "ann@example.com", "--json").json()
    assert shown["name"] == "Ann"


def test_somebody_who_left_is_not_enrolled_again(enrolled: Terminal) -> None:
    enrolled("subscribers", "unsubscribe", "ann@example.com")
    enrolled.write("more.csv", "email\nann@example.com\n")
    answer = enrolled("enroll", "bread", "more.csv", "--json").json()
    assert (answer["enrolled"], answer["already"] + answer["suppressed"]) == (0, 1)
    assert enrolled("tick", "--json").json()["sent"] == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "people.csv"),
        ("", "people.csv"),
        ("name,age\nAnn,3\n", "email"),
        (bytes(range(256)), "people.csv"),
    ],
)
def test_a_list_that_cannot_be_read_is_one_line(
    bread: Terminal, content: str | bytes | None, says: str
) -> None:
    Path("people.csv").unlink()
    if content is not None:
        bread.write("people.csv", content)
    assert says in bread("enroll", "bread", "people.csv").line()
    assert bread("subscribers", "list", "--json").json() == []
    assert not Path("people.rejected.csv").exists()


def test_a_course_that_was_not_published_says_how(lettercourse: Terminal) -> None:
    lettercourse.write("bread/article.md", ARTICLE)
    lettercourse.write("bread/course.toml", MANIFEST)
    lettercourse.write("people.csv", PEOPLE)
    answer = lettercourse("enroll", "bread", "people.csv")
    assert answer.code == 1
    assert "lettercourse publish bread" in answer.line()
    assert "cake" in lettercourse("enroll", "cake", "people.csv").line()


def test_a_folder_that_only_shares_the_slugs_name_is_no_obstacle(
    bread: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    bread.write("elsewhere/bread/notes.txt", "no article")
    monkeypatch.chdir("elsewhere")
    assert bread("enroll", "bread", "../people.csv", "--json").json()["enrolled"] == 3
    bread.write("elsewhere/cake/notes.txt", "no article")
    assert "cake: no article in this folder" in bread("enroll", "cake", "../people.csv").line()


def test_an_address_with_a_line_break_is_rejected(bread: Terminal) -> None:
    bread.write("people.csv", 'email,name\r\n"eve@example.com\r\nBcc: x@example.com",Eve\r\n')
    answer = bread("enroll", "bread", "people.csv", "--json")
    assert (answer.code, answer.json()["enrolled"], answer.json()["rejected"]) == (1, 0, 1)
    assert bread("subscribers", "list", "--json").json() == []


# subscribers


def test_subscribers_show_has_the_whole_standing(enrolled: Terminal) -> None:
    enrolled("tick")
    shown = enrolled("subscribers", "show", "ANN@example.com", "--json").json()
    assert shown.keys() >= {"address", "name", "timezone", "state", "enrollments"}
    assert (shown["address"], shown["name"]) == ("ann@example.com", "Ann")
    assert (shown["timezone"], shown["state"]) == ("Europe/Berlin", "active")
    (enrollment,) = shown["enrollments"]
    at = enrollment.pop("next_at")
    assert is_utc(at)
    assert datetime.fromisoformat(at) > datetime.now(UTC)
    assert enrollment == {
        "course": "bread",
        "run": 1,
        "state": "active",
        "next": "starter",
        "sent": ["welcome"],
        "reflections": [],
    }
    listed = enrolled("subscribers", "list", "--course", "bread", "--json").json()
    assert [p["address"] for p in listed] == [
        "ann@example.com",
        "bob@example.com",
        "chen@example.org",
    ]


def state(terminal: Terminal, address: str) -> Any:
    return terminal("subscribers", "show", address, "--json").json()["enrollments"][0]["state"]


def test_a_paused_person_gets_nothing_until_resumed(enrolled: Terminal) -> None:
    assert enrolled("subscribers", "pause", "ann@example.com", "--json").json()["enrollments"][0][
        "state"
    ] == ("paused")
    assert enrolled("tick", "--json").json()["sent"] == 2
    assert enrolled("subscribers", "resume", "ann@example.com").code == 0
    assert state(enrolled, "ann@example.com") == "active"
    assert enrolled("tick", "--at", days_from_now(2), "--json").json()["sent"] == 3


def test_somebody_who_leaves_gets_nothing(enrolled: Terminal) -> None:
    answer = enrolled("subscribers", "unsubscribe", "ann@example.com", "--json").json()
    assert (answer["state"], answer["enrollments"][0]["state"]) == ("unsubscribed", "stopped")
    assert enrolled("tick", "--at", days_from_now(30), "--json").json()["sent"] == 2
    assert {letter["To"].addresses[0].addr_spec for letter in letters()} == {
        "bob@example.com",
        "chen@example.org",
    }


def test_restart_begins_a_new_run(enrolled: Terminal) -> None:
    enrolled("tick")
    answer = enrolled("subscribers", "restart", "ann@example.com", "--course", "bread", "--json")
    (enrollment,) = answer.json()["enrollments"]
    assert (enrollment["run"], enrollment["next"], enrollment["sent"]) == (2, "welcome", [])


@pytest.mark.parametrize(
    "arguments",
    [
        ["subscribers", "show", "nobody@example.com"],
        ["subscribers", "pause", "nobody@example.com"],
        ["subscribers", "resume", "nobody@example.com"],
        ["subscribers", "unsubscribe", "nobody@example.com"],
        ["subscribers", "restart", "nobody@example.com", "--course", "bread"],
        ["explain", "nobody@example.com"],
        ["explain", "not an address"],
        ["subscribers", "pause", "ann@example.com", "--course", "cake"],
        ["subscribers", "list", "--course", "cake"],
        ["deliveries", "list", "--course", "cake"],
    ],
)
def test_naming_nobody_is_one_line(enrolled: Terminal, arguments: list[str]) -> None:
    assert enrolled(*arguments).code == 1
    enrolled(*arguments).line()


# the ledger


def test_deliveries_list_shows_every_row(enrolled: Terminal) -> None:
    enrolled("tick")
    rows = enrolled("deliveries", "list", "--json").json()
    assert len(rows) == 3
    for row in rows:
        assert set(row) >= {
            "id",
            "address",
            "course",
            "letter",
            "state",
            "due_at",
            "handed_at",
            "settled_at",
            "attempts",
            "message_id",
        }
        assert (row["course"], row["letter"], row["state"]) == ("bread", "welcome", "sent")
        assert row["attempts"] == 1
        assert all(is_utc(row[at]) for at in ("due_at", "handed_at", "settled_at"))
    assert {row["message_id"] for row in rows} == {letter["Message-ID"] for letter in letters()}
    assert len(enrolled("deliveries", "list", "--limit", "2", "--json").json()) == 2
    assert enrolled("deliveries", "list", "--state", "failed", "--json").json() == []
    assert len(enrolled("deliveries", "list", "--course", "bread", "--json").json()) == 3
    assert "ann@example.com" in enrolled("deliveries", "list").out


def test_explain_says_why_of_every_letter(enrolled: Terminal) -> None:
    enrolled("tick")
    story = enrolled("explain", "ann@example.com", "--json").json()
    assert story["address"] == "ann@example.com"
    (course,) = story["courses"]
    assert course["course"] == "bread"
    assert [letter["letter"] for letter in course["letters"]] == KEYS
    assert course["letters"][0]["state"] == "sent"
    assert all(letter["why"] for letter in course["letters"])
    assert all({"letter", "state", "at", "why"} <= letter.keys() for letter in course["letters"])
    people_read = enrolled("explain", "ann@example.com").out
    assert all(letter["why"] in people_read for letter in course["letters"])


def test_audit_counts_every_letter_owed(enrolled: Terminal) -> None:
    enrolled("tick")
    answer = enrolled("audit", "--json")
    assert answer.code == 0
    assert answer.json() == {
        "owed": 3,
        "pending": 0,
        "sent": 3,
        "failed": 0,
        "in_doubt": 0,
        "cancelled": 0,
        "skipped": 0,
        "violations": [],
        "late": [],
    }


def test_migrate_may_run_again(lettercourse: Terminal) -> None:
    assert lettercourse("migrate").code == 0
    assert lettercourse("migrate").code == 0
    assert lettercourse("subscribers", "list", "--json").json() == []


# tick


def test_tick_delivers_what_is_due_and_then_nothing(enrolled: Terminal) -> None:
    assert enrolled("tick", "--json").json() == {
        "claimed": 3,
        "sent": 3,
        "failed": 0,
        "in_doubt": 0,
        "cancelled": 0,
    }
    assert enrolled("tick", "--json").json()["claimed"] == 0
    assert len(letters()) == 3


def test_a_rehearsal_delivers_everything_once_and_in_order(enrolled: Terminal) -> None:
    for quarter in range(4 * 9):
        assert enrolled("tick", "--at", days_from_now(quarter / 4), "--json").code == 0
    rows = enrolled("deliveries", "list", "--limit", "1000", "--json").json()
    for address in ("ann@example.com", "bob@example.com", "chen@example.org"):
        mine = sorted((r for r in rows if r["address"] == address), key=lambda r: r["handed_at"])
        assert [r["letter"] for r in mine] == KEYS
        assert {r["state"] for r in mine} == {"sent"}
    ids = [letter["Message-ID"] for letter in letters()]
    assert len(ids) == len(set(ids)) == 15
    assert enrolled("audit").code == 0
    assert state(enrolled, "bob@example.com") == "completed"


def test_after_an_outage_a_person_gets_the_one_letter_that_is_due(enrolled: Terminal) -> None:
    enrolled("tick")
    assert enrolled("tick", "--at", days_from_now(20), "--json").json()["sent"] == 3


def test_a_rehearsal_never_goes_back(enrolled: Terminal) -> None:
    assert enrolled("tick", "--at", days_from_now(3)).code == 0
    answer = enrolled("tick", "--at", days_from_now(2))
    assert answer.code == 1
    answer.line()
    assert enrolled("tick", "--at", days_from_now(3)).code == 0


def test_letters_of_a_rehearsal_are_dated_by_it(enrolled: Terminal) -> None:
    at = datetime(2033, 3, 3, 12, tzinfo=UTC)
    enrolled("tick", "--at", "2033-03-03T13:00:00+01:00")
    assert {letter["Date"].datetime for letter in letters()} == {at}


def test_no_rehearsal_where_letters_reach_real_people(
    enrolled: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETTERCOURSE_PROVIDER", "smtp")
    monkeypatch.setenv("LETTERCOURSE_SMTP_URL", "smtp://127.0.0.1:1")
    answer = enrolled("tick", "--at", days_from_now(1))
    assert answer.code == 1
    assert "--force" in answer.line()
    monkeypatch.setenv("LETTERCOURSE_PROVIDER", "maildir")
    assert enrolled("tick", "--json").json()["sent"] == 3  # not marked as rehearsed


def test_a_rehearsed_database_reaches_nobody_real(
    enrolled: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert enrolled("tick", "--at", days_from_now(1)).code == 0
    monkeypatch.setenv("LETTERCOURSE_PROVIDER", "smtp")
    monkeypatch.setenv("LETTERCOURSE_SMTP_URL", "smtp://127.0.0.1:1")
    answer = enrolled("tick")
    assert answer.code == 1
    assert "rehears" in answer.line()
    assert "--force" in answer.line()
    assert enrolled("tick", "--force").code == 0


# the database and the settings


def test_a_database_that_cannot_be_opened_is_one_line(
    bread: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    junk = bread.write("junk.db", b"no database" * 1000)
    monkeypatch.setenv("LETTERCOURSE_DATABASE_URL", f"sqlite:///{junk}")
    assert bread("subscribers", "list").code == 1
    assert "junk.db" in bread("migrate").line()
    monkeypatch.setenv("LETTERCOURSE_DATABASE_URL", f"sqlite:///{junk}/deeper.db")
    bread("audit").line()


def test_every_fault_of_the_settings_is_a_line_of_its_own(
    lettercourse: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETTERCOURSE_PROVIDER", "pigeon")
    monkeypatch.setenv("LETTERCOURSE_SEND_WINDOW", "none")
    monkeypatch.setenv("LETTERCOURSE_PUBLIC_URL", "http://example.org")
    answer = lettercourse("audit")
    assert answer.code == 2
    assert [line.split(": ")[:2] for line in sorted(answer.err.splitlines())] == [
        ["lettercourse", "LETTERCOURSE_PROVIDER"],
        ["lettercourse", "LETTERCOURSE_PUBLIC_URL"],
        ["lettercourse", "LETTERCOURSE_SEND_WINDOW"],
    ]


# stats


def test_stats_count_people_by_letter(enrolled: Terminal) -> None:
    assert enrolled("tick", "--json").json()["sent"] == 3
    enrolled("subscribers", "unsubscribe", "ann@example.com")
    answer = enrolled("stats", "bread", "--json").json()
    assert {name: answer[name] for name in ("course", "enrolled", "active", "completed")} == {
        "course": "bread",
        "enrolled": 3,
        "active": 2,
        "completed": 0,
    }
    assert answer["stopped"] == {"unsubscribed": 1, "bounced": 0, "complained": 0, "course": 0}
    assert [each["letter"] for each in answer["letters"]] == KEYS
    assert answer["letters"][0] == {
        "letter": "welcome",
        "owed": 3,
        "sent": 3,
        "delivered": None,
        "reflected": 0,
        "left": 1,
    }


def test_stats_for_people_show_a_dash_where_nobody_can_know(enrolled: Terminal) -> None:
    enrolled("tick")
    said = enrolled("stats", "./bread").out
    assert "3 enrollments: 3 active, 0 paused, 0 held, 0 completed, 0 stopped." in said
    assert "–" in said
    assert enrolled("stats", "cake").code == 1


# deliveries settle


@pytest.fixture
def doubts(enrolled: Terminal) -> list[str]:
    """The ids of three welcomes that nobody knows whether they arrived."""
    enrolled("tick")
    database = sqlite3.connect(Path(os.environ["LETTERCOURSE_DATA_DIR"]) / "lettercourse.db")
    with database:
        database.execute("UPDATE deliveries SET state = 'in_doubt'")
        database.execute("UPDATE attempts SET outcome = 'unknown', deadline = gated_wall")
    database.close()
    return [each["id"] for each in enrolled("deliveries", "list", "--json").json()]


def test_a_doubt_is_settled_by_name_with_who_and_why(enrolled: Terminal, doubts: list[str]) -> None:
    answer = enrolled("deliveries", "settle", doubts[0], "--as", "sent", "--by", "Ada", "--json")
    assert answer.code == 0
    (settled,) = answer.json()["settled"]
    assert settled == {"id": doubts[0], "was": "in_doubt", "decision": "sent", "state": "sent"}
    address = next(
        each["address"]
        for each in enrolled("deliveries", "list", "--json").json()
        if each["id"] == doubts[0]
    )
    assert "Ada settled it as sent on " in enrolled("explain", address).out
    assert enrolled("audit").code == 0


def test_several_are_settled_at_once_and_each_bad_one_is_told(
    enrolled: Terminal, doubts: list[str]
) -> None:
    enrolled("deliveries", "settle", doubts[0], "--as", "sent")
    answer = enrolled("deliveries", "settle", *doubts, "nothing", "--as", "resend", "--json")
    assert answer.code == 1
    assert [each["id"] for each in answer.json()["settled"]] == doubts[1:]
    refused = {each["id"]: each["why"] for each in answer.json()["refused"]}
    assert refused == {doubts[0]: "it is sent already", "nothing": "there is no such letter"}
    assert enrolled("tick", "--json").json()["sent"] == 2
    rows = enrolled("deliveries", "list", "--json").json()
    assert {letter["Message-ID"] for letter in letters()} == {each["message_id"] for each in rows}
    assert sorted(each["attempts"] for each in rows) == [1, 2, 2]


def test_what_is_refused_is_one_line_each(enrolled: Terminal, doubts: list[str]) -> None:
    enrolled("subscribers", "unsubscribe", "ann@example.com")
    answer = enrolled("deliveries", "settle", *doubts, "--as", "resend")
    assert (answer.code, answer.out) == (1, "2 letters settled as resend.\n")
    assert answer.err.count("\n") == 1
    assert "it is not sent again: they unsubscribed" in answer.err


def test_all_doubts_of_a_course_are_settled_at_once(enrolled: Terminal, doubts: list[str]) -> None:
    answer = enrolled(
        "deliveries", "settle", "--all", "--course", "bread", "--as", "failed", "--json"
    )
    assert sorted(each["id"] for each in answer.json()["settled"]) == sorted(doubts)
    assert {each["state"] for each in enrolled("deliveries", "list", "--json").json()} == {"failed"}
    again = enrolled("deliveries", "settle", "--all", "--as", "failed", "--json")
    assert (again.code, again.json()) == (0, {"settled": [], "refused": []})


@pytest.mark.parametrize(
    "arguments",
    [
        ["--as", "sent"],
        ["--all", "x", "--as", "sent"],
        ["x"],
        ["x", "--as", "lost"],
        ["x", "--course", "bread", "--as", "sent"],
    ],
)
def test_settling_needs_letters_and_a_decision(enrolled: Terminal, arguments: list[str]) -> None:
    assert enrolled("deliveries", "settle", *arguments).code == 2


def test_a_long_list_says_that_there_are_more(bread: Terminal) -> None:
    rows = "".join(f"p{number:03}@example.com\n" for number in range(120))
    assert bread("enroll", "bread", "-", stdin=f"email\n{rows}".encode()).code == 0
    shown = bread("subscribers", "list")
    assert shown.out.endswith("100 people.\n")
    assert "p099@example.com" in shown.out
    assert "p100@example.com" not in shown.out
    assert "--limit N shows them" in shown.err
    assert len(bread("subscribers", "list", "--json").json()) == 120
    everybody = bread("subscribers", "list", "--limit", "120")
    assert everybody.out.endswith("120 people.\n")
    assert everybody.err == ""
