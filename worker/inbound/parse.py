"""One mail becomes one :class:`ParsedMail`: whole, or within tight bounds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from worker.inbound.charsets import decode
from worker.inbound.headers import (
    Headers,
    addresses,
    head_begins,
    message_ids,
    normalised,
    split_head,
)
from worker.inbound.lines import Line, flowed_lines, plain_lines, show
from worker.inbound.machines import Evidence, judge
from worker.inbound.markup import html_lines
from worker.inbound.mime import Body, Contents, take_apart
from worker.inbound.model import InboundMail, MailKind, ParsedMail, Report
from worker.inbound.quotes import OwnWords, own_words
from worker.inbound.reports import read_complaint, read_delivery_report, read_old_bounce
from worker.inbound.tags import Tag, read_tags

LONGEST_TEXT = 400_000
"""Characters of text that are kept of one mail."""

LONGEST_SKIM = 65_536
"""Bytes of headers that are read when a mail was too much to be read whole."""

_SKIMMED = 1_000_000
_OPENING = 1_500
_LONGEST_SUBJECT = 998
_RECIPIENT_FIELDS = ("to", "cc", "delivered-to", "x-envelope-to", "x-original-to")
_MOST_RECIPIENTS = 100
_BREAKS = frozenset({"p", "br", "div", "li", "tr", "h1", "h2", "h3", "blockquote"})


class _Reading(NamedTuple):
    text: str
    own: OwnWords


def parse_mail(mail: InboundMail) -> ParsedMail:
    """Return everything that can be understood of a mail.

    Time and memory grow with the size of the mail and no faster, but thirty megabytes still take
    a while: :class:`worker.inbound.MailReader` does this in a process that can be killed.
    """
    contents = take_apart(mail.raw)
    reading = _read(contents.bodies)
    evidence = _evidence(mail, contents, reading)
    kind, why = judge(evidence)
    return _result(
        contents.headers, reading, kind, why, _report(kind, evidence, contents, reading), contents
    )


def skim_mail(mail: InboundMail) -> ParsedMail:
    """Return what can be known of a mail at little cost, its full text included.

    Of the headers the first 64 KiB are read, of the rest about a megabyte. Nothing is taken out of
    the text, so ``in_full`` is set; a machine is known by its headers alone, and what it reports
    is not read.
    """
    raw = mail.raw[:_SKIMMED]
    headers, _, _ = split_head(raw[:LONGEST_SKIM], head_begins(raw), min(len(raw), LONGEST_SKIM))
    contents = take_apart(raw)
    text = "\n\n".join(filter(None, (_bare_text(each) for each in contents.bodies)))
    reading = _Reading(text, OwnWords("", quoted=True))
    contents.headers, contents.truncated = headers, True
    kind, why = judge(_evidence(mail, contents, reading))
    return _result(headers, reading, kind, why, None, contents)


def _read(bodies: list[Body]) -> _Reading:
    """Return the mail's text and the own words in it, out of all its bodies in order."""
    passages = [_lines(each) for each in bodies]
    shown = (_text(*each) for each in zip(bodies, passages, strict=True))
    text, own = "\n\n".join(filter(None, shown)), own_words(_joined(passages))
    if (own.quoted and own.text) or not any(each.html and each.plain for each in bodies):
        return _Reading(text, own)
    # The text has nothing that can be told from a quotation. Markup may say where one is.
    better = own_words(
        _joined(html_lines(each.html) if each.html else _lines(each) for each in bodies)
    )
    return _Reading(text, better if better.quoted and better.text else own)


def _joined(passages: Iterable[list[Line]]) -> list[Line]:
    joined: list[Line] = []
    for each in passages:
        joined += [Line("")] * bool(joined and each) + each
    return joined


def _text(body: Body, lines: list[Line]) -> str:
    """Return a body to be read: a text as it came, anything else line by line."""
    if body.plain and body.plain.strip() and not body.flowed:
        return body.plain.strip("\n")
    return show(lines)


def _lines(body: Body) -> list[Line]:
    if body.plain is None or not body.plain.strip():
        return html_lines(body.html) if body.html else []
    if body.flowed:
        return flowed_lines(body.plain, delsp=body.delsp)
    return plain_lines(body.plain)


def _bare_text(body: Body) -> str:
    """Return a body as text with as little work as possible."""
    if body.plain and body.plain.strip():
        return body.plain
    pieces = (_bare(each) for each in read_tags(body.html or ""))
    lines = "".join(pieces).split("\n")
    return "\n".join(line for line in (" ".join(each.split()) for each in lines) if line)


def _bare(token: Tag | str) -> str:
    """Return what a piece of markup adds to a text: its words, or a new line."""
    if isinstance(token, str):
        return token.replace("\n", " ")
    return "\n" if token.name in _BREAKS else ""


def _evidence(mail: InboundMail, contents: Contents, reading: _Reading) -> Evidence:
    return Evidence(
        headers=contents.headers,
        envelope_from=mail.envelope_from,
        from_address=_sender(contents.headers),
        recipients=_recipients(contents.headers),
        subject=contents.headers.words("subject"),
        media_type=contents.media_type,
        report_type=contents.parameters.get("report-type", "").lower(),
        report_kinds=tuple(kind for kind, _ in contents.reports),
        complaint=read_complaint(contents.reports),
        opening=(reading.own.text or reading.text)[:_OPENING],
        quoted=reading.own.quoted,
    )


def _report(
    kind: MailKind, evidence: Evidence, contents: Contents, reading: _Reading
) -> Report | None:
    if kind is MailKind.COMPLAINT:
        return evidence.complaint
    if kind is not MailKind.BOUNCE:
        return None
    if any(each.endswith("delivery-status") for each in evidence.report_kinds):
        return read_delivery_report(contents.reports)
    return read_old_bounce(contents.headers, reading.text, contents.reports)


def _result(
    headers: Headers,
    reading: _Reading,
    kind: MailKind,
    why: str,
    report: Report | None,
    contents: Contents,
) -> ParsedMail:
    in_full = not any(each.isalnum() for each in reading.own.text)
    text = reading.text[:LONGEST_TEXT]
    own = text if in_full and not _is_a_sign(reading.own.text) else reading.own.text
    return ParsedMail(
        message_id="".join(message_ids(headers.get("message-id"))[:1]),
        references=message_ids(f"{headers.get('references')} {headers.get('in-reply-to')}"),
        from_address=_sender(headers),
        recipients=_recipients(headers),
        subject=headers.words("subject")[:_LONGEST_SUBJECT],
        kind=kind,
        why=why,
        text=text,
        own_words=own[:LONGEST_TEXT],
        attachments=tuple(contents.attachments),
        report=report,
        truncated=contents.truncated or len(reading.text) > LONGEST_TEXT,
        in_full=in_full and own == text,
    )


def _is_a_sign(words: str) -> bool:
    """Whether words without letters still say something: an emoji, "?!"."""
    return any(not each.isspace() and (each > "\u2190" or each in "!?+") for each in words)


def _sender(headers: Headers) -> str:
    """Return the one address in From; a mail that names several cannot be believed."""
    found = {each for value in headers.all("from") for each in addresses(value)}
    return normalised(found.pop()) if len(found) == 1 else ""


def _recipients(headers: Headers) -> tuple[str, ...]:
    fields = (", ".join(headers.all(name)) for name in _RECIPIENT_FIELDS)
    found = dict.fromkeys(each for value in fields for each in addresses(value))
    return tuple(found)[:_MOST_RECIPIENTS]


def last_resort(mail: InboundMail) -> ParsedMail:
    """Return the mail as undivided text: what is kept if even skimming it has failed."""
    text = decode(mail.raw[:LONGEST_TEXT])
    why = "nothing says that a machine wrote it"
    return ParsedMail(
        "", (), "", (), "", MailKind.PERSON, why, text, text, truncated=True, in_full=True
    )
