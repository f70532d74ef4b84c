"""``POST /api/enrollments``: other programs enroll people who agreed there."""

from __future__ import annotations

import logging

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from course.errors import LettercourseError
from worker.errors import DatabaseFault, UnknownCourse
from worker.installation import Installation
from worker.joining.program import (
    LONGEST_REQUEST,
    BadRequest,
    answer_of,
    is_bearer,
    read_enroll_request,
)
from worker.web.body import read_capped

logger = logging.getLogger(__name__)

_NO_STORE = {"Cache-Control": "no-store"}


def api_routes(installation: Installation) -> list[Route]:
    """Return the routes for programs."""

    def enroll(body: bytes) -> Response:
        try:
            request = read_enroll_request(body)
            course = installation.store.course(request.course)
            people = [each.person for each in request.people if each.person is not None]
            results = installation.store.enroll_by_program(
                course, people, request.consent, installation.now()
            )
        except BadRequest as fault:
            return _refusal(400, fault.what, fault.where, fault.remedy)
        except UnknownCourse as fault:
            return _refusal(400, fault.what, "course", fault.remedy)
        except DatabaseFault as fault:
            logger.error("POST /api failed: %s", type(fault).__name__)  # noqa: TRY400
            return _refusal(503, "something on our side did not work", "", "send it again later")
        return JSONResponse(answer_of(request, results), headers=_NO_STORE)

    async def enrollments(request: Request) -> Response:
        header = request.headers.get("authorization", "")
        if not is_bearer(header, installation.settings.api_token):
            refusal = _refusal(401, "no valid token", "Authorization", "send Bearer and the token")
            refusal.headers["WWW-Authenticate"] = "Bearer"
            return refusal
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return _refusal(415, "the body is not JSON", "Content-Type", "send application/json")
        try:
            body = await read_capped(request, LONGEST_REQUEST)
        except HTTPException as fault:
            remedy = f"send {LONGEST_REQUEST} bytes at most"
            return _refusal(fault.status_code, "the body is too long", "", remedy)
        return await run_in_threadpool(enroll, body)

    return [Route("/api/enrollments", enrollments, methods=["POST"])]


def _refusal(status: int, what: str, where: str, remedy: str) -> Response:
    line = str(LettercourseError(what, where=where, remedy=remedy))
    return JSONResponse({"error": line}, status, headers=_NO_STORE)
