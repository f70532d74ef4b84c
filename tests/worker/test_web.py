from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.types import Message

from tests.worker.tiny_course import PICTURE, edition, enroll, found
from worker.delivery import tick
from worker.installation import Installation
from worker.model import SubscriberState
from worker.web import build_web
from worker.web.server import Server

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    opened = found(tmp_path)
    yield opened
    opened.close()


@contextmanager
def served(installation: Installation, *, moving: bool = True) -> Iterator[httpx.Client]:
    server = Server(build_web(installation, lambda: moving), "127.0.0.1", 0)
    server.start()
    try:
        with httpx.Client(base_url=server.url) as client:
            yield client
    finally:
        server.stop()
        assert server.join(time.monotonic() + 5)


@pytest.fixture
def door(installation: Installation) -> Iterator[httpx.Client]:
    with served(installation) as client:
        yield client


@pytest.fixture
def person(installation: Installation) -> str:
    (address,) = enroll(installation, 1)
    return address


def path(url: str) -> str:
    return urlsplit(url).path


def leave_link(installation: Installation) -> str:
    """Return the link that stands in the header of the one letter that was sent."""
    tick(installation.courier())
    (letter,) = (installation.settings.data_dir / "maildir" / "new").iterdir()
    found_link = re.search(r"^List-Unsubscribe: <(.*)>$", letter.read_text(), re.MULTILINE)
    assert found_link is not None
    return path(found_link[1])


def state(installation: Installation, address: str) -> SubscriberState:
    return installation.store.standing(address).state


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_at_the_link_changes_nothing(
    installation: Installation, door: httpx.Client, person: str, method: str
) -> None:
    for _ in range(3):
        assert door.request(method, leave_link(installation)).status_code == 200
    assert state(installation, person) is SubscriberState.ACTIVE


@pytest.mark.parametrize(
    "body",
    [
        {"data": ONE_CLICK},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {},
        {
            "content": b"\xff" * 100,
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        },
    ],
)
def test_one_click_leaves_however_the_mail_program_says_it(
    installation: Installation, door: httpx.Client, person: str, body: dict[str, object]
) -> None:
    link = leave_link(installation)
    for _ in range(2):
        answer = door.post(link, **body)  # type: ignore[arg-type]
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert "location" not in answer.headers
        assert "You have left" in answer.text
    assert state(installation, person) is SubscriberState.UNSUBSCRIBED


def test_a_link_survives_being_written_in_capitals(
    installation: Installation, door: httpx.Client, person: str
) -> None:
    token = leave_link(installation).rpartition("/")[2]
    assert door.post(f"/u/{token.upper()}").status_code == 200
    assert state(installation, person) is SubscriberState.UNSUBSCRIBED


def test_the_page_of_the_link_posts_to_itself_with_one_button(
    installation: Installation, door: httpx.Client, person: str
) -> None:
    class Forms(HTMLParser):
        forms: list[dict[str, str | None]] = []  # noqa: RUF012
        buttons = 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "form":
                self.forms.append(dict(attrs))
            self.buttons += tag == "button"

    forms = Forms()
    page = door.get(leave_link(installation))
    forms.feed(page.text)
    assert forms.forms == [{"method": "post"}]
    assert forms.buttons == 1
    assert person not in page.text


def test_a_body_past_all_reason_is_not_read_and_nobody_leaves(
    installation: Installation, door: httpx.Client, person: str
) -> None:
    assert door.post(leave_link(installation), content=b"x" * 100_000).status_code == 413
    assert state(installation, person) is SubscriberState.ACTIVE


@pytest.mark.parametrize("token", ["x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "%00", "..", "ü"])
@pytest.mark.parametrize("door_name", ["u", "v"])
def test_an_unknown_token_is_a_page_that_helps(
    door: httpx.Client, door_name: str, token: str
) -> None:
    answers = [door.get(f"/{door_name}/{token}")]
    if door_name == "u":
        answers.append(door.post(f"/u/{token}", data=ONE_CLICK))
    for answer in answers:
        assert answer.status_code == 404
        assert "There is nothing here" in answer.text


def test_a_token_of_another_kind_opens_nothing(
    installation: Installation, door: httpx.Client, person: str
) -> None:
    token = leave_link(installation).rpartition("/")[2]
    assert door.get(f"/v/{token}").status_code == 404


def test_leaving_a_ledger_that_does_not_know_the_person_does_not_say_they_left(
    installation: Installation, door: httpx.Client
) -> None:
    link = path(installation.links.unsubscribe(10**6))
    assert door.post(link, data=ONE_CLICK).status_code == 404


def test_the_link_of_a_test_letter_says_so(installation: Installation, door: httpx.Client) -> None:
    link = path(installation.links.unsubscribe(0))
    assert "This was a test letter" in door.get(link).text
    assert "This was a test letter" in door.post(link, data=ONE_CLICK).text


def test_a_letter_in_the_browser_is_about_nobody(
    installation: Installation, door: httpx.Client, person: str
) -> None:
    letter_id = installation.store.course("tiny").letter_ids[0]
    answer = door.get(path(installation.links.view(letter_id)))
    assert answer.status_code == 200
    assert "<h1>welcome</h1>" in answer.text
    assert "For you" in answer.text
    assert "Pat" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "noindex" in answer.headers["x-robots-tag"]


def test_a_letter_that_was_never_published_is_not_there(
    installation: Installation, door: httpx.Client
) -> None:
    assert door.get(path(installation.links.view(10**6))).status_code == 404


def test_a_picture_is_served_for_ever_and_only_as_what_it_is(
    installation: Installation, door: httpx.Client, person: str
) -> None:
    name = edition().assets[0].name
    answer = door.get(f"/assets/{name}")
    assert answer.content == PICTURE
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "immutable" in answer.headers["cache-control"]
    assert "sandbox" in answer.headers["content-security-policy"]
    again = door.get(f"/assets/{name}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert door.get("/assets/other.svg").status_code == 404


@pytest.mark.parametrize(
    "place", ["/", "/u/x", "/v/x", "/assets/x", "/healthz", "/readyz", "/metrics", "/no"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_every_answer_carries_the_headers_that_protect(
    door: httpx.Client, place: str, method: str
) -> None:
    answer = door.request(method, place)
    assert answer.status_code < 500
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"] or (
        place == "/assets/x"
    )


def test_a_page_shows_its_style_and_nothing_that_its_policy_forbids(door: httpx.Client) -> None:
    answer = door.get("/no")
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert not re.search(r"<script|style=|<link|<img|\bon\w+=|url\(", answer.text)


def test_no_page_is_reached_by_a_redirect(door: httpx.Client) -> None:
    assert door.get("/healthz/").status_code == 404
    assert door.post("/u/x/").status_code == 404


def test_a_fault_of_ours_is_a_calm_503_and_its_log_holds_no_address(
    installation: Installation,
    door: httpx.Client,
    person: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    link = leave_link(installation)
    installation.store.close()
    database = installation.settings.data_dir / "lettercourse.db"
    for file in database.parent.glob("lettercourse.db*"):
        file.unlink()
    database.write_bytes(b"this is no database at all" * 100)
    with caplog.at_level(logging.DEBUG):
        answer = door.post(link, data=ONE_CLICK)
        ready = door.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "30"
    assert "Please try again" in answer.text
    assert ready.status_code == 503
    assert not ready.json()["database"]
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("worker")]
    assert ours[0].startswith("POST /u failed: ")
    assert link.rpartition("/")[2] not in " ".join(ours)


def test_who_goes_away_in_the_middle_of_a_body_is_no_fault_of_ours(
    installation: Installation, person: str, caplog: pytest.LogCaptureFixture
) -> None:
    said: Iterator[Message] = iter(
        [
            {"type": "http.request", "body": b"List-Un", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    answered = []

    async def receive() -> Message:
        return next(said)

    async def send(message: Message) -> None:
        answered.append(message)

    path = httpx.URL(leave_link(installation)).path
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
    with caplog.at_level(logging.INFO):
        asyncio.run(build_web(installation)(scope, receive, send))
    assert next(said, None) is None
    assert answered == []
    assert caplog.messages == []
    assert installation.store.standing(person).state is SubscriberState.ACTIVE


def test_ready_means_that_letters_go_out(installation: Installation) -> None:
    with served(installation, moving=False) as still:
        assert still.get("/readyz").status_code == 503
        assert not still.get("/readyz").json()["worker"]
        assert still.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("de-CH, de;q=0.9, en;q=0.8", "Hier ist nichts"),
        ("tlh, fr;q=0.9, de;q=0.3", "Hier ist nichts"),
        ("en-GB, de;q=0.5", "There is nothing here"),
        ("de;q=0, *", "There is nothing here"),
        (",;q=,=" * 900, "There is nothing here"),
        ("", "There is nothing here"),
    ],
)
def test_a_page_of_no_course_speaks_the_language_of_the_browser(
    installation: Installation, asked: str, title: str
) -> None:
    with served(installation) as door:
        page = door.get("/u/made-up", headers={"Accept-Language": asked})
    assert f"<title>{title}</title>" in page.text


def test_who_is_in_the_middle_of_a_request_at_the_end_is_told_to_come_again(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    enroll(installation, 1)
    server = Server(build_web(installation), "127.0.0.1", 0)
    server.start()
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0)) as client:
        client.sendall(
            b"POST /subscribe/tiny HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        server.stop()
        assert server.join(time.monotonic() + 10)
        client.settimeout(5)
        assert client.recv(1000).startswith(b"HTTP/1.1 503 ")
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]
