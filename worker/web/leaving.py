"""``/u/{token}``: leaving with one click. GET shows, POST acts (RFC 8058)."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.installation import Installation
from worker.links import TEST_ENROLLMENT
from worker.model import EnrollmentState
from worker.store.membership import Membership
from worker.web.forms import read_fields
from worker.web.pages import Pages, test_page

ONLY_THIS_COURSE = {"scope": "course"}
"""What our page's button says. Whatever else is posted, or nothing, means everything."""


def leaving_routes(installation: Installation, pages: Pages) -> list[Route]:
    """Return the routes under ``/u/``."""
    store = installation.store

    def enrollment(request: Request) -> int:
        found = installation.links.read_unsubscribe(request.path_params["token"])
        if found is None:
            raise HTTPException(404)
        return found

    def show(enrollment_id: int) -> Response:
        found = store.membership(enrollment_id)
        if found is None:
            raise HTTPException(404)  # a genuine link, but of a ledger that this one is not
        return pages.show(
            _page(found), language=found.course.language, course=found.course, member=found
        )

    def leave(enrollment_id: int, *, only_this_course: bool) -> Response:
        now = installation.now()
        if only_this_course:
            store.leave_enrollment(enrollment_id, now)
        else:
            store.unsubscribe_enrollment(enrollment_id, now)
        return show(enrollment_id)

    async def answer(request: Request) -> Response:
        enrollment_id = enrollment(request)
        if enrollment_id == TEST_ENROLLMENT:
            return test_page(pages, request)
        if request.method != "POST":
            return await run_in_threadpool(show, enrollment_id)
        fields = await read_fields(request)
        return await run_in_threadpool(
            leave, enrollment_id, only_this_course=fields == ONLY_THIS_COURSE
        )

    return [Route("/u/{token}", answer, methods=["GET", "POST"])]


def _page(member: Membership) -> str:
    if member.has_left:
        return "left.html"
    return "left_course.html" if member.state is EnrollmentState.STOPPED else "leave.html"
