"""What holds for every answer: headers, and that a fault of ours is a calm 503."""

from __future__ import annotations

import logging

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.web.language import language_wished
from worker.web.pages import Pages

logger = logging.getLogger(__name__)


class Guard:
    """Adds the security headers and keeps faults out of answers and logs.

    Addresses hold tokens, so they go into neither the log nor a Referer header.
    """

    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self._app = app
        self._pages = pages
        self._headers = {
            "Content-Security-Policy": pages.policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "X-Frame-Options": "DENY",
            "X-Robots-Tag": "noindex, nofollow",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_guarded)
        except ClientDisconnect:
            return  # in the middle of a body: nothing was done, and nobody waits for an answer
        except Exception as fault:  # noqa: BLE001 - the door itself must answer
            door = scope["path"].split("/")[1]
            reason = type(fault).__name__  # its text and trace may hold an address
            logger.error("%s /%s failed: %s", scope["method"], door, reason)  # noqa: TRY400
            if not begun:
                wished = language_wished(Headers(scope=scope))
                retry = {"Retry-After": "30"}
                busy = self._pages.show("busy.html", 503, retry, language=wished)
                await busy(scope, receive, send_guarded)
