"""SendGrid's events: a JSON array of flat objects, from which anything may be missing.

See https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from course.errors import one_line
from worker.inbound.sendgrid_signature import verify
from worker.model import Event, News

__all__ = ["DELIVERY_ARG", "read_events", "verify"]

PROVIDER = "sendgrid"

DELIVERY_ARG = "lettercourse_delivery"
"""The custom argument that holds our delivery's id."""

UNREADABLE = "unreadable"
"""The kind of an element that is no event; it is kept, and its neighbours are taken."""

NEWS: Mapping[str, News] = {
    "processed": News.ACCEPTED,
    "deferred": News.ACCEPTED,  # it has the letter and still tries
    "delivered": News.DELIVERED,
    "spamreport": News.COMPLAINED,
    "unsubscribe": News.UNSUBSCRIBED,
    "group_unsubscribe": News.UNSUBSCRIBED,
}
"""What a kind means by itself; ``bounce`` and ``dropped`` need a second look, others are kept."""

DROPS: tuple[tuple[str, News], ...] = (
    ("invalid smtpapi", News.DROPPED),
    ("invalid", News.BOUNCED),
    ("bounced address", News.BOUNCED),
    ("unsubscribed address", News.UNSUBSCRIBED),
    ("spam reporting address", News.COMPLAINED),
)
"""What a drop means, by how its reason begins, the first that fits.

The reasons are those of https://docs.sendgrid.com/glossary/drops and of the events' page: "Bounced
Address", "Invalid", "Unsubscribed Address" and "Spam Reporting Address" are about the person, who
is on one of SendGrid's own lists. "Invalid SMTPAPI header", "Spam Content", "Recipient List over
Package Quota" and whatever else there may be are about us.
"""

_LONGEST_ID = 200
_LONGEST_KIND = 40
_LONGEST_DETAIL = 500
_LONGEST_BODY = 10_000
_LONGEST_NUMBER = 20
_AHEAD = timedelta(days=1)

_DELIVERY = re.compile(r"[0-9a-f]{32}", re.ASCII)
_OUR_MESSAGE_ID = re.compile(r"<([0-9a-f]{32})@[^<>@\s]+>", re.ASCII)
_ADDRESS_IN_TEXT = re.compile(r"[^\s<>()\[\]:;,\"']+@[^\s<>()\[\]:;,\"']+")
_BLANK = re.compile(r"[ \t\r\n]*")


def read_events(body: bytes, now: datetime) -> list[Event]:
    """Return the events of one post, in its order; each element stands for itself.

    Args:
        body: a JSON array, verified.
        now: by the machine's clock; when an event happened that does not say.

    Raises:
        ValueError: it is no JSON array.
    """
    return [_event(element, raw, now) for element, raw in _elements(body)]


def _elements(body: bytes) -> Iterator[tuple[Any, str]]:
    """Yield the array's elements with the text of each."""
    text = body.decode("utf-8-sig")
    at = _past_blank(text, 0)
    if text[at : at + 1] != "[":
        raise ValueError("events come as a JSON array")
    at = _past_blank(text, at + 1)
    if text[at : at + 1] != "]":
        while True:
            try:
                element, end = _JSON.raw_decode(text, at)
            except RecursionError:
                raise ValueError("an event is nested too deeply") from None
            yield element, text[at:end]
            at = _past_blank(text, end)
            if text[at : at + 1] != ",":
                break
            at = _past_blank(text, at + 1)
    if text[at : at + 1] != "]" or _past_blank(text, at + 1) != len(text):
        raise ValueError("the JSON array does not end")


def _past_blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _whole_number(digits: str) -> int | None:
    """Return a number that can be one; Python refuses to read thousands of digits."""
    return int(digits) if len(digits) <= _LONGEST_NUMBER else None


_JSON = json.JSONDecoder(parse_int=_whole_number, parse_constant=lambda _: None)


def _event(element: Any, raw: str, now: datetime) -> Event:
    fields: Mapping[str, Any] = element if isinstance(element, dict) else {}
    kind = _line(fields.get("event"), _LONGEST_KIND)
    occurred_at = _instant(fields.get("timestamp"), now)
    event_id = _line(fields.get("sg_event_id"), _LONGEST_ID) or None
    if not kind or (occurred_at is None and event_id is None):
        # Without these a second copy would look like another event.
        event_id = f"sha256-{sha256(raw.encode()).hexdigest()}"
    return Event(
        provider=PROVIDER,
        event_id=event_id,
        kind=kind or UNREADABLE,
        news=_news(kind, fields),
        delivery_id=_delivery(fields) if kind else None,
        address=_address(fields.get("email")) if kind else "",
        occurred_at=occurred_at or now,
        message_ref=_line(fields.get("sg_message_id"), _LONGEST_ID),
        detail=_detail(fields),
        body=raw[:_LONGEST_BODY],
        undelivered=kind == "dropped",
    )


def _news(kind: str, fields: Mapping[str, Any]) -> News:
    if kind == "bounce":
        # A block is a refusal of this letter; the address may be fine.
        word = _line(fields.get("type"), _LONGEST_KIND).casefold()
        return News.BOUNCED if word in ("", "bounce") else News.BLOCKED
    if kind == "dropped":
        reason = _line(fields.get("reason"), _LONGEST_DETAIL).casefold()
        return next((news for start, news in DROPS if reason.startswith(start)), News.DROPPED)
    return NEWS.get(kind, News.OTHER)


def _delivery(fields: Mapping[str, Any]) -> str | None:
    """Return our id: the custom argument, or what our own Message-ID holds if it was kept."""
    stated = fields.get(DELIVERY_ARG)
    if isinstance(stated, str):
        return stated if _DELIVERY.fullmatch(stated) else None
    ours = _OUR_MESSAGE_ID.fullmatch(_line(fields.get("smtp-id"), _LONGEST_ID))
    return ours[1] if ours else None


def _address(value: Any) -> str:
    """Return an address as the ledger spells it; SendGrid gives back what we gave it."""
    text = value.strip() if isinstance(value, str) else ""
    local, at, domain = text.rpartition("@")
    is_one = bool(local and at and domain) and text.isprintable() and " " not in text
    return f"{local.casefold()}@{domain.lower()}" if is_one and len(text) <= 320 else ""


def _instant(value: Any, now: datetime) -> datetime | None:
    """Return when it happened; ``None`` for what cannot be."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.timestamp() > 0 and found <= now + _AHEAD else None


def _detail(fields: Mapping[str, Any]) -> str:
    said = _line(fields.get("reason") or fields.get("response"), _LONGEST_DETAIL + 100)
    status = _line(fields.get("status"), 20)
    told = said if status in said else f"{status} {said}".strip()
    return _ADDRESS_IN_TEXT.sub("(address)", told)[:_LONGEST_DETAIL]


def _line(value: Any, longest: int) -> str:
    """Return a text as one printable line, cut off; empty for what is no text."""
    return one_line(value[:longest]) if isinstance(value, str) else ""
