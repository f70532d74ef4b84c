"""The preview's doors: the page, what is new, a calendar for anybody, and the files of a build."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from course.codec import files_of
from course.errors import LettercourseError
from course.fill import fill_html, fill_mime, fill_text
from course.gallery import gallery_page, letters_in_order, policy, sample_values
from worker.preview.desk import Desk

LOOK_EVERY = 0.04
"""Seconds between two looks at the files, each of which costs some microseconds a file."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: http:; sandbox"


class Newsroom:
    """Tells every open page when there is something new, until it closes."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.closed = False
        self._changed = asyncio.Event()

    async def watch(self) -> None:
        """Look at the files again and again, and compile when they changed."""
        told = self.desk.shown.version
        while not self.closed:
            await asyncio.sleep(LOOK_EVERY)
            if not await asyncio.to_thread(self.desk.has_changed):
                continue
            await asyncio.to_thread(self.desk.look)
            if self.desk.shown.version != told:
                told = self.desk.shown.version
                self._tell()

    def close(self) -> None:
        """End what waits for news."""
        self.closed = True
        self._tell()

    async def versions(self) -> AsyncIterator[str]:
        """Yield the version that is shown, now and whenever it changes."""
        while not self.closed:
            waiting = self._changed
            yield f"data: {self.desk.shown.version}\n\n"
            await waiting.wait()

    def _tell(self) -> None:
        waiting, self._changed = self._changed, asyncio.Event()
        waiting.set()


def build_preview(room: Newsroom, host: str) -> Starlette:
    """Return the application.

    Args:
        room: with the course that is shown.
        host: the name or address it was asked to listen on, which browsers may use.
    """
    desk = room.desk

    def page(_request: Request) -> Response:
        content = gallery_page(desk.shown.gallery, live=True)
        headers = {"Content-Security-Policy": f"{policy(live=True)}; frame-ancestors 'none'"}
        return HTMLResponse(content, headers=headers)

    def course(_request: Request) -> Response:
        return Response(desk.shown.body, media_type="application/json")

    async def events(_request: Request) -> Response:
        return StreamingResponse(room.versions(), media_type="text/event-stream")

    def calendar(request: Request) -> Response:
        asked = request.query_params
        try:
            found = desk.calendar(asked.get("start", ""), asked.get("zone", ""))
        except LettercourseError as fault:
            return PlainTextResponse(str(fault), 400)
        return JSONResponse(found)

    def asset(request: Request) -> Response:
        compiled = desk.shown.compiled
        for each in compiled.edition.assets if compiled else ():
            if each.name == request.path_params["name"]:
                return Response(each.content, media_type=each.media_type)
        return PlainTextResponse("there is no such picture", 404)

    def file(request: Request) -> Response:
        name, compiled = request.path_params["name"], desk.shown.compiled
        for letter, _ in letters_in_order(compiled.edition) if compiled else ():
            files = files_of(letter)
            if name not in files.values():
                continue
            values = sample_values(compiled.edition, letter)  # type: ignore[union-attr]
            if name == files["html"]:
                content = fill_html(letter, values)
                return HTMLResponse(content, headers={"Content-Security-Policy": _SANDBOX})
            if name == files["text"]:
                return PlainTextResponse(fill_text(letter, values))
            return Response(fill_mime(letter, values), media_type="message/rfc822")
        return PlainTextResponse("there is no such letter", 404)

    @asynccontextmanager
    async def watching(_app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(room.watch())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    preview = Starlette(
        routes=[
            Route("/", page, methods=["GET"]),
            Route("/course.json", course, methods=["GET"]),
            Route("/events", events, methods=["GET"]),
            Route("/calendar.json", calendar, methods=["GET"]),
            Route("/assets/{name}", asset, methods=["GET"]),
            Route("/{name}", file, methods=["GET"]),
        ],
        lifespan=watching,
    )
    preview.add_middleware(Door, host=host)
    return preview


class Door:
    """Lets in only who came by this machine's own name, and sets what holds for every answer.

    A page elsewhere on the web may point a name of its own at this machine (DNS rebinding) and
    read an unpublished course by it; an IP address cannot be pointed.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app = app
        self._host = host.casefold()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if self._is_ours(Headers(scope=scope).get("host", "")):
            await self._app(scope, receive, guarded)
        else:
            refusal = PlainTextResponse("open the preview by the address it said", 421)
            await refusal(scope, receive, guarded)

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in ("localhost", self._host) or name.endswith(".localhost"):
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True
