"""Mails for tests: the least that a mail needs, and the documents in ``tests/fixtures/replies``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from worker.inbound import InboundMail, ParsedMail, parse_mail

REPLIES = Path(__file__).parents[2] / "fixtures" / "replies"


def mail(
    body: str | bytes = "I swam.\n", *fields: str, envelope_from: str | None = "ada@example.org"
) -> InboundMail:
    """Return a mail from Ada with these header fields; hers fill in what they do not name."""
    named = {field.partition(":")[0].lower() for field in fields}
    usual = (
        "From: Ada <ada@example.org>",
        "To: course@example.net",
        "Subject: Re: Day 1",
        "Message-ID: <1@example.org>",
        "Content-Type: text/plain; charset=utf-8",
    )
    kept = [each for each in usual if each.partition(":")[0].lower() not in named]
    head = "".join(f"{each}\r\n" for each in [*kept, *fields])
    content = body.encode() if isinstance(body, str) else body
    return InboundMail(head.encode() + b"\r\n" + content, envelope_from=envelope_from)


def parsed(
    body: str | bytes = "I swam.\n", *fields: str, envelope_from: str | None = "ada@example.org"
) -> ParsedMail:
    """Return such a mail, parsed."""
    return parse_mail(mail(body, *fields, envelope_from=envelope_from))


def documents(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield title, body and own words of each shape in a document."""
    for each in (REPLIES / name).read_text(encoding="utf-8").split("\n== ")[1:]:
        title, _, rest = each.partition("\n")
        body, _, own = rest.partition("\n~~~~\n")
        yield title, body.replace("·", " "), own.strip("\n")
