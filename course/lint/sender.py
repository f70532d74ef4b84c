"""Who the letters come from."""

from __future__ import annotations

from collections.abc import Iterator

from course.lint.rule import Checked, Example, Spot, rule
from course.model import Level

_BELONG_TO = {
    "aol.com": "AOL",
    "gmail.com": "Gmail",
    "googlemail.com": "Gmail",
    "icloud.com": "iCloud",
    "mac.com": "iCloud",
    "mail.ru": "Mail.ru",
    "me.com": "iCloud",
    "yahoo.com": "Yahoo",
    "ymail.com": "Yahoo",
}
"""Domains whose owners tell others by DMARC to refuse or to quarantine what they did not send."""


@rule(
    "sender-missing",
    Level.ERROR,
    "A sender without name, address or postal address",
    why="The law of many countries wants all three in every letter, and readers want to know who "
    "writes. For an article without a manifest it is a reminder.",
    remedy="fill them in under [sender]",
    also=(Level.INFO,),
    example=Example(manifest='[sender]\nname = "Mira Hollis"\nemail = "mira@bakery.example"\n'),
)
def sender_missing(checked: Checked) -> Iterator[Spot]:
    """Publishing needs all of it."""
    course = checked.course
    sender = course.sender
    if sender is None:
        yield Spot(
            0,
            "publishing needs a course.toml with a sender",
            Level.INFO,
            "name the folder of one, or write it with `lettercourse new`",
        )
        return
    values = {
        "name": sender.name,
        "email": sender.email,
        "postal_address": sender.postal_address,
    }
    missing = [key for key, value in values.items() if not value]
    if missing:
        yield Spot(
            course.manifest_lines.get("sender", 0),
            f"the sender has no {', '.join(missing)}",
            in_manifest=True,
        )


@rule(
    "freemail-sender",
    Level.INFO,
    "A sender at a mailbox provider that lets nobody else send for it",
    why="These providers publish a DMARC policy under which mailboxes refuse or hide a letter that "
    "comes from any server but theirs, and the large ones say so in their rules for senders.",
    remedy="use an address of a domain of your own, unless you send through that provider's own "
    "server",
    example=Example(
        manifest='[sender]\nname = "Mira Hollis"\nemail = "mira.hollis@gmail.com"\n'
        'postal_address = "Bakery Lane 1, 12345 Crumbton"\n'
    ),
)
def freemail_sender(checked: Checked) -> Iterator[Spot]:
    """Only those whose policy is known."""
    sender = checked.course.sender
    provider = _BELONG_TO.get(sender.email.rpartition("@")[2].lower()) if sender else None
    if provider:
        lines = checked.course.manifest_lines
        line = lines.get("sender.email", lines.get("sender", 0))
        message = f"mailboxes will mistrust letters from {provider} that {provider} did not send"
        yield Spot(line, message, in_manifest=True)
