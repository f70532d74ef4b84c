"""What SendGrid makes of an accepted call: one mail for each recipient, tags filled in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from hashlib import sha256
from typing import Any


@dataclass(frozen=True)
class Accepted:
    """One mail to one recipient, as it would leave SendGrid.

    Attributes:
        call: number of the call it came in, from 1.
        message_id: the ``X-Message-Id`` of the call's answer.
        headers: the custom ones; per recipient before common ones.
        custom_args: likewise; SendGrid repeats them in every event.
        tracked: which of ``click_tracking``, ``open_tracking``, ``subscription_tracking`` were
            not switched off: an account may have any of them on.
    """

    call: int
    message_id: str
    recipient: str
    name: str
    sender: str
    sender_name: str
    reply_to: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    custom_args: Mapping[str, str]
    categories: tuple[str, ...]
    tracked: frozenset[str]

    def reply(self, text: str, *, charset: str = "utf-8", **headers: str) -> EmailMessage:
        """Return what this recipient's mail program sends when they press reply.

        Args:
            text: what they write; nothing is quoted.
            charset: what the body is encoded in.
            headers: more headers; ``_`` stands for ``-`` in their names.
        """
        mail = EmailMessage()
        mail["From"] = self.recipient
        mail["To"] = self.reply_to or self.sender
        mail["Subject"] = f"Re: {self.subject}"
        digest = sha256(f"{self.recipient} {self.message_id} {text}".encode()).hexdigest()
        mail["Message-ID"] = f"<{digest[:32]}@mail.example>"
        mail["Date"] = "Mon, 02 Mar 2026 09:00:00 +0000"
        if original := self.headers.get("Message-ID"):
            mail["In-Reply-To"] = original
            mail["References"] = original
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text, charset=charset)
        return mail


def accept(mail: Mapping[str, Any], message_id: str, call: int) -> Iterator[Accepted]:
    """Yield the mails of a call that passed every rule."""
    tracking = mail.get("tracking_settings", {})
    tracked = frozenset(
        name
        for name in ("click_tracking", "open_tracking", "subscription_tracking")
        if True in {tracking.get(name, {}).get(key, True) for key in _switches(name)}
    )
    parts = {part["type"]: part["value"] for part in mail.get("content", [])}
    for block in mail["personalizations"]:
        fill = _filler(block.get("substitutions", {}))
        sender = block.get("from", mail["from"])
        for person in [*block["to"], *block.get("cc", []), *block.get("bcc", [])]:
            yield Accepted(
                call=call,
                message_id=message_id,
                recipient=person["email"],
                name=person.get("name", ""),
                sender=sender["email"],
                sender_name=sender.get("name", ""),
                reply_to=fill(mail.get("reply_to", {}).get("email", "")),
                subject=fill(block.get("subject", mail.get("subject", ""))),
                text=fill(parts.get("text/plain", "")),
                html=fill(parts.get("text/html", "")),
                headers={**mail.get("headers", {}), **block.get("headers", {})},
                custom_args={**mail.get("custom_args", {}), **block.get("custom_args", {})},
                categories=tuple(mail.get("categories", ())),
                tracked=tracked,
            )


def is_sandboxed(mail: Mapping[str, Any]) -> bool:
    """Whether the call is only to be checked."""
    return mail.get("mail_settings", {}).get("sandbox_mode", {}).get("enable") is True


def _switches(name: str) -> tuple[str, ...]:
    return ("enable", "enable_text") if name == "click_tracking" else ("enable",)


def _filler(substitutions: Mapping[str, str]) -> Callable[[str], str]:
    """Return what replaces every tag once; what a value brings along is not looked at again."""
    longest_first = sorted(substitutions, key=len, reverse=True)
    tags = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
    return lambda text: tags.sub(lambda tag: substitutions[tag[0]], text)
