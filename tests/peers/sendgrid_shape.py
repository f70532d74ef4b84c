"""The body of POST /v3/mail/send as JSON: its fields with their types, and the form of a refusal.

Source: the OpenAPI description of SendGrid's Mail API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_LOCAL}@({_LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]")
_HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."
BOOL, INT, STR, LIST, DICT = "boolean", "integer", "string", "array", "object"
_KINDS: Mapping[str, type] = {BOOL: bool, INT: int, STR: str, LIST: list, DICT: dict}

TOP = {
    **dict.fromkeys(("personalizations", "reply_to_list", "content", "attachments"), LIST),
    **dict.fromkeys(("from", "reply_to", "headers", "custom_args", "sections", "asm"), DICT),
    **dict.fromkeys(("mail_settings", "tracking_settings"), DICT),
    **dict.fromkeys(("subject", "template_id", "batch_id", "ip_pool_name"), STR),
    "categories": LIST,
    "send_at": INT,
}
PERSONALIZATION = {
    **dict.fromkeys(("to", "cc", "bcc"), LIST),
    **dict.fromkeys(("from", "headers", "substitutions", "custom_args"), DICT),
    "dynamic_template_data": DICT,
    "subject": STR,
    "send_at": INT,
}
PERSON = {"email": STR, "name": STR}
_SWITCH = {"enable": BOOL}
_FOOTER = {"enable": BOOL, "text": STR, "html": STR}
MAIL_SETTINGS = {
    "footer": _FOOTER,
    "sandbox_mode": _SWITCH,
    "bypass_list_management": _SWITCH,
    "bypass_spam_management": _SWITCH,
    "bypass_bounce_management": _SWITCH,
    "bypass_unsubscribe_management": _SWITCH,
}
TRACKING_SETTINGS = {
    "click_tracking": {"enable": BOOL, "enable_text": BOOL},
    "open_tracking": {"enable": BOOL, "substitution_tag": STR},
    "subscription_tracking": {**_FOOTER, "substitution_tag": STR},
    "ganalytics": {
        "enable": BOOL,
        **dict.fromkeys(
            ("utm_source", "utm_medium", "utm_term", "utm_content", "utm_campaign"), STR
        ),
    },
}
ATTACHMENT = dict.fromkeys(("content", "type", "filename", "disposition", "content_id"), STR)


@dataclass(frozen=True)
class Fault:
    """One entry of ``errors`` in an answer of 400."""

    message: str
    field: str | None = None
    help: str | None = None


class Repeated(ValueError):
    """A JSON object names a key twice."""


def read_json(body: bytes) -> Any:
    """Return the body as JSON.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
        Repeated: an object names a key twice.
        ValueError: it is not JSON.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise Repeated
        return dict(pairs)

    def no_constant(name: str) -> None:
        raise ValueError(name)

    return json.loads(body.decode("utf-8"), object_pairs_hook=once, parse_constant=no_constant)


def shape(given: object, fields: Mapping[str, str], where: str) -> Iterator[Fault]:
    """Yield a fault for every field that is unknown or of another JSON type."""
    if not isinstance(given, dict):
        yield mistyped(where, DICT, given)
        return
    prefix = f"{where}." if where else ""
    for key, value in given.items():
        if key not in fields:
            yield Fault(f"Additional property {key} is not allowed", where or key)
        elif not _is(fields[key], value):
            yield mistyped(f"{prefix}{key}", fields[key], value)


def _is(kind: str, value: object) -> bool:
    if kind == INT:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, _KINDS[kind])


def mistyped(where: str, wanted: str, value: object) -> Fault:
    given = next(
        (name for name in _KINDS if _is(name, value)), "null" if value is None else "number"
    )
    return Fault(f"Invalid type. Expected: {wanted}, given: {given}.", where or None)


def needed(where: str) -> Fault:
    return Fault(f"{where} is required.", where, about(where.partition(".")[0]))


def about(anchor: str = "personalizations") -> str:
    return _HELP + anchor


def is_address(text: object) -> bool:
    """Whether SendGrid delivers to it: ASCII, a dotted local part, a domain with a dot."""
    return (
        isinstance(text, str)
        and len(text) <= 254
        and len(text.partition("@")[0]) <= 64
        and _ADDRESS.fullmatch(text) is not None
    )
