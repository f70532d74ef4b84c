"""Mail as people and machines send it, and a world whose letters have reply addresses."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from hashlib import sha256

from tests.worker.ledger import World
from worker.inbound import InboundMail, MailReader
from worker.links import Links
from worker.receiving import Received, Receiver, receive

REPLIES = "reply.example.org"
LINKS = Links("https://courses.example.org", ["a secret of at least sixteen bytes"], REPLIES)


def mail(
    text: str,
    *,
    sender: str = "ben@example.net",
    to: str = f"nobody@{REPLIES}",
    subject: str = "Re: Goals",
    message_id: str | None = "",
    refers_to: str = "",
    **headers: str,
) -> bytes:
    """Return a mail; without a ``message_id`` one that follows from all else, ``None``: none."""
    made = EmailMessage()
    made["From"] = sender
    made["To"] = to
    made["Subject"] = subject
    made["Date"] = "Mon, 02 Mar 2026 09:00:00 +0000"
    if refers_to:
        made["In-Reply-To"] = made["References"] = refers_to
    if message_id is not None:
        digest = sha256(f"{sender} {to} {subject} {text}".encode()).hexdigest()[:24]
        made["Message-ID"] = message_id or f"<{digest}@mail.example>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made.as_bytes()


def bounce(to: str, *, status: str = "5.1.1", action: str = "failed", original: str = "") -> bytes:
    """Return a report that a letter did not arrive (RFC 3464)."""
    original_headers = f"Message-ID: {original}\r\n" if original else ""
    return (
        f"From: Mail Delivery System <mailer-daemon@mx.example.net>\r\nTo: {to}\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n"
        f"Message-ID: <bounce-{status}-{action}@mx.example.net>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nI'm sorry to have to tell you this.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example.net\r\n\r\n"
        f"Final-Recipient: rfc822; ben@example.net\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} no such user\r\n"
        f"\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{original_headers}"
        "Subject: Goals\r\n\r\n--b--\r\n"
    ).encode()


@dataclass
class PostOffice:
    """A world that takes mail in."""

    world: World
    reader: MailReader

    def sent(self, name: str = "ben") -> list[str]:
        """Return the ids of somebody's deliveries that were handed over, the oldest first."""
        records = reversed(self.world.store.deliveries())
        return [
            each.id
            for each in records
            if each.address == f"{name}@example.net" and each.handed_at is not None
        ]

    def reply_to(self, text: str, delivery_id: str, **how: str) -> bytes:
        """Return a mail to the reply address of a delivery."""
        return mail(text, to=LINKS.reply_address(delivery_id), **how)

    def take(
        self,
        raw: bytes,
        *,
        vouched: tuple[str, ...] = ("example.net",),
        sender: str | None = None,
        to: tuple[str, ...] = (),
    ) -> Received:
        receiver = Receiver(self.world.store, LINKS, self.reader, self.world.clock)
        return receive(receiver, InboundMail(raw, sender, to, vouched))
