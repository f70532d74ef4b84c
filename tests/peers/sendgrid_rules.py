"""What SendGrid's documentation says of the body of POST /v3/mail/send, as refusals.

Sources: the OpenAPI description of the Mail API and the pages "Errors" and "Limitations" of the
Mail Send reference. Where two pages differ the stricter one is taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.peers.sendgrid_people import LINE_ENDS, recipients, reply_to, sender, whoever
from tests.peers.sendgrid_shape import (
    ATTACHMENT,
    DICT,
    MAIL_SETTINGS,
    PERSONALIZATION,
    STR,
    TOP,
    TRACKING_SETTINGS,
    Fault,
    about,
    mistyped,
    needed,
    shape,
)

MOST_PERSONALIZATIONS = 1000
MOST_SUBSTITUTIONS = 150
MOST_BYTES = 10_000
MOST_CATEGORIES = 10
FURTHEST_AHEAD = 72 * 3600

RESERVED = frozenset(
    {
        *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type"),
        *("content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc"),
    }
)
_NAME = re.compile(r"[!-9;-~]+")


def faults(mail: object, now: float) -> list[Fault]:
    """Return everything that the documentation forbids; ``now`` in epoch seconds."""
    if not isinstance(mail, dict):
        return [mistyped("", DICT, mail)]
    wrong = list(shape(mail, TOP, ""))
    wrong += [needed(name) for name in ("personalizations", "from") if name not in mail]
    if wrong:
        return wrong
    return [found for rule in _RULES for found in rule(mail)] + list(_times(mail, now))


def _personalizations(mail: Mapping[str, Any]) -> Iterator[Fault]:
    blocks = mail["personalizations"]
    if not blocks:
        yield Fault("You must have at least one personalization.", "personalizations", about())
    if len(blocks) > MOST_PERSONALIZATIONS:
        yield Fault(
            "The personalization block is limited to 1000 personalizations per API request. You"
            f" have provided {len(blocks)} personalizations. Please consider splitting this into"
            " multiple requests and resending your request.",
            "personalizations",
            about(),
        )
    for number, block in enumerate(blocks):
        where = f"personalizations.{number}"
        wrong = list(shape(block, PERSONALIZATION, where))
        yield from wrong
        if not wrong:
            yield from _block(mail, block, where)


def _block(mail: Mapping[str, Any], block: Mapping[str, Any], where: str) -> Iterator[Fault]:
    if not block.get("to"):
        yield Fault(
            "The to array is required for all personalization objects, and must have at least one"
            " email object with a valid email address.",
            f"{where}.to",
            about("personalizations.to"),
        )
    for kind in ("to", "cc", "bcc"):
        for place, person in enumerate(block.get(kind, [])):
            yield from whoever(person, f"{where}.{kind}.{place}", listed=True)
    if "from" in block:
        yield from whoever(block["from"], f"{where}.from")
    yield from _header_block(block.get("headers", {}), f"{where}.headers")
    yield from _substitutions(block, f"{where}.substitutions")
    yield from _arguments(mail, block, f"{where}.custom_args")
    if block.get("subject") == "":
        yield _no_subject(f"{where}.subject")
    if "subject" not in block and not mail.get("subject") and "template_id" not in mail:
        yield Fault(
            "The subject is required. You can get around this requirement if you use a template"
            " with a subject defined or if every personalization has a subject defined.",
            "subject",
            about("subject"),
        )


def _subject(mail: Mapping[str, Any]) -> Iterator[Fault]:
    if mail.get("subject") == "":
        yield _no_subject("subject")
    subjects = [mail.get("subject", "")]
    subjects += [b.get("subject", "") for b in mail["personalizations"] if isinstance(b, dict)]
    if any(isinstance(each, str) and LINE_ENDS.search(each) for each in subjects):
        yield Fault("The subject can not contain CRLF characters.", "subject", about("subject"))


def _no_subject(where: str) -> Fault:
    return Fault(
        "The subject of your email must be a string at least one character in length.",
        where,
        about(re.sub(r"\.\d+", "", where)),
    )


def _content(mail: Mapping[str, Any]) -> Iterator[Fault]:
    parts = mail.get("content")
    if not parts:
        if "template_id" not in mail:
            yield Fault(
                "The content value must be a string at least one character in length."
                if parts is None
                else "There must be at least one defined content block.",
                "content",
                about("content"),
            )
        return
    types: list[str] = []
    for number, part in enumerate(parts):
        wrong = list(shape(part, {"type": STR, "value": STR}, f"content.{number}"))
        yield from wrong
        if wrong:
            return
        for key, kind in (("type", "type"), ("value", "value")):
            if not part.get(key):
                yield Fault(
                    f"The content {kind} must be a string at least one character in length.",
                    f"content.{number}.{key}",
                    about(f"content.{key}"),
                )
        types.append(part.get("type", ""))
        if re.search(r"[;,\r\n]", types[-1]):
            yield Fault(
                "The content type cannot contain ';', ',' or CRLF characters.",
                f"content.{number}.type",
                about("content.type"),
            )
    order = {"text/plain": 0, "text/html": 1}
    ranks = [order.get(each, 2) for each in types]
    if ranks != sorted(ranks) or any(types.count(each) > 1 for each in order):
        yield Fault(
            "Following RFC 1341, section 7.2, if either text/html or text/plain are to be sent in"
            " your email: text/plain needs to be first, followed by text/html, followed by any"
            " other content.",
            "content",
            about("content.value"),
        )


def _headers(mail: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _header_block(mail.get("headers", {}), "headers")


def _header_block(headers: Mapping[str, Any], where: str) -> Iterator[Fault]:
    help_ = about("headers")
    names = [name.casefold() for name in headers]
    if len(set(names)) < len(names):
        yield Fault("The headers can not contain duplicate keys.", where, help_)
    for name, value in headers.items():
        if name.casefold() in RESERVED:
            yield Fault(f"Header [{name}] is one of the reserved keys.", f"{where}.{name}", help_)
        if not _NAME.fullmatch(name):
            yield Fault(
                "Header keys can not contain non-ASCII characters and empty spaces.", where, help_
            )
        if not isinstance(value, str):
            yield Fault("The header values must be strings.", f"{where}.{name}", help_)
        elif not value.isascii() or LINE_ENDS.search(value) or "\0" in value:
            yield Fault(
                "Header values must be properly encoded if they contain Unicode characters, and"
                " hold no CRLF.",
                f"{where}.{name}",
                help_,
            )


def _substitutions(block: Mapping[str, Any], where: str) -> Iterator[Fault]:
    given = block.get("substitutions", {})
    help_ = about("personalizations.substitutions")
    if not all(isinstance(value, str) for value in given.values()):
        yield Fault(
            "The substitution values must be an object of key/value pairs, where the values are"
            " all strings.",
            where,
            help_,
        )
    if given and _size(given) > MOST_BYTES:
        yield Fault("Substitutions are limited to 10,000 bytes.", where, help_)
    if len(given) > MOST_SUBSTITUTIONS:
        yield Fault("Substitutions are limited to 150 items per personalization.", where, help_)
    if any(not tag or " " in tag for tag in given):
        yield Fault("A substitution tag can not be empty or contain spaces.", where, help_)


def _arguments(mail: Mapping[str, Any], block: Mapping[str, Any], where: str) -> Iterator[Fault]:
    both = {**mail.get("custom_args", {}), **block.get("custom_args", {})}
    help_ = about("personalizations.custom_args")
    if not all(isinstance(value, str) for value in both.values()):
        yield Fault("All values of custom arguments object must be strings.", where, help_)
    if {} in (mail.get("custom_args"), block.get("custom_args")):
        yield Fault("custom_args can not be empty.", where, help_)
    if both and _size(both) >= MOST_BYTES:
        yield Fault("The custom arguments may not exceed 10,000 bytes.", where, help_)


def _categories(mail: Mapping[str, Any]) -> Iterator[Fault]:
    names = mail.get("categories", [])
    help_ = about("categories")
    if not all(isinstance(name, str) for name in names):
        yield Fault("Categories must be an array of strings.", "categories", help_)
        return
    if len(names) > MOST_CATEGORIES:
        yield Fault(
            "There is a limit of 10 categories for each email that is sent. You provided"
            f" {len(names)} categories.",
            "categories",
            help_,
        )
    if any(len(name) > 255 or not name.isascii() for name in names):
        yield Fault("A category is too long or not ASCII.", "categories", help_)
    if len(set(names)) < len(names):
        yield Fault("The categories must be a unique list.", "categories", help_)


def _settings(mail: Mapping[str, Any]) -> Iterator[Fault]:
    for name, known in (
        ("mail_settings", MAIL_SETTINGS),
        ("tracking_settings", TRACKING_SETTINGS),
    ):
        given = mail.get(name, {})
        yield from shape(given, dict.fromkeys(known, DICT), name)
        for key, fields in known.items():
            yield from shape(given.get(key, {}), fields, f"{name}.{key}")


def _attachments(mail: Mapping[str, Any]) -> Iterator[Fault]:
    for number, each in enumerate(mail.get("attachments", [])):
        where = f"attachments.{number}"
        yield from shape(each, ATTACHMENT, where)
        for key in ("content", "filename"):
            if not isinstance(each, dict) or not each.get(key):
                yield needed(f"{where}.{key}")


def _sections(mail: Mapping[str, Any]) -> Iterator[Fault]:
    if not all(isinstance(value, str) for value in mail.get("sections", {}).values()):
        yield Fault("The section values must be strings.", "sections", about("sections"))


def _times(mail: Mapping[str, Any], now: float) -> Iterator[Fault]:
    for number, block in enumerate([mail, *mail["personalizations"]]):
        at = block.get("send_at", 0) if isinstance(block, dict) else 0
        if isinstance(at, int) and at > now + FURTHEST_AHEAD:
            where = f"personalizations.{number - 1}.send_at" if number else "send_at"
            yield Fault(
                "Scheduling more than 72 hours in advance is forbidden.", where, about("send_at")
            )


_RULES: Sequence[Callable[[Mapping[str, Any]], Iterator[Fault]]] = (
    _personalizations,
    recipients,
    sender,
    reply_to,
    _subject,
    _content,
    _headers,
    _categories,
    _settings,
    _attachments,
    _sections,
)


def _size(given: Mapping[str, Any]) -> int:
    return len(json.dumps(given, ensure_ascii=False, separators=(",", ":")).encode())
