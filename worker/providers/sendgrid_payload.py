"""Letters as the bodies of SendGrid's POST /v3/mail/send, built with SendGrid's own library.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send and the pages beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import TypeVar

from sendgrid.helpers.mail import (
    ClickTracking,
    Content,
    CustomArg,
    Email,
    From,
    Header,
    Mail,
    MailSettings,
    MimeType,
    OpenTracking,
    Personalization,
    ReplyTo,
    SandBoxMode,
    SubscriptionTracking,
    Substitution,
    To,
    TrackingSettings,
)

from course.batch import share
from course.fill import fill_html, fill_subject, fill_text
from course.mail.mime import sender_address
from worker.model import Message

_Mailbox = TypeVar("_Mailbox", bound=Email)

DELIVERY = "lettercourse_delivery"
"""The custom argument that every event about a letter repeats; nothing in it is personal."""

COMMON_REPLY = "reply"
"""The local part of the reply address of a batch, which has one Reply-To for everybody."""

MOST_SUBSTITUTED = 10_000
MOST_TAGS = 150

_NOT_OURS_TO_SET = frozenset(
    {
        *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type"),
        *("content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc"),
        *("mime-version", "date"),
    }
)
"""Headers that SendGrid reserves, and those that it writes itself."""


@dataclass(frozen=True, slots=True)
class _Letter:
    """What one person's letter says."""

    sender: str
    sender_name: str
    reply_to: str
    name: str
    subject: str
    text: str
    html: str


def single(message: Message, *, sandbox: bool) -> bytes:
    """Return the call that carries one message to one recipient, with its own Reply-To."""
    letter = _filled(message)
    mail = _call(letter.sender, letter.sender_name, letter.reply_to, sandbox=sandbox)
    mail.subject = letter.subject
    _add_parts(mail, letter.text, letter.html)
    mail.add_personalization(_personalization(message, letter.name, headers(message.mime)))
    return _json(mail)


@dataclass(frozen=True, slots=True)
class Batch:
    """One call for several messages.

    Attributes:
        body: its JSON.
        messages: those in it; the number of each is that of its personalization.
        left_over: those that do not fit and go alone.
    """

    body: bytes
    messages: tuple[Message, ...]
    left_over: tuple[Message, ...]


def batch(messages: Sequence[Message], *, sandbox: bool) -> Batch:
    """Return one call for messages of one letter, at most as many as SendGrid takes.

    A message goes alone when it has no content of its own, when its address stands in the call
    already, or when what differs in it is more than SendGrid substitutes.
    """
    fit = _distinct(messages)
    contents = [message.content for message in fit if message.content]
    if not contents:
        return Batch(b"", (), tuple(messages))
    first = contents[0]
    reply_to = first.values.reply_to
    common = f"{COMMON_REPLY}@{reply_to.rpartition('@')[2]}" if reply_to else ""
    author = sender_address(first.author)
    shared = share(first.letter, [content.values for content in contents])
    all_headers = [headers(message.mime) for message in fit]
    for_all = _common(all_headers)
    subjects = [fill_subject(content.letter, content.values) for content in contents]
    mail = _call(author, first.author.name, common or author, sandbox=sandbox)
    mail.subject = subjects[0]
    _add_headers(mail, for_all)
    _add_parts(mail, shared.text, shared.html)
    carried: list[Message] = []
    for number, message in enumerate(fit):
        substitutions = shared.substitutions[number]
        if len(substitutions) > MOST_TAGS or _size(substitutions) > MOST_SUBSTITUTED:
            continue
        own = {name: it for name, it in all_headers[number].items() if name not in for_all}
        person = _personalization(message, contents[number].values.name, own)
        if subjects[number] != subjects[0]:
            person.subject = subjects[number]
        for tag, text in substitutions.items():
            person.add_substitution(Substitution(tag, text))
        mail.add_personalization(person, index=len(carried))  # the default is to put it first
        carried.append(message)
    inside = {id(message) for message in carried}
    left_over = tuple(message for message in messages if id(message) not in inside)
    return Batch(_json(mail), tuple(carried), left_over)


def headers(mime: bytes) -> dict[str, str]:
    """Return the headers that SendGrid is to add, each on one line."""
    block = mime.partition(b"\r\n\r\n")[0].decode("ascii")
    lines = re.sub("\r\n(?=[ \t])", "", block).split("\r\n")
    pairs = ((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    return {name: value for name, value in pairs if name.lower() not in _NOT_OURS_TO_SET}


def _filled(message: Message) -> _Letter:
    content = message.content
    if content is None:
        return _parsed(message)
    author = sender_address(content.author)
    return _Letter(
        sender=author,
        sender_name=content.author.name,
        reply_to=content.values.reply_to or author,
        name=content.values.name,
        subject=fill_subject(content.letter, content.values),
        text=fill_text(content.letter, content.values),
        html=fill_html(content.letter, content.values),
    )


def _parsed(message: Message) -> _Letter:
    """Read a message that comes without what it was filled from."""
    mail = message_from_bytes(message.mime, _class=EmailMessage, policy=default)
    senders, replies = mail["From"].addresses, mail["Reply-To"]
    parts = {kind: mail.get_body((kind,)) for kind in ("plain", "html")}
    texts = {kind: part.get_content() if part else "" for kind, part in parts.items()}
    return _Letter(
        sender=senders[0].addr_spec,
        sender_name=senders[0].display_name,
        reply_to=(replies.addresses if replies else senders)[0].addr_spec,
        name="",
        subject=str(mail["Subject"]),
        text=texts["plain"],
        html=texts["html"],
    )


def _call(sender: str, sender_name: str, reply_to: str, *, sandbox: bool) -> Mail:
    """Return a call without people: who writes, and nothing that watches the reader."""
    mail = Mail()
    mail.from_email = _mailbox(From(), sender, sender_name)
    mail.reply_to = _mailbox(ReplyTo(), reply_to, "")
    mail.tracking_settings = TrackingSettings(
        click_tracking=ClickTracking(enable=False, enable_text=False),
        open_tracking=OpenTracking(enable=False),
        subscription_tracking=SubscriptionTracking(enable=False),
    )
    if sandbox:
        mail.mail_settings = MailSettings(sandbox_mode=SandBoxMode(enable=True))
    return mail


def _add_parts(mail: Mail, text: str, html: str) -> None:
    for kind, value in ((MimeType.text, text), (MimeType.html, html)):
        if value:
            mail.add_content(Content(kind, value))


def _add_headers(whole: Mail | Personalization, given: Mapping[str, str]) -> None:
    for name, value in given.items():
        whole.add_header(Header(name, value))


def _personalization(message: Message, name: str, own: Mapping[str, str]) -> Personalization:
    person = Personalization()
    person.add_to(_mailbox(To(), message.recipient, " ".join(name.translate(_COMMAS).split())))
    person.add_custom_arg(CustomArg(DELIVERY, message.delivery_id))
    _add_headers(person, own)
    return person


_COMMAS = str.maketrans(",;", "  ")
"""SendGrid takes no name with either, lest it be read as two addresses."""


def _mailbox(person: _Mailbox, address: str, name: str) -> _Mailbox:
    """Fill in a mailbox past the constructor, which parses what it is given once more."""
    person.email = address
    if name:
        person.name = name
    return person


def _distinct(messages: Iterable[Message]) -> list[Message]:
    """Return the messages with content, the first of each address: twice in a call is refused."""
    found: dict[str, Message] = {}
    for message in messages:
        if message.content is not None:
            found.setdefault(message.recipient.casefold(), message)
    return list(found.values())


def _common(all_headers: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = all_headers
    return {
        name: value
        for name, value in first.items()
        if all(each.get(name) == value for each in others)
    }


def _size(substitutions: Mapping[str, str]) -> int:
    return len(_encoded(substitutions))


def _json(mail: Mail) -> bytes:
    return _encoded(mail.get())


def _encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
