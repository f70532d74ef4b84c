"""``/u/{token}``: leaving with one click. GET shows, POST acts (RFC 8058)."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.installation import Installation
from worker.links import TEST_ENROLLMENT
from worker.web.pages import Pages

_LONGEST_BODY = 65_536


def leaving_routes(installation: Installation, pages: Pages) -> list[Route]:
    """Return the routes under ``/u/``."""

    def enrollment(request: Request) -> int:
        found = installation.links.read_unsubscribe(request.path_params["token"])
        if found is None:
            raise HTTPException(404)
        return found

    def leave(enrollment_id: int) -> bool:
        return installation.store.unsubscribe_enrollment(enrollment_id, installation.now())

    async def show(request: Request) -> Response:
        is_test = enrollment(request) == TEST_ENROLLMENT
        return pages.show("test.html" if is_test else "leave.html")

    async def act(request: Request) -> Response:
        """Leave, whatever the body says: mail programs send it urlencoded, multipart or empty."""
        enrollment_id = enrollment(request)
        await _discard_body(request)
        if enrollment_id == TEST_ENROLLMENT:
            return pages.show("test.html")
        if not await run_in_threadpool(leave, enrollment_id):
            raise HTTPException(404)  # a genuine link, but of a ledger that this one is not
        return pages.show("left.html")

    async def answer(request: Request) -> Response:
        return await (act if request.method == "POST" else show)(request)

    return [Route("/u/{token}", answer, methods=["GET", "POST"])]


async def _discard_body(request: Request) -> None:
    read = 0
    async for chunk in request.stream():
        read += len(chunk)
        if read > _LONGEST_BODY:
            raise HTTPException(413)
