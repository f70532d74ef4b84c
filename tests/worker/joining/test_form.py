"""Signing up over real HTTP: the form, the mail, the button, the welcome."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from html.parser import HTMLParser

import httpx
import pytest

import worker.web.signing as doors
from tests.worker.joining.door import FORM, confirm_link, mails
from tests.worker.tiny_course import DrivenClock
from worker.errors import UnknownSubscriber
from worker.installation import Installation
from worker.joining.limits import LIMITS, Counted
from worker.lists import normalise_address
from worker.model import EnrollmentState, EnrollResult, Person, SubscriberState
from worker.store.suppressing import Suppressed

ADDRESS = "mira@example.org"
LOOK = "Look into your mailbox"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "ANSWER_AFTER", 0.0)


def fill_in(door: httpx.Client, address: str = ADDRESS, **more: str) -> httpx.Response:
    return door.post(FORM, data={"email": address, **more})


def test_from_the_form_to_the_welcome(installation: Installation, door: httpx.Client) -> None:
    assert LOOK in fill_in(door, name="Mira", timezone="Asia/Tokyo").text
    link = confirm_link(installation, ADDRESS)
    assert "Was it you?" in door.get(link).text
    assert installation.store.standing(ADDRESS).state is SubscriberState.PENDING
    joined = door.post(link)
    assert joined.status_code == 200
    assert "You are in" in joined.text
    page = re.search(r'href="([^"]+/p/[^"]+)"', joined.text)
    assert page is not None
    token = page[1].rpartition("/")[2]
    assert installation.links.read_page(token) is not None
    welcome = mails(installation, ADDRESS)[-1]
    assert welcome["Subject"] == "Letter 0: welcome"
    standing = installation.store.standing(ADDRESS)
    assert (standing.name, standing.timezone) == ("Mira", "Asia/Tokyo")


def test_looking_at_the_confirmation_does_not_confirm(
    installation: Installation, door: httpx.Client
) -> None:
    fill_in(door)
    link = confirm_link(installation, ADDRESS)
    for method in ("GET", "HEAD", "GET"):
        assert door.request(method, link).status_code == 200
    assert installation.store.standing(ADDRESS).state is SubscriberState.PENDING
    assert len(mails(installation, ADDRESS)) == 1


def test_confirming_again_says_the_same_and_does_nothing(
    installation: Installation, door: httpx.Client
) -> None:
    fill_in(door)
    link = confirm_link(installation, ADDRESS)
    answers = [door.post(link).text for _ in range(3)] + [door.get(link).text]
    assert len(set(answers)) == 1
    assert len(mails(installation, ADDRESS)) == 2


def test_an_old_link_says_so_and_leads_to_the_form(
    installation: Installation, door: httpx.Client, clock: DrivenClock
) -> None:
    fill_in(door)
    link = confirm_link(installation, ADDRESS)
    clock.instant += timedelta(days=7)
    for method in ("GET", "POST"):
        answer = door.request(method, link)
        assert "too old" in answer.text
        assert installation.links.site(FORM) in answer.text
    assert installation.store.standing(ADDRESS).state is SubscriberState.PENDING


@pytest.mark.parametrize("token", ["x", "%00", "ü", "a" * 60])
def test_a_link_that_is_none_of_ours_confirms_nothing(door: httpx.Client, token: str) -> None:
    for method in ("GET", "POST"):
        assert door.request(method, f"/confirm/{token}").status_code == 404


def test_a_link_of_another_kind_confirms_nothing(
    installation: Installation, door: httpx.Client
) -> None:
    fill_in(door)
    token = installation.links.unsubscribe(1).rpartition("/")[2]
    assert door.post(f"/confirm/{token}").status_code == 404
    unknown = installation.links.confirm(999).rpartition("/")[2]
    assert door.post(f"/confirm/{unknown}").status_code == 404


def test_known_unknown_and_unwanted_people_get_the_same_answer(
    installation: Installation, door: httpx.Client, clock: DrivenClock
) -> None:
    course = installation.store.course("tiny")
    known = [f"{name}@example.org" for name in ("active", "left", "paused", "stopped")]
    installation.store.enroll(course, [Person(each) for each in known], clock.now())
    installation.store.unsubscribe("left@example.org", clock.now())
    installation.store.pause("paused@example.org", None, clock.now())
    clock.instant += timedelta(seconds=1)
    answers = [fill_in(door, address) for address in [*known, "unknown@example.org"]]
    answers.append(fill_in(door, "trapped@example.org", subject="cheap watches"))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(_headers(answer))) for answer in answers}) == 1


def _headers(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer.headers.items() if name != "date"]


def test_every_filled_in_form_is_answered_after_the_same_time(
    installation: Installation, door: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "ANSWER_AFTER", 0.4)
    for more in ({}, {"subject": "cheap watches"}):
        began = time.monotonic()
        fill_in(door, **more)
        assert time.monotonic() - began >= 0.4


def test_whoever_fills_in_the_hidden_field_has_no_effect(
    installation: Installation, door: httpx.Client
) -> None:
    fill_in(door, subject="cheap watches")
    assert installation.store.subscribers() == []
    assert mails(installation, ADDRESS) == []


def test_the_same_address_in_another_spelling_is_the_same_person(
    installation: Installation, door: httpx.Client
) -> None:
    fill_in(door, "Mira@BÜCHER.example")
    address = normalise_address("mira@bücher.example")
    assert installation.store.standing(address).address == "mira@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({}, "email"),
        ({"email": ""}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, "email"),
        ({"email": ADDRESS, "name": "x" * 300}, "name"),
        ({"email": ADDRESS, "timezone": "Mars/Base"}, "timezone"),
    ],
)
def test_what_cannot_be_used_is_shown_beside_its_field_and_nothing_is_lost(
    installation: Installation, door: httpx.Client, fields: dict[str, str], at_fault: str
) -> None:
    answer = door.post(FORM, data=fields)
    assert answer.status_code == 400
    assert f'id="{at_fault}-fault"' in answer.text
    assert answer.text.count(" aria-describedby=") == 1
    if fields.get("email") == ADDRESS:
        assert f'value="{ADDRESS}"' in answer.text
    assert installation.store.subscribers() == []


def test_what_somebody_typed_stands_in_the_page_as_text_only(door: httpx.Client) -> None:
    nasty = '"><script>alert(1)</script>'
    answer = door.post(FORM, data={"email": nasty, "name": nasty, "timezone": nasty})
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {"files": {"email": (None, ADDRESS), "name": (None, "Mira")}},
        {"content": "email=mira%40example.org&name=Mira",
         "headers": {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}},
    ],
)  # fmt: skip
def test_the_form_may_come_in_either_of_a_browsers_forms(
    installation: Installation, door: httpx.Client, body: dict[str, object]
) -> None:
    assert LOOK in door.post(FORM, **body).text  # type: ignore[arg-type]
    door.post(confirm_link(installation, ADDRESS))
    assert installation.store.standing(ADDRESS).name == "Mira"


@pytest.mark.parametrize("content_type", ["", "text/plain", "multipart/form-data", "nonsense/;;="])
def test_a_body_that_is_no_form_is_an_empty_one(door: httpx.Client, content_type: str) -> None:
    answer = door.post(FORM, content=b"email=a@b.c", headers={"Content-Type": content_type})
    assert answer.status_code == 400


def test_a_form_past_all_reason_is_not_read(installation: Installation, door: httpx.Client) -> None:
    assert fill_in(door, name="x" * 20_000).status_code == 413
    assert installation.store.subscribers() == []


def test_a_course_that_was_never_published_has_no_form(door: httpx.Client) -> None:
    assert door.get("/subscribe/other").status_code == 404
    assert door.post("/subscribe/other", data={"email": ADDRESS}).status_code == 404


def test_the_form_needs_no_script_and_sets_no_cookie(door: httpx.Client) -> None:
    for answer in (door.get(FORM), fill_in(door)):
        assert "set-cookie" not in answer.headers
        assert not re.search(r"<script|style=|<link|<img|\bon\w+=|url\(", answer.text)


def test_every_field_of_the_form_has_a_label_and_the_courses_zone_is_chosen(
    door: httpx.Client,
) -> None:
    class Fields(HTMLParser):
        ids: set[str] = set()  # noqa: RUF012
        labelled: set[str] = set()  # noqa: RUF012
        options = 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag in ("input", "select") and given.get("id"):
                self.ids.add(given["id"] or "")
            if tag == "label" and given.get("for"):
                self.labelled.add(given["for"] or "")
            self.options += tag == "option"

    fields = Fields()
    text = door.get(FORM).text
    fields.feed(text)
    assert fields.ids == fields.labelled == {"email", "name", "timezone"}
    assert fields.options > 300
    assert " selected" not in text
    assert "own time (UTC)" in text


def test_what_was_agreed_to_is_kept_word_for_word(
    installation: Installation, door: httpx.Client
) -> None:
    words = re.search(r"<p>(Yes, send me the course .*)</p>", door.get(FORM).text)
    assert words is not None
    fill_in(door)
    with installation.store._database.reading() as connection:
        (kept,) = connection.exec_driver_sql("SELECT how, text, given_at FROM consents").all()
    assert (kept.how, kept.text, kept.given_at) == ("form", words[1], None)


def test_one_client_is_told_to_wait(door: httpx.Client) -> None:
    most = int(LIMITS[Counted.CLIENT][0].split()[0])
    answers = [fill_in(door, f"p{number}@example.org") for number in range(most + 1)]
    assert [each.status_code for each in answers] == [200] * most + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_clients_behind_a_proxy_are_counted_apart(door: httpx.Client) -> None:
    for number in range(25):
        answer = door.post(
            FORM,
            data={"email": f"p{number}@example.org"},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
        )
        assert answer.status_code == 200


def test_one_address_gets_no_more_mail_and_nobody_is_told(
    installation: Installation, door: httpx.Client
) -> None:
    answers = {fill_in(door).content for _ in range(5)}
    assert len(answers) == 1
    assert len(mails(installation, ADDRESS)) == 3


def test_a_mailbox_is_not_flooded_by_adding_tags_to_its_address(
    installation: Installation, door: httpx.Client
) -> None:
    tagged = [f"mira+{number}@example.org" for number in range(5)]
    assert len({fill_in(door, address).content for address in tagged}) == 1
    assert [len(mails(installation, address)) for address in tagged] == [1, 1, 1, 0, 0]


def test_who_came_back_begins_anew(
    installation: Installation, door: httpx.Client, clock: DrivenClock
) -> None:
    course = installation.store.course("tiny")
    installation.store.enroll(course, [Person(ADDRESS)], clock.now())
    mails(installation, ADDRESS)
    installation.store.unsubscribe(ADDRESS, clock.now())
    clock.instant += timedelta(hours=1)
    fill_in(door)
    assert "You are in" in door.post(confirm_link(installation, ADDRESS)).text
    (enrollment,) = installation.store.standing(ADDRESS).enrollments
    assert (enrollment.run, enrollment.state) == (2, EnrollmentState.ACTIVE)
    assert len(mails(installation, ADDRESS)) == 3


def test_who_was_erased_is_new_and_comes_in_by_their_own_yes(
    installation: Installation, door: httpx.Client, clock: DrivenClock
) -> None:
    store = installation.store
    course = store.course("tiny")
    store.enroll(course, [Person(ADDRESS)], clock.now())
    store.erase(store.subscriber_id(ADDRESS), clock.now())
    assert store.enroll(course, [Person(ADDRESS)], clock.now()) == [EnrollResult.SUPPRESSED]
    clock.instant += timedelta(seconds=1)
    fill_in(door)
    assert store.was_erased(ADDRESS)
    assert "You are in" in door.post(confirm_link(installation, ADDRESS)).text
    assert not store.was_erased(ADDRESS)
    (enrollment,) = store.standing(ADDRESS).enrollments
    assert (enrollment.run, enrollment.state) == (1, EnrollmentState.ACTIVE)


def test_a_link_of_somebody_erased_lets_nobody_in(
    installation: Installation, door: httpx.Client, clock: DrivenClock
) -> None:
    store = installation.store
    fill_in(door)
    link = confirm_link(installation, ADDRESS)
    store.erase(store.subscriber_id(ADDRESS), clock.now())
    assert "too old" in door.post(link).text
    assert [each.state for each in store.subscribers()] == [SubscriberState.UNSUBSCRIBED]


def test_who_complained_and_was_erased_is_not_written_to_again(
    installation: Installation, door: httpx.Client, clock: DrivenClock
) -> None:
    store = installation.store
    store.suppress([Suppressed(ADDRESS, SubscriberState.COMPLAINED)], clock.now())
    store.erase(store.subscriber_id(ADDRESS), clock.now())
    clock.instant += timedelta(seconds=1)
    assert fill_in(door).content == fill_in(door, "unknown@example.org").content
    assert mails(installation, ADDRESS) == []
    with pytest.raises(UnknownSubscriber):
        store.standing(ADDRESS)
