"""``/hooks/sendgrid/events``: what SendGrid tells about letters.

SendGrid takes 2xx for done and posts the same bytes again for 24 hours after anything else. So a
fault of ours is a 5xx, and nothing is lost by it.
"""

from __future__ import annotations

import logging

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from worker.inbound.sendgrid_events import read_events
from worker.inbound.sendgrid_signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, is_key, verify
from worker.installation import Installation
from worker.model import EventTally, Moment
from worker.web.body import read_capped

LARGEST_EVENTS = 5_000_000
"""Bytes; SendGrid posts a batch when it has grown to 768 KB."""

logger = logging.getLogger(__name__)


def hook_routes(installation: Installation) -> list[Route]:
    """Return the routes that providers post their events to, whichever provider is chosen."""
    key = installation.settings.sendgrid_event_key
    if key and not is_key(key):
        logger.error("LETTERCOURSE_SENDGRID_EVENT_KEY is no public key; SendGrid's events wait")

    def take(body: bytes, signature: str, timestamp: str) -> Response:
        received_at = installation.clock.wall()
        if not verify(body, signature, timestamp, key, received_at):
            return _said(401, "The signature is missing or wrong, or the post too old.")
        try:
            events = read_events(body, received_at)
        except ValueError:
            return _said(400, "Events come as a JSON array.")
        moment = Moment(installation.now(), received_at)
        _alert(installation.store.record_events(events, moment))
        return Response(status_code=204)

    async def events(request: Request) -> Response:
        if not is_key(key):
            return _said(503, "LETTERCOURSE_SENDGRID_EVENT_KEY is missing, or no public key.")
        body = await read_capped(request, LARGEST_EVENTS)
        signature = request.headers.get(SIGNATURE_HEADER, "")
        timestamp = request.headers.get(TIMESTAMP_HEADER, "")
        return await run_in_threadpool(take, body, signature, timestamp)

    return [Route("/hooks/sendgrid/events", events, methods=["POST"])]


def _alert(tally: EventTally) -> None:
    for reason in tally.drops:
        logger.error(
            "SendGrid dropped letters: %s; mend it, then resume the courses that are held",
            reason or "it gave no reason",
        )


def _said(status: int, words: str) -> Response:
    return PlainTextResponse(f"{words}\n", status, {"Cache-Control": "no-store"})
