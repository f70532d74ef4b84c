"""An installation that runs as a process, and what somebody at a browser does with it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from uuid import uuid4

from playwright.sync_api import Page, Response

import course
from tests.acceptance.processes import ROOT, Process, inherited, wait_for
from tests.peers.sendgrid_hooks import Signer, events_body, post

SAMPLE = Path(course.__file__).parent / "samples" / "stay-motivated"


@dataclass(frozen=True)
class House:
    """A running installation.

    Attributes:
        url: of its web door.
        folder: its data folder.
        signer: signs what the provider tells it.
    """

    url: str
    folder: Path
    process: Process
    signer: Signer

    def lettercourse(self, *arguments: str, mail: bytes = b"") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "worker", *arguments],
            input=mail,
            env={**inherited(), **settings(self.url, self.folder)},
            cwd=ROOT,
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def mail(
        self, address: str, wanted: Callable[[EmailMessage], object], number: int = 1
    ) -> EmailMessage:
        """Return a mail that somebody got, once so many have come."""
        found: list[EmailMessage] = []

        def has_come() -> bool:
            letters = map(read, (self.folder / "maildir" / "new").glob("*.eml"))
            found[:] = [each for each in letters if recipient(each) == address and wanted(each)]
            return len(found) >= number

        wait_for(has_come, 30, self.process, what="the mail")
        return found[0]

    def hear(self, letter: EmailMessage, kind: str, **more: str) -> None:
        """Have the provider tell something about a letter, in a signed post."""
        now = int(time.time())
        event = {
            "email": recipient(letter),
            "event": kind,
            "timestamp": now,
            "sg_event_id": uuid4().hex,
            "smtp-id": str(letter["Message-ID"]),
            **more,
        }
        body = events_body([event])
        headers = {**self.signer.headers(body, now), "Content-Type": "application/json"}
        hook = f"{self.url}/hooks/sendgrid/events"
        assert post(hook, body, headers, tries=1, pause=0.0, timeout=10.0) == [204]


def settings(url: str, folder: Path) -> dict[str, str]:
    return {
        "LETTERCOURSE_DATA_DIR": str(folder),
        "LETTERCOURSE_PUBLIC_URL": url,
        "LETTERCOURSE_REPLY_DOMAIN": "reply.example.org",
    }


def read(path: Path) -> EmailMessage:
    return BytesParser(policy=policy.default).parsebytes(path.read_bytes())


def recipient(letter: EmailMessage) -> str:
    return str(letter["To"].addresses[0].addr_spec)


def link(letter: EmailMessage, door: str) -> str:
    """Return the address in a letter that leads to one of our doors."""
    text = letter.get_body(("plain",))
    assert text is not None
    found = re.search(rf"http://\S+/{door}/\S+", text.get_content())
    assert found is not None, text.get_content()
    return found[0]


def is_letter(letter: EmailMessage) -> bool:
    return letter["List-Id"] is not None


def go(page: Page, url: str, status: int = 200) -> Response:
    answer = page.goto(url)
    assert answer is not None
    assert answer.status == status
    return answer


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def sign_up(page: Page, house: House, address: str) -> None:
    go(page, f"{house.url}/subscribe/stay-motivated")
    page.get_by_label("Your email address").fill(address)
    page.get_by_label("Your first name").fill("Anna")
    page.get_by_label("Where are you?").select_option("Europe/Berlin")
    press(page, "Send me the course")


def join(page: Page, house: House, address: str) -> EmailMessage:
    """Sign up, confirm and return the welcome."""
    sign_up(page, house, address)
    go(page, link(house.mail(address, lambda each: not is_letter(each)), "confirm"))
    press(page, "Yes, start the course")
    return house.mail(address, is_letter)
