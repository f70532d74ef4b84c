"""``/healthz``: the process answers. ``/readyz``: it can do its work."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from worker.installation import Installation

logger = logging.getLogger(__name__)


def health_routes(installation: Installation, is_moving: Callable[[], bool]) -> list[Route]:
    """Return the routes that a supervisor asks."""

    def database() -> bool:
        try:
            return installation.store.schema_is_current()
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is the answer
            logger.warning("the database does not answer: %s", type(fault).__name__)
            return False

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})

    def ready(_: Request) -> Response:
        checks = {"database": database(), "worker": is_moving()}
        return JSONResponse(
            {"ready": all(checks.values()), **checks},
            200 if all(checks.values()) else 503,
            {"Cache-Control": "no-store"},
        )

    return [Route("/healthz", alive, methods=["GET"]), Route("/readyz", ready, methods=["GET"])]
