"""Events as tests need them, with everything that does not matter filled in."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from tests.worker.ledger import MONDAY
from worker.model import Event, News


def told(news: News, delivery_id: str | None = None, at: datetime = MONDAY, **more: Any) -> Event:
    """Return an event with an id of its own."""
    fields: dict[str, Any] = {
        "provider": "sendgrid",
        "event_id": uuid4().hex,
        "kind": news.value,
        "address": "ben@example.net",
        "message_ref": "" if delivery_id is None else "message",
        "detail": "",
        "body": '{"email": "ben@example.net"}',
        **more,
    }
    return Event(news=news, delivery_id=delivery_id, occurred_at=at, **fields)
