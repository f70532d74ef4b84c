"""What SendGrid's answers mean for promise 2 (nobody gets a letter twice).

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from course.errors import one_line
from worker.model import Fault, Outcome, Verdict
from worker.providers.sendgrid_transport import Answer
from worker.providers.words import without_people

ACCEPTED = 202
SANDBOXED = 200
OURS_TO_MEND = frozenset({301, 302, 307, 308, 401, 403})
"""Our key, our right to send, our sender's address or our URL; no letter is at fault."""

TOO_FAST = 429
_LATER = frozenset({408, TOO_FAST})
_LEAST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(hours=1)
_RECIPIENT = re.compile(r"personalizations\.(\d+)\.to(\.\d+(\.email)?)?")


def outcome(
    answer: Answer, recipients: Collection[str], wall: datetime, *, sandbox: bool
) -> Outcome:
    """Return what became of the letters of one call.

    Args:
        answer: SendGrid's.
        recipients: whom the call was for; they are left out of what it says.
        wall: the machine's instant.
        sandbox: whether the call asked only to be checked.
    """
    if answer.status == ACCEPTED:
        return Outcome(Verdict.ACCEPTED, one_line(f"202 {answer.headers.get('x-message-id', '')}"))
    if answer.status == SANDBOXED and sandbox:
        return Outcome(Verdict.ACCEPTED, "200 checked in the sandbox, not delivered")
    detail = without_people(f"{answer.status} {_words(answer)}", recipients)
    match answer.status:
        case status if status in _LATER or status in OURS_TO_MEND:
            wait = _wait(answer, wall)
            return Outcome(Verdict.DEFERRED, detail, retry_after=wait, fault=_fault(answer))
        case status if 400 <= status < 500:
            return Outcome(Verdict.REFUSED, detail, address_at_fault=_blames_the_address(answer))
    asked = _retry_after(answer.headers.get("retry-after", ""), wall)
    return Outcome(Verdict.UNKNOWN, detail, retry_after=_bounded(asked), fault=Fault.DOWN)


def blamed(answer: Answer) -> frozenset[int]:
    """Return the numbers of the personalizations whose recipient SendGrid does not take."""
    found = (_RECIPIENT.fullmatch(field) for field, _ in _errors(answer))
    return frozenset(int(each[1]) for each in found if each)


def _blames_the_address(answer: Answer) -> bool:
    fields = [field for field, _ in _errors(answer)]
    return answer.status == 400 and bool(fields) and all(map(_RECIPIENT.fullmatch, fields))


def _fault(answer: Answer) -> Fault | None:
    """Return what is wrong for every letter; a sender that is not verified is one course's own."""
    if answer.status in _LATER:
        return Fault.RATE if answer.status == TOO_FAST else Fault.DOWN
    sender = [field for field, _ in _errors(answer)] == ["from"]
    return None if sender else Fault.CREDENTIALS


def _words(answer: Answer) -> str:
    said = (f"{field}: {words}" if field else words for field, words in _errors(answer))
    return "; ".join(said) or "without a reason"


def _errors(answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield field and message of each error; nothing when the body is not of the known form."""
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return
    entries = body.get("errors") if isinstance(body, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            yield str(entry.get("field") or ""), str(entry.get("message") or "")


def _wait(answer: Answer, wall: datetime) -> timedelta | None:
    """Return how long SendGrid asks us to wait, within bounds; ``None`` when it does not say.

    ``Retry-After`` is seconds or a date (RFC 9110, 10.2.3), ``X-RateLimit-Reset`` epoch seconds.
    """
    asked = _retry_after(answer.headers.get("retry-after", ""), wall)
    if asked is None:
        asked = _reset(answer.headers.get("x-ratelimit-reset", ""), wall)
    return _bounded(asked)


def _bounded(asked: timedelta | None) -> timedelta | None:
    return None if asked is None else min(max(asked, _LEAST_WAIT), _LONGEST_WAIT)


def _retry_after(text: str, wall: datetime) -> timedelta | None:
    if _is_number(text):
        return timedelta(seconds=int(text))
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)) - wall


def _reset(text: str, wall: datetime) -> timedelta | None:
    return timedelta(seconds=int(text) - wall.timestamp()) if _is_number(text) else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12
