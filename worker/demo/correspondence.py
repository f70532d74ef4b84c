"""What the demo's people do with the letters in their mailboxes: reply, and leave by a link."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import make_msgid
from pathlib import Path
from urllib.request import Request, urlopen

from course.errors import LettercourseError

PATIENCE = 30.0
"""Seconds after which a door must have answered."""

_BOUNDARY = "demo-3f6c1d8be0a94c57"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One person's letters, in the Maildir that everybody's lie in.

    Args:
        maildir: where the letters were delivered to.
        address: whose they are.
    """

    maildir: Path
    address: str

    def newest(self) -> EmailMessage:
        """Return the letter that came last.

        Raises:
            LettercourseError: none has come.
        """
        letters = [
            letter
            for path in (self.maildir / "new").iterdir()
            if self.address in (letter := _read(path))["To"]
        ]
        if not letters:
            raise LettercourseError("no letter has come", where=self.address)
        return max(letters, key=lambda letter: letter["Date"].datetime)

    def leave(self) -> None:
        """Press the button that a mail program shows beside the letter (RFC 8058)."""
        letter = self.newest()
        link = re.search(r"<(https?://[^>]+)>", letter["List-Unsubscribe"])
        assert link is not None  # noqa: S101
        _post(link[1], letter["List-Unsubscribe-Post"].encode(), {})

    def reply(self, words: str, at: datetime, hook: str, secret: str) -> None:
        """Answer the newest letter, as SendGrid's Inbound Parse passes a reply on in raw mode.

        Args:
            words: what they write above the quoted letter.
            at: when they do.
            hook: the address of the inbound hook.
            secret: its password.
        """
        letter = self.newest()
        answer = _answer(letter, self.address, words, at)
        sender = self.address.rpartition("@")[2]
        fields = {
            "envelope": json.dumps({"to": [answer["To"]], "from": self.address}),
            "dkim": f"{{@{sender} : pass}}",
            "SPF": "pass",
            "charsets": "{}",
            "email": answer.as_bytes(policy=policy.SMTP).decode("ascii"),
        }
        parts = (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        body = "".join((*parts, f"--{_BOUNDARY}--\r\n")).encode()
        password = b64encode(f"demo:{secret}".encode()).decode()
        _post(
            hook,
            body,
            {
                "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
                "Authorization": f"Basic {password}",
            },
        )


def html_of(letter: EmailMessage) -> str:
    """Return a letter's HTML part."""
    part = letter.get_body(("html",))
    assert part is not None  # noqa: S101
    content = part.get_content()
    assert isinstance(content, str)  # noqa: S101
    return content


def _answer(letter: EmailMessage, address: str, words: str, at: datetime) -> EmailMessage:
    text = letter.get_body(("plain",))
    assert text is not None  # noqa: S101
    quoted = "".join(f"> {line}\n" for line in text.get_content().splitlines())
    answer = EmailMessage()
    answer["From"] = address
    answer["To"] = letter["Reply-To"]
    answer["Subject"] = f"Re: {letter['Subject']}"
    answer["Date"] = at
    answer["Message-ID"] = make_msgid(domain=address.rpartition("@")[2])
    answer["In-Reply-To"] = letter["Message-ID"]
    answer["References"] = letter["Message-ID"]
    wrote = f"On {letter['Date'].datetime:%a, %d %b %Y at %H:%M}, {letter['From']} wrote:"
    answer.set_content(f"{words}\n\n{wrote}\n{quoted}", cte="quoted-printable")
    return answer


def _read(path: Path) -> EmailMessage:
    with path.open("rb") as file:
        return BytesParser(policy=policy.default).parse(file)


def _post(url: str, body: bytes, headers: dict[str, str]) -> None:
    with urlopen(Request(url, body, headers), timeout=PATIENCE):  # noqa: S310
        return
