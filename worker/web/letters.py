"""``/v/{token}``: a letter in the browser, and ``/assets/{name}``: the pictures it shows."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from worker.compose import browser_view
from worker.errors import Refused
from worker.installation import Installation

_FOREVER = "public, max-age=31536000, immutable"


def letter_routes(installation: Installation) -> list[Route]:
    """Return the routes of published letters; nothing here is about a person."""
    public = urlsplit(installation.links.assets())
    letter_policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; "
        f"img-src 'self' {public.scheme}://{public.netloc} https: data:; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )

    def view(request: Request) -> Response:
        letter_id = installation.links.read_view(request.path_params["token"])
        if letter_id is None:
            raise HTTPException(404)
        try:
            stored = installation.store.letter(letter_id)
        except Refused:
            raise HTTPException(404) from None
        headers = {
            "Content-Security-Policy": letter_policy,
            "Cache-Control": "private, max-age=300",
        }
        return HTMLResponse(browser_view(stored, installation.links), headers=headers)

    def asset(request: Request) -> Response:
        found = installation.store.asset(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        tag = f'"{found.digest}"'
        headers = {
            "Cache-Control": _FOREVER,
            "ETag": tag,
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if tag in request.headers.get("If-None-Match", ""):
            return Response(status_code=304, headers=headers)
        return Response(found.content, headers=headers, media_type=found.media_type)

    return [
        Route("/v/{token}", view, methods=["GET"]),
        Route("/assets/{name}", asset, methods=["GET"]),
    ]
