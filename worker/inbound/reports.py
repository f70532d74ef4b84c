"""Reports of machines about our letters: RFC 3464, RFC 5965, and what was usual before them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from course.errors import one_line
from worker.inbound.charsets import decode
from worker.inbound.headers import Headers, addresses, message_ids, normalised, split_head
from worker.inbound.model import Report
from worker.refusals import blames_the_address, find_status, without_addresses

_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED_TYPES = frozenset(
    {"message/rfc822", "message/global", "message/global-headers", "text/rfc822-headers"}
)
_ACTIONS = ("failed", "delayed", "delivered", "relayed", "expanded")
_LONGEST_DIAGNOSTIC = 500
_LONGEST_OLD_STYLE = 100_000
_CODE = re.compile(r"(?<![\d.])([245]\d\d)(?=[\s,:;#-])")
_COPY = re.compile(
    r"^[ \t>]*(?:-{2,}.{0,20}(?:below this line is a copy|this is a copy|original message|returned "
    r"message|unsent message|message header|headers? of the|the header).{0,80}|"
    r"(?:return-path|received|message-id|dkim-signature): .{0,500})$",
    re.IGNORECASE | re.MULTILINE,
)
_OLD_FIELD = re.compile(
    r"^[ \t>]*(message-id|reply-to|to|return-path|x-failed-recipients):[ \t]*(.{1,900})$",
    re.IGNORECASE | re.MULTILINE,
)
_NAMED = re.compile(r"[^\s<>\"'(),:;\[\]]{1,64}@[^\s<>\"'(),:;\[\]]{1,255}")
_NOT_YET = re.compile(
    r"delay|not (?:yet )?been delivered (?:yet|so far)|still being retried|will (?:be retried|"
    r"keep|try)"
    r"|warning:? (?:message|could not)|temporar|no action is required|4\.\d\.\d",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"user unknown|unknown user|no such (?:user|person|recipient|address|mailbox|account)"
    r"|(?:user|address|recipient|account|mailbox)\S* (?:\S+ ){0,3}(?:does(?: not|n't) exist|"
    r"not found"
    r"|(?:is )?unknown|couldn't be found)|no mailbox here by that name|unrouteable address"
    r"|unknown or illegal alias|not listed in (?:domino|public)|invalid recipient"
    r"|recipient (?:not found|rejected: user)|mailbox unavailable|account (?:is )?(?:disabled|"
    r"inactive)"
    r"|address (?:not found|couldn't be found)|does not like recipient",
    re.IGNORECASE,
)


def is_delivery_report(kind: str) -> bool:
    """Whether a part of that media type says what became of a letter."""
    return kind in _STATUS_TYPES


def read_delivery_report(reports: Sequence[tuple[str, bytes]]) -> Report:
    """Return what a delivery status notification says (RFC 3464) about its worst recipient."""
    groups = [
        group
        for kind, content in reports
        if kind in _STATUS_TYPES
        for group in _groups(content)
        if group.has("final-recipient") or group.has("action") or group.has("status")
    ]
    returned = _returned(reports)
    rank = {action: place for place, action in enumerate(_ACTIONS)}
    group = min(groups, key=lambda each: rank.get(_action(each), 9), default=Headers())
    named = group.get("original-recipient") or group.get("final-recipient")
    diagnostic = group.get("diagnostic-code")
    status = find_status(group.get("status")) or group.get("status")[:10].strip()
    action = _action(group) or ("delayed" if status.startswith("4") else "failed")
    words = diagnostic.partition(";")[2].strip() or diagnostic
    return Report(
        original_message_id=returned[0],
        final_recipient=_recipient(named) or _recipient(group.get("final-recipient")),
        action=action,
        status=status,
        diagnostic=_diagnostic(words),
        returned=returned[1],
        permanent=action == "failed" and _is_dead(status, words),
    )


def read_complaint(reports: Sequence[tuple[str, bytes]]) -> Report | None:
    """Return what a feedback report says (RFC 5965); ``None`` without one."""
    for kind, content in reports:
        if kind == "message/feedback-report":
            fields, _, _ = split_head(content, 0, len(content))
            message_id, returned = _returned(reports)
            return Report(
                original_message_id=message_id,
                final_recipient=_recipient(
                    fields.get("original-rcpt-to") or fields.get("removal-recipient")
                ),
                feedback_type=fields.get("feedback-type").lower()[:40],
                returned=returned,
            )
    return _old_complaint(reports)


def read_old_bounce(headers: Headers, text: str, reports: Sequence[tuple[str, bytes]]) -> Report:
    """Return what a bounce without RFC 3464 says, as qmail, Exim or Exchange write it."""
    text = text[:_LONGEST_OLD_STYLE]
    copy = _COPY.search(text)
    told = text[: copy.start()] if copy else text
    fields = [(each[1].lower(), each[2]) for each in _OLD_FIELD.finditer(text)]
    message_id, returned = _returned(reports)
    ids = [found for name, value in fields if name == "message-id" for found in message_ids(value)]
    returned = returned or _in_order(
        (name, address) for name, value in fields for address in addresses(value)
    )
    failed = addresses(headers.get("x-failed-recipients"))
    named = list(failed) or [each for each in _NAMED.findall(told) if not _is_machines(each)]
    status = find_status(told)
    code = _CODE.search(told)
    delayed = status.startswith("4") if status else bool(_NOT_YET.search(told))
    diagnostic = _said(told, status or (code[1] if code else ""))
    return Report(
        original_message_id=message_id or (ids[-1] if ids else ""),
        final_recipient=_recipient(named[0].rstrip(".")) if named else "",
        action="delayed" if delayed else "failed",
        status=status,
        diagnostic=_diagnostic(diagnostic),
        returned=returned,
        permanent=not delayed and _is_dead(status, diagnostic if status or code else told),
    )


def _old_complaint(reports: Sequence[tuple[str, bytes]]) -> Report | None:
    """Return a complaint of the kind that came before RFC 5965: the letter with one more header."""
    for kind, content in reports:
        if kind == "message/rfc822":
            fields, _, _ = split_head(content, 0, len(content))
            if person := fields.get("x-hmxmroriginalrecipient"):
                message_id, returned = _returned(reports)
                return Report(
                    message_id, _recipient(person), feedback_type="abuse", returned=returned
                )
    return None


def _groups(content: bytes) -> Iterable[Headers]:
    """Yield the groups of fields of a delivery status, the one about the message first."""
    for block in re.split(rb"\n[ \t]*\n", content.replace(b"\r\n", b"\n").strip())[:200]:
        if block.strip():
            yield split_head(block.strip() + b"\n\n", 0, len(block) + 2)[0]


def _returned(reports: Sequence[tuple[str, bytes]]) -> tuple[str, tuple[str, ...]]:
    """Return the Message-ID and the addresses of the letter that came back."""
    for kind, content in reports:
        if kind in _RETURNED_TYPES:
            fields, _, _ = split_head(content.lstrip(), 0, len(content.lstrip()))
            if fields.fields:
                named = ((name, each) for name, value in fields.fields for each in addresses(value))
                return "".join(message_ids(fields.get("message-id"))[:1]), _in_order(named)
    return "", ()


def _in_order(named: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return addresses, the reply address first, then the person's, then the envelope's."""
    order = ("reply-to", "to", "x-failed-recipients", "return-path")
    found = [(order.index(name), address) for name, address in named if name in order]
    found.sort(key=lambda each: each[0])
    return tuple(dict.fromkeys(address for _, address in found))[:20]


def _action(group: Headers) -> str:
    action = group.get("action").partition("(")[0].strip().lower()
    return action if action in _ACTIONS else ""


def _recipient(field: str) -> str:
    """Return the address in a field such as ``rfc822; ada@example.org``."""
    value = field.rpartition(";")[2].strip()
    found = addresses(value)
    return normalised(found[0]) or found[0] if found else ""


def _is_dead(status: str, words: str) -> bool:
    """Whether a failure says that nobody is there, in its status and in the words beside it."""
    inner = find_status(words)
    code = _CODE.search(f"{words} ")
    number = int(code[1]) if code else 0
    if inner or (status and not status.endswith(".0.0")):
        verdicts = {
            blames_the_address(max(number, 550), each, of_recipient=False)
            for each in (status, inner)
            if each and not each.endswith(".0.0")
        }
        return verdicts == {True}
    if not _NOBODY.search(words):
        return False
    return blames_the_address(number or 550, words, of_recipient=True)


def _said(told: str, mark: str) -> str:
    """Return the paragraph of an old bounce that holds its code, or else its second one."""
    paragraphs = [each for each in re.split(r"\n\s*\n", told) if each.strip()]
    marked = [each for each in paragraphs if mark and mark in each]
    return (marked or paragraphs[1:2] or paragraphs or [""])[0]


def _diagnostic(words: str) -> str:
    return without_addresses(one_line(decode(words.encode("utf-8", "replace"))))[
        :_LONGEST_DIAGNOSTIC
    ]


def _is_machines(address: str) -> bool:
    local = address.partition("@")[0].lower()
    return local in {"postmaster", "mailer-daemon", "mail-daemon"}
