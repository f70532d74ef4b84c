"""A course as a conversation: letters out through a strict SendGrid, and what comes back.

Real processes, real HTTP: ``lettercourse web`` holds the doors open, ``lettercourse tick --at``
goes through the days, and the SendGrid of ``tests/peers`` takes the letters, posts its events and
passes replies on.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import course
from tests.acceptance.processes import ROOT, inherited, running, wait_for
from tests.peers.sendgrid import SendGrid, sendgrid
from tests.peers.sendgrid_hooks import Inbound, repeated
from tests.peers.sendgrid_mail import Accepted

SAMPLE = Path(course.__file__).parent / "samples" / "stay-motivated"
ANNA, BEN = "anna@example.com", "ben@example.com"
DAY_ONE = datetime(2099, 3, 2, 7, tzinfo=UTC)
GOAL = (
    "A map of all the benches.\n\n- with photos\n- and who sat there\n\nThanks,\nfor asking that."
)
SUPPORT = "Größere Kreise, ehrlich gesagt: <b>meine Schwester</b>."


@dataclass(frozen=True)
class Way:
    """The way out and back.

    Attributes:
        door: the address of the web door.
    """

    settings: dict[str, str]
    sendgrid: SendGrid
    door: str

    def lettercourse(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "worker", *arguments],
            env={**inherited(), **self.settings},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def answer(self, *arguments: str) -> Any:
        return json.loads(self.lettercourse(*arguments, "--json"))

    def live(self, day: int) -> list[Accepted]:
        """Go on to a day's morning; return what SendGrid has accepted on the way."""
        before = len(self.sendgrid.accepted)
        at = DAY_ONE + timedelta(days=day, hours=2)
        self.lettercourse("tick", "--at", at.isoformat(), "--force")
        return self.sendgrid.accepted[before:]

    def reply(self, mail: Accepted, words: str, **how: Any) -> None:
        """Have a letter answered as a mail program does it, and passed on by SendGrid."""
        written = mail.reply(f"{words}\n\nOn Monday, Lettercourse wrote:\n> {mail.subject}\n")
        hook = f"{self.door}/hooks/sendgrid/inbound".replace("://", "://any:the-inbound-secret@")
        verdict = Inbound(dkim="{@example.com : pass}")
        assert self.sendgrid.post_reply(hook, written, verdict, **how) == [200]

    def stands(self, address: str) -> Any:
        return self.answer("subscribers", "show", address)


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    with sendgrid(verified=("example.org",)) as peer:
        settings = {
            "LETTERCOURSE_DATA_DIR": str(tmp_path / "data"),
            "LETTERCOURSE_PROVIDER": "sendgrid",
            "LETTERCOURSE_SENDGRID_API_KEY": peer.api_key,
            "LETTERCOURSE_SENDGRID_URL": peer.url,
            "LETTERCOURSE_SENDGRID_EVENT_KEY": peer.event_key,
            "LETTERCOURSE_INBOUND_SECRET": "the-inbound-secret",
            "LETTERCOURSE_REPLY_DOMAIN": "reply.example.org",
        }
        command = (sys.executable, "-m", "worker", "web", "--port", "0")
        with running(command, settings, tmp_path / "log") as web:
            wait_for(lambda: "http://" in web.output, 20, web, what="the announcement")
            found = re.search(r"http://[\d.:]+", web.output)
            assert found is not None
            yield Way(settings, peer, found[0])
            assert "Traceback" not in web.output
            assert "example.com" not in web.output


def one(mails: list[Accepted], address: str) -> Accepted:
    (mail,) = [each for each in mails if each.recipient == address]
    return mail


def test_a_whole_course_is_a_conversation(way: Way, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text(f"email,name,start\n{ANNA},Anna,2099-03-02\n{BEN},Ben,2099-03-02\n")
    way.lettercourse("publish", str(SAMPLE))
    way.lettercourse("enroll", "stay-motivated", str(people))

    welcomes = way.live(0)
    assert {mail.recipient for mail in welcomes} == {ANNA, BEN}
    events = [
        each for mail in welcomes for each in way.sendgrid.events(mail, "processed", "delivered")
    ]
    hook = f"{way.door}/hooks/sendgrid/events"
    assert way.sendgrid.post_events(hook, repeated(events, 3)) == [204]
    assert way.sendgrid.post_events(hook, events, signed=False) == [401]

    goals = way.live(1)
    way.reply(one(goals, ANNA), GOAL, mode="parsed")
    way.reply(one(goals, ANNA), GOAL, mode="parsed")  # once more, as after a time-out
    support = way.live(2)
    way.reply(one(support, ANNA), SUPPORT, mode="raw")

    link = re.search(r"<(http[^>]+)>", one(support, BEN).headers["List-Unsubscribe"])
    assert link is not None
    path = httpx.URL(link[1]).path
    left = httpx.post(f"{way.door}{path}", data={"List-Unsubscribe": "One-Click"})
    assert (left.status_code, left.history, left.cookies) == (200, [], httpx.Cookies())

    rest = [mail for day in range(3, 9) for mail in way.live(day)]
    assert {mail.recipient for mail in rest} == {ANNA}
    assert len(way.sendgrid.accepted_for(ANNA)) == 8
    assert way.stands(BEN)["state"] == "unsubscribed"

    told = way.answer("reflections", "stay-motivated")
    kept = sorted(
        (each["address"], each["lesson"], each["text"], each["verified"]) for each in told
    )
    assert kept == [(ANNA, "goals", GOAL, True), (ANNA, "support", SUPPORT, True)]
    assert way.stands(ANNA)["enrollments"][0]["reflections"] == ["goals", "support"]

    finale = way.sendgrid.accepted_for(ANNA)[-1]
    assert "A map of all the benches." in finale.html
    assert "&lt;b&gt;meine Schwester&lt;/b&gt;" in finale.html
    assert "who sat there" in finale.text
    assert "Größere Kreise" in finale.text
    assert way.answer("audit")["violations"] == []
