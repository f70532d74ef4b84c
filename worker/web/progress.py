"""``/p/{token}``: a person's way through a course, and what they may change about it.

Letters get forwarded, so nothing here says who the person is or what they wrote, and nothing
that a stranger could do here cannot be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from course.errors import LettercourseError
from worker.errors import UnknownSubscriber
from worker.installation import Installation
from worker.links import TEST_ENROLLMENT
from worker.lists import read_time
from worker.schedule import find_zone
from worker.store.journey import Journey
from worker.store.wishes import Wish
from worker.web.forms import read_fields
from worker.web.language import language_of
from worker.web.pages import Pages, test_page
from worker.web.zones import regions

Fields = Mapping[str, str]
Act = Callable[[int, Fields, datetime], str]
"""Does what a form asks for, and returns the word for the notice that says so."""

NOTICES = frozenset({"paused", "resumed", "hour", "next", "link", "under_way", "over"})
"""What ``?done=`` may say; anything else says nothing."""


def progress_routes(installation: Installation, pages: Pages) -> list[Route]:
    """Return the routes under ``/p/``."""
    store, links = installation.store, installation.links
    acts = _acts(installation)

    def enrollment(request: Request) -> int:
        found = links.read_page(request.path_params["token"])
        if found is None:
            raise HTTPException(404)
        return found

    def show(enrollment_id: int, token: str, done: str, *, at_fault: bool = False) -> Response:
        now = installation.now()
        journey = store.journey(enrollment_id, now)
        if journey is None:
            raise HTTPException(404)  # a genuine link, but of a ledger that this one is not
        course = journey.membership.course
        spoken = language_of(course.language)
        return pages.show(
            "progress.html",
            422 if at_fault else 200,
            language=course.language,
            journey=journey,
            member=journey.membership,
            course=course,
            now=now,
            token=token,
            done=done if done in NOTICES else "",
            may_hurry=_may_hurry(journey, now),
            view=links.view,
            leave_url=links.unsubscribe(enrollment_id),
            regions=regions(spoken.catalogue.gettext),
            at_fault=at_fault,
        )

    async def look(request: Request) -> Response:
        enrollment_id = enrollment(request)
        if enrollment_id == TEST_ENROLLMENT:
            return test_page(pages, request)
        done = request.query_params.get("done", "")
        token = request.path_params["token"].lower()
        return await run_in_threadpool(show, enrollment_id, token, done)

    def do(enrollment_id: int, token: str, act: Act, fields: Fields) -> Response:
        try:
            done = act(enrollment_id, fields, installation.now())
        except UnknownSubscriber:
            raise HTTPException(404) from None
        except LettercourseError:  # no such hour or place
            return show(enrollment_id, token, "", at_fault=True)
        # Relative, for an installation may live below any path of its public address.
        return RedirectResponse(f"../{token}?done={done}", 303, {"Cache-Control": "no-store"})

    async def act(request: Request) -> Response:
        enrollment_id = enrollment(request)
        wanted = acts.get(request.path_params["act"])
        if wanted is None:
            raise HTTPException(404)
        if enrollment_id == TEST_ENROLLMENT:
            return test_page(pages, request)
        fields = await read_fields(request)
        token = request.path_params["token"].lower()
        return await run_in_threadpool(do, enrollment_id, token, wanted, fields)

    return [
        Route("/p/{token}", look, methods=["GET"]),
        Route("/p/{token}/{act}", act, methods=["POST"]),
    ]


def _acts(installation: Installation) -> Mapping[str, Act]:
    store = installation.store

    def pause(enrollment_id: int, _: Fields, now: datetime) -> str:
        return _word(store.pause_enrollment(enrollment_id, now), "paused")

    def resume(enrollment_id: int, _: Fields, now: datetime) -> str:
        return _word(store.resume_enrollment(enrollment_id, now), "resumed")

    def hour(enrollment_id: int, fields: Fields, now: datetime) -> str:
        send_at = read_time(fields.get("send_at", ""))
        zone = find_zone(fields.get("zone", "")).key
        return _word(store.reschedule(enrollment_id, send_at, zone, now), "hour")

    def hurry(enrollment_id: int, fields: Fields, now: datetime) -> str:
        return _word(store.next_now(enrollment_id, fields.get("letter", ""), now), "next")

    def link(enrollment_id: int, _: Fields, now: datetime) -> str:
        store.ask_link(enrollment_id, now)
        return "link"

    return {"pause": pause, "resume": resume, "hour": hour, "next": hurry, "link": link}


def _word(wish: Wish, granted: str) -> str:
    return granted if wish is Wish.GRANTED else wish.value


def _may_hurry(journey: Journey, now: datetime) -> bool:
    """Tell whether there is a letter that waits for its time."""
    due_at = journey.ahead[0].due_at if journey.ahead else None
    return due_at is not None and due_at > now
