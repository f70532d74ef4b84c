"""``/mine/{token}``: what a person wrote, all that is kept about them, and erasing it.

The token was mailed to the person's own address and is good for a quarter of an hour: whoever was
forwarded a letter does not have it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.erasing import erase
from worker.installation import Installation
from worker.store.membership import Membership
from worker.web.pages import Pages

_ANY_TIME = datetime.min.replace(tzinfo=UTC)
"""No link had expired by then."""


def mine_routes(installation: Installation, pages: Pages) -> list[Route]:
    """Return the routes under ``/mine/``."""
    store, links = installation.store, installation.links

    def find(enrollment_id: int | None) -> Membership:
        member = None if enrollment_id is None else store.membership(enrollment_id)
        if member is None:
            raise HTTPException(404)
        return member

    def behind(answer: Callable[[str, Membership], Response], request: Request) -> Response:
        """Answer for whoever the link is about, unless it has expired or they were erased."""
        token = request.path_params["token"].lower()
        member = find(links.read_mine(token, _ANY_TIME))
        if member.is_erased:
            return pages.show("erased.html", language=member.course.language)
        if links.read_mine(token, installation.now()) is None:
            page_url = links.page(member.enrollment_id)
            return pages.show(
                "mine_expired.html", 410, language=member.course.language, page_url=page_url
            )
        return answer(token, member)

    def show(token: str, member: Membership) -> Response:
        words = store.own_words(member.subscriber_id)
        return pages.show("mine.html", language=member.course.language, token=token, words=words)

    def data(_: str, member: Membership) -> Response:
        told = store.export(member.subscriber_id, installation.now())
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="my-data.json"',
        }
        text = json.dumps(told, ensure_ascii=False, indent=2)
        return Response(text, headers=headers, media_type="application/json")

    def ask(token: str, member: Membership) -> Response:
        return pages.show("erase.html", language=member.course.language, token=token)

    def act(_: str, member: Membership) -> Response:
        erase(store, installation.provider, member.subscriber_id, installation.now())
        return pages.show("erased.html", language=member.course.language)

    def route(path: str, answer: Callable[[str, Membership], Response], method: str) -> Route:
        async def served(request: Request) -> Response:
            return await run_in_threadpool(behind, answer, request)

        return Route(path, served, methods=[method])

    return [
        route("/mine/{token}", show, "GET"),
        route("/mine/{token}/data.json", data, "GET"),
        route("/mine/{token}/erase", ask, "GET"),
        route("/mine/{token}/erase", act, "POST"),
    ]
