"""``/healthz``: the process answers. ``/readyz``: it can do its work, or says what is wrong.

A web server is ready while its database is: people must be able to leave also while no worker runs.
So that letters do not go out is told here, and is a 503 only for who asks for that
(``/readyz?delivering``), and for the process whose own worker it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from worker.installation import Installation
from worker.store import fingerprint
from worker.watch import why_nothing_moves
from worker.web.probing import Probe, Unanswered

ANSWERS_WITHIN = 3.0
"""Seconds that the database has."""

NO_STORE = {"Cache-Control": "no-store"}

log = logging.getLogger(__name__)


def health_routes(installation: Installation, is_moving: Callable[[], bool]) -> list[Route]:
    """Return the routes that a supervisor asks."""
    database = Probe(lambda: _look(installation), ANSWERS_WITHIN)

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=NO_STORE)

    def ready(request: Request) -> Response:
        who = None
        try:
            who, faults = database()
        except Unanswered:
            faults = {"database": f"the database did not answer within {ANSWERS_WITHIN:g} seconds"}
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is the answer
            log.warning("the database does not answer: %s", type(fault).__name__)
            faults = {"database": "the database does not answer"}
        if not is_moving():
            faults["worker"] = "the worker of this process gets nothing done"
        stops = faults.keys() - (set() if "delivering" in request.query_params else {"delivering"})
        return JSONResponse(
            {
                "ready": not stops,
                "database": "database" not in faults,
                "worker": "worker" not in faults,
                "delivering": None if "database" in faults else "delivering" not in faults,
                "why": list(faults.values()),
                "installation": who,
            },
            503 if stops else 200,
            NO_STORE,
        )

    return [Route("/healthz", alive, methods=["GET"]), Route("/readyz", ready, methods=["GET"])]


def _look(installation: Installation) -> tuple[str | None, dict[str, str]]:
    """Return which installation it is, and what is wrong; raises when nobody can be asked."""
    store = installation.store
    if not store.schema_is_current():
        return None, {"database": "the database is not of this version: run lettercourse migrate"}
    moment = installation.moment()
    why = why_nothing_moves(store.vital_signs(moment), moment)
    return fingerprint(store.installation_id()), {"delivering": why} if why else {}
