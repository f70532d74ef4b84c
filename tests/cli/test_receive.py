from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.worker.post import mail

REPLIES = "reply.bakery.example"
TRUSTED = b"Authentication-Results: mx.bakery.example; spf=pass smtp.mailfrom=ann@example.com\n"


@pytest.fixture
def sent(enrolled: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Everybody got the welcome; replies come to a domain of ours."""
    monkeypatch.setenv("LETTERCOURSE_REPLY_DOMAIN", REPLIES)
    monkeypatch.setenv("LETTERCOURSE_AUTHSERV_ID", "mx.bakery.example")
    assert enrolled("tick", "--at", "2030-01-01T12:00Z").code == 0
    return enrolled


def mail_of(lettercourse: Terminal, key: str, address: str) -> EmailMessage:
    """Return the letter that somebody got."""
    ledger = lettercourse("deliveries", "list", "--json").json()
    (wanted,) = (
        each["message_id"] for each in ledger if (each["letter"], each["address"]) == (key, address)
    )
    folder = Path(os.environ["LETTERCOURSE_DATA_DIR"]) / "maildir" / "new"
    mails = (BytesParser(policy=default).parsebytes(each.read_bytes()) for each in folder.iterdir())
    return next(each for each in mails if each["Message-ID"] == wanted)


def letter(lettercourse: Terminal, key: str = "welcome", address: str = "ann@example.com") -> str:
    """Return the reply address of the letter that somebody got."""
    return str(mail_of(lettercourse, key, address)["Reply-To"].addresses[0].addr_spec)


def test_a_mail_from_standard_input_becomes_a_reflection(sent: Terminal) -> None:
    raw = TRUSTED + mail("I fed the starter.", sender="ann@example.com", to=letter(sent))
    assert sent("receive", stdin=raw).out == (
        "reflection, bread/welcome: it was sent to a letter's reply address\n"
    )
    assert sent("receive", stdin=raw).out.startswith("reflection, bread/welcome, known already: ")
    (found,) = sent("reflections", "bread", "--json").json()
    assert found["message_id"].startswith("<")
    assert found["received_at"].endswith("+00:00")
    assert {key: found[key] for key in ("address", "course", "lesson", "text", "verified")} == {
        "address": "ann@example.com",
        "course": "bread",
        "lesson": "welcome",
        "text": "I fed the starter.",
        "verified": True,
    }
    (ann,) = [
        each["enrollments"][0]
        for each in sent("subscribers", "list", "--json").json()
        if each["address"] == "ann@example.com"
    ]
    assert ann["reflections"] == ["welcome"]


def test_the_envelope_can_be_given(sent: Terminal) -> None:
    raw = mail("Pause", sender="ann@example.com", to="mira@bakery.example")
    answer = sent("receive", "--from", "ann@example.com", "--to", letter(sent), "--json", stdin=raw)
    assert answer.json() == {
        "kind": "reflection",
        "why": "it says pause, not verified",
        "is_new": True,
        "answer": "not-verified",
        "course": "bread",
        "lesson": "welcome",
        "verified": False,
    }
    empty = sent("receive", "--from", "", "--to", letter(sent), "--json", stdin=mail("Away."))
    assert empty.json()["kind"] in {"machine", "bounce"}


def test_a_command_acts(sent: Terminal) -> None:
    raw = TRUSTED + mail("PAUSE", sender="ann@example.com", to=letter(sent))
    assert sent("receive", stdin=raw).out.startswith("command, bread/welcome: ")
    shown = sent("subscribers", "show", "ann@example.com", "--json").json()
    assert shown["enrollments"][0]["state"] == "paused"


def test_a_stranger_s_mail_and_an_empty_one_are_kept(lettercourse: Terminal) -> None:
    for raw in (mail("Who are you?"), b""):
        assert lettercourse("receive", "--json", stdin=raw).json()["kind"] == "stranger"


def test_a_fault_of_ours_says_try_again(
    lettercourse: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lettercourse.folder.parent / "data"
    folder.write_text("not a folder")
    answer = lettercourse("receive", stdin=mail("Kept for later."))
    assert (answer.code, answer.out) == (75, "")
    assert answer.err.startswith("lettercourse: ")
    monkeypatch.setenv("LETTERCOURSE_REPLY_DOMAIN", "no domain")
    monkeypatch.setenv("LETTERCOURSE_PROVIDER", "pigeon")
    answer = lettercourse("receive", stdin=mail("Kept for later."))
    assert (answer.code, answer.err.count("\n")) == (75, 2)


def test_as_a_process_it_takes_a_mail_and_is_gone(sent: Terminal) -> None:
    raw = mail("From a pipe.", sender="ann@example.com", to=letter(sent))
    done = subprocess.run(
        [sys.executable, "-m", "worker", "receive"], input=raw, capture_output=True, timeout=60,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"reflection, bread/welcome")


def test_reflections_of_one_lesson_and_as_a_sheet(sent: Terminal) -> None:
    sent("receive", stdin=mail('=1+1 is "two",\nreally', sender="ann@example.com", to=letter(sent)))
    assert sent("reflections", "bread", "--lesson", "baking", "--json").json() == []
    sheet = list(csv.DictReader(io.StringIO(sent("reflections", "bread", "--csv").out)))
    assert [row["text"] for row in sheet] == ['\'=1+1 is "two",\nreally']
    assert [row["verified"] for row in sheet] == ["false"]
    told = sent("reflections", "bread").out
    assert "welcome  ann@example.com, not verified" in told
    assert "    really" in told
    assert "1 reflection." in told


def test_a_lesson_that_is_not_there_is_told_with_those_that_are(sent: Terminal) -> None:
    line = sent("reflections", "bread", "--lesson", "kneading").line()
    assert 'there is no lesson "kneading"' in line
    assert "folding" in line
    assert "choose --json or --csv" in sent("reflections", "bread", "--csv", "--json").line()


def test_the_finale_gives_back_what_was_written(sent: Terminal) -> None:
    assert sent("tick", "--at", "2030-01-02T12:00Z").code == 0
    words = "- a jar\n- a warm shelf\n\nThanks, it <rises> & smells."
    raw = TRUSTED + mail(words, sender="ann@example.com", to=letter(sent, "starter"))
    friend = mail("I am a friend.", sender="eve@friend.example", to=letter(sent, "starter"))
    for each in (raw, friend):
        assert "reflection, bread/starter" in sent("receive", stdin=each).out
    for day in range(3, 8):
        assert sent("tick", "--at", f"2030-01-0{day}T12:00Z").code == 0
    finale = mail_of(sent, "finale", "ann@example.com")
    text, html = (finale.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    assert "- a jar" in text
    assert "it <rises> & smells." in text
    assert "it &lt;rises&gt; &amp; smells." in html
    assert "friend" not in text + html
