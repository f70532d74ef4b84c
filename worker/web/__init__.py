"""The doors to the outside that people and mail programs come to."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.installation import Installation
from worker.web.api import api_routes
from worker.web.guard import Guard
from worker.web.health import health_routes
from worker.web.hooks import hook_routes
from worker.web.inbound import inbound_routes
from worker.web.language import language_wished
from worker.web.leaving import leaving_routes
from worker.web.letters import letter_routes
from worker.web.metrics import metric_routes
from worker.web.mine import mine_routes
from worker.web.openapi import openapi_routes
from worker.web.pages import Pages
from worker.web.progress import progress_routes
from worker.web.signing import signing_routes

__all__ = ["build_web"]


def build_web(
    installation: Installation, is_moving: Callable[[], bool] = lambda: True
) -> Starlette:
    """Return the web application of one installation.

    Args:
        installation: stays open for as long as the application is served.
        is_moving: whether the worker of this process does its rounds; for ``/readyz``.
    """
    pages = Pages()
    routes: list[Route] = [
        *leaving_routes(installation, pages),
        *letter_routes(installation),
        *signing_routes(installation, pages),
        *api_routes(installation),
        *openapi_routes(installation),
        *progress_routes(installation, pages),
        *mine_routes(installation, pages),
        *hook_routes(installation),
        *inbound_routes(installation),
        *health_routes(installation, is_moving),
        *metric_routes(installation),
    ]

    def no(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, HTTPException)  # noqa: S101
        page = "busy.html" if fault.status_code >= 500 else "nothing.html"
        wished = language_wished(request.headers)
        return pages.show(page, fault.status_code, fault.headers, language=wished)

    web = Starlette(routes=routes, exception_handlers={HTTPException: no})
    web.router.redirect_slashes = False
    web.add_middleware(Guard, pages=pages)
    return web
