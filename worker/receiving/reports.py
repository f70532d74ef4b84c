"""Reports of mail systems become news about a letter."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from worker.inbound import MailKind, ParsedMail, Report
from worker.model import Event, News
from worker.receiving.clues import REPORTS
from worker.store import Origin

_LONGEST_KIND = 40


def news_in(
    parsed: ParsedMail, origin: Origin | None, fingerprint: str, now: datetime
) -> Event | None:
    """Return what a report says about mail of ours; ``None`` if it names none that we know.

    A report that only names an address is not believed: anybody could write it.
    """
    if parsed.report is None or parsed.kind not in REPORTS:
        return None
    if origin is None or origin.mail_id is None or origin.is_erased:
        return None
    report = parsed.report
    return Event(
        provider="mail",
        event_id=fingerprint,
        kind=(report.feedback_type or report.action or parsed.kind)[:_LONGEST_KIND],
        news=_news(parsed.kind, report),
        delivery_id=origin.mail_id,
        address=origin.address,
        occurred_at=now,
        message_ref="",
        detail=f"{report.status} {report.diagnostic}".strip(),
        body=json.dumps(asdict(report)),
    )


def _news(kind: MailKind, report: Report) -> News:
    if kind is MailKind.COMPLAINT:
        return _FEEDBACK.get(report.feedback_type.lower(), News.OTHER)
    if report.action in ("", "failed"):
        return News.BOUNCED if report.permanent else News.BLOCKED
    return News.DELIVERED if report.action == "delivered" else News.OTHER


_FEEDBACK = {
    "": News.COMPLAINED,
    "abuse": News.COMPLAINED,
    "fraud": News.COMPLAINED,
    "other": News.COMPLAINED,
    "opt-out": News.UNSUBSCRIBED,
}
"""Feedback types (RFC 5965, 7.3) that are a person's word; the rest, such as not-spam, is kept."""
