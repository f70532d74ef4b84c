"""``/subscribe/{course}`` and ``/confirm/{token}``: signing up, and saying that it was oneself.

The form answers known and unknown, welcome and unwelcome people with the same page after the same
time: what it finds out goes to the mailbox alone.
"""

from __future__ import annotations

import logging

from anyio import current_time, sleep_until
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.errors import Refused, UnknownCourse
from worker.installation import Installation
from worker.joining.limits import Counted, Turnstile, client_of, mailbox_of
from worker.joining.wish import TRAP, Wish, consent_text, read_wish
from worker.model import Confirmation, PublishedCourse, SignUp
from worker.web.body import read_capped
from worker.web.forms import read_fields
from worker.web.language import language_of
from worker.web.pages import Pages
from worker.web.zones import regions

ANSWER_AFTER = 0.3
"""Seconds after which a filled-in form is answered, however little there was to do."""

LONGEST_FORM = 16_384

_PAGES = {
    SignUp.OPEN: "confirm.html",
    SignUp.JOINED: "joined.html",
    SignUp.EXPIRED: "confirm_expired.html",
    SignUp.BARRED: "confirm_barred.html",
}

logger = logging.getLogger(__name__)


def signing_routes(installation: Installation, pages: Pages) -> list[Route]:
    """Return the routes of signing up."""
    store, links = installation.store, installation.links
    turnstile = Turnstile(
        installation.settings.broker_url, lambda who: installation.pseudonyms.digests(who)[0]
    )

    def find(slug: str) -> PublishedCourse:
        try:
            return store.course(slug)
        except UnknownCourse:
            raise HTTPException(404) from None

    def form(course: PublishedCourse, fields: dict[str, str], wish: Wish | None = None) -> Response:
        return pages.show(
            "subscribe.html",
            400 if wish else 200,
            language=course.language,
            course=course,
            consent=consent_text(course.title, course.language),
            fields={name: fields.get(name, "") for name in ("email", "name", "timezone")},
            faults=wish.faults if wish else frozenset(),
            trap=TRAP,
            regions=regions(language_of(course.language).catalogue.gettext),
        )

    def wait(counted: Counted, who: str = "") -> int:
        return turnstile.wait(counted, who, installation.clock.wall().timestamp())

    def too_many(course: PublishedCourse, seconds: int) -> Response:
        headers = {"Retry-After": str(seconds)}
        return pages.show("too_many.html", 429, headers, language=course.language)

    def take(request: Request, course: PublishedCourse, fields: dict[str, str]) -> Response:
        """Do what a filled-in form asks for."""
        client = client_of(request.client.host if request.client else "")
        if seconds := wait(Counted.CLIENT, client):
            return too_many(course, seconds)
        wish = read_wish(fields)
        asked = pages.show("asked.html", language=course.language, course=course)
        if wish.trapped:
            return asked
        if wish.person is None:
            return form(course, fields, wish)
        if wait(Counted.ADDRESS, mailbox_of(wish.person.address)):
            return asked
        if seconds := wait(Counted.EVERYBODY):
            logger.warning("sign-ups for %s are over the limit for everybody", course.slug)
            return too_many(course, seconds)
        text = consent_text(course.title, course.language)
        store.ask_to_join(course.slug, wish.person, text, installation.now())
        return asked

    async def subscribe(request: Request) -> Response:
        course = await run_in_threadpool(find, request.path_params["course"])
        if request.method != "POST":
            return form(course, {})
        began = current_time()
        fields = await read_fields(request, LONGEST_FORM)
        answer = await run_in_threadpool(take, request, course, fields)
        await sleep_until(began + ANSWER_AFTER)
        return answer

    def show(found: Confirmation | None) -> Response:
        if found is None:
            raise HTTPException(404)  # a genuine link, but of a ledger that this one is not
        return pages.show(
            _PAGES[found.standing],
            language=found.language,
            course_title=found.course_title,
            form_url=links.site(f"/subscribe/{found.course}"),
            page_url="" if found.enrollment_id is None else links.page(found.enrollment_id),
        )

    def look(consent_id: int) -> Response:
        return show(store.confirmation(consent_id, installation.now()))

    def join(consent_id: int) -> Response:
        try:
            return show(store.confirm(consent_id, installation.now()))
        except Refused:  # a letter of theirs is under way; that is over in seconds
            raise HTTPException(503, headers={"Retry-After": "30"}) from None

    async def confirm(request: Request) -> Response:
        consent_id = links.read_confirm(request.path_params["token"])
        if consent_id is None:
            raise HTTPException(404)
        if request.method != "POST":
            return await run_in_threadpool(look, consent_id)
        await read_capped(request, LONGEST_FORM)
        return await run_in_threadpool(join, consent_id)

    return [
        Route("/subscribe/{course}", subscribe, methods=["GET", "POST"]),
        Route("/confirm/{token}", confirm, methods=["GET", "POST"]),
    ]
