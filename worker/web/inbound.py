"""``POST /hooks/sendgrid/inbound``: replies as SendGrid's Inbound Parse posts them.

SendGrid tries again for 72 hours after a 5xx, and never after a 4xx: the mail is lost then, and
nobody is told. So a fault of ours is always a 503, and whatever can be kept is answered 200.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from collections.abc import Sequence
from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from worker.inbound.sendgrid_form import read_inbound_form
from worker.inbound.sendgrid_signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, is_key, verify
from worker.installation import Installation
from worker.receiving import receive
from worker.web.body import read_capped

LARGEST_POST = 41_943_040
"""Bytes; SendGrid takes mail up to 30 MB and adds the form around it."""

OLDEST = timedelta(hours=73)
"""SendGrid tries again for 72 hours, and what is refused here is lost; copies are known as such."""


def inbound_routes(installation: Installation) -> list[Route]:
    """Return the route of the inbound hook."""
    settings = installation.settings
    key = settings.sendgrid_event_key if is_key(settings.sendgrid_event_key) else ""

    def take(body: bytes, content_type: str) -> None:
        receive(installation.receiver(), read_inbound_form(body, content_type))

    async def answer(request: Request) -> Response:
        if not (settings.inbound_secret or key):
            raise HTTPException(503)  # ours to mend: the mail must come again
        by_password = knows_password(request, settings.inbound_secret)
        signature = request.headers.get(SIGNATURE_HEADER, "")
        if not by_password and not (signature and key):
            raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})
        body = await read_capped(request, LARGEST_POST)
        if not by_password and not verify(
            body,
            signature,
            request.headers.get(TIMESTAMP_HEADER, ""),
            key,
            installation.clock.wall(),
            OLDEST,
        ):
            raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})
        await run_in_threadpool(take, body, request.headers.get("Content-Type", ""))
        return PlainTextResponse("kept\n", headers={"Cache-Control": "no-store"})

    return [Route("/hooks/sendgrid/inbound", answer, methods=["POST"])]


def knows_password(request: Request, secrets: Sequence[str]) -> bool:
    """Whether a request's basic auth (RFC 7617) holds one of the secrets, with any user name."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        _, _, password = b64decode(credentials.strip(), validate=True).partition(b":")
    except ValueError:
        return False
    matches = [hmac.compare_digest(password, secret.encode()) for secret in secrets]
    return any(matches)  # each was compared: the time tells nothing
