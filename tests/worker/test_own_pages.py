"""A person's own pages over real HTTP: leaving, their way through a course, what is theirs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.worker.test_web import ONE_CLICK, path, served
from tests.worker.tiny_course import DrivenClock, edition, environment, found
from tests.worker.writings import enrollment_of, reflect
from worker.delivery import tick
from worker.erasing import erase
from worker.installation import Installation, open_installation
from worker.links import Links
from worker.model import EnrollmentState, Person, SubscriberState
from worker.settings import read_settings
from worker.store.ownwords import OwnWords
from worker.web.pages import Pages

ANN = "ann@example.org"
KEYS = ("welcome", "goals", "support", "finale")
WORDS = "I walked.\n\n- twice <b>a week</b>"


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock()


@pytest.fixture
def installation(tmp_path: Path, clock: DrivenClock) -> Iterator[Installation]:
    opened = found(tmp_path, clock)
    opened.store.publish(edition(KEYS), clock.now())
    join(opened, ANN)
    tick(opened.courier())
    yield opened
    opened.close()


@pytest.fixture
def door(installation: Installation) -> Iterator[httpx.Client]:
    with served(installation) as client:
        yield client


def join(installation: Installation, address: str, course: str = "tiny") -> None:
    store, now = installation.store, installation.now()
    store.enroll(store.course(course), [Person(address, "Annabel", "Europe/Berlin")], now)


def second_course(installation: Installation) -> None:
    other = replace(edition(KEYS), course="second", title="Another one", digest="2" * 64)
    installation.store.publish(other, installation.now())
    join(installation, ANN, "second")


def leave_link(installation: Installation) -> str:
    return path(installation.links.unsubscribe(enrollment_of(installation.store, ANN)))


def page_link(installation: Installation) -> str:
    return path(installation.links.page(enrollment_of(installation.store, ANN)))


def mine_link(installation: Installation, minutes: int = 15) -> str:
    until = installation.now() + timedelta(minutes=minutes)
    return path(installation.links.mine(enrollment_of(installation.store, ANN), until))


def state(installation: Installation, course: str = "tiny") -> EnrollmentState:
    standing = installation.store.standing(ANN)
    return next(each.state for each in standing.enrollments if each.course == course)


def person_state(installation: Installation) -> SubscriberState:
    return installation.store.standing(ANN).state


class Forms(HTMLParser):
    """The forms of a page: where each goes, and what it would send."""

    def __init__(self, page: httpx.Response) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.buttons: list[dict[str, str]] = []
        self._select = ""
        self._at = str(page.url)
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((urljoin(self._at, names.get("action", "")), {}))
        elif tag == "input":
            self.forms[-1][1][names["name"]] = names.get("value", "")
        elif tag == "select":
            self._select = names["name"]
        elif tag == "option" and "selected" in names:
            self.forms[-1][1][self._select] = names["value"]
        elif tag == "button" and "name" in names:
            self.buttons.append({names["name"]: names["value"]})

    def to(self, act: str) -> tuple[str, dict[str, str]]:
        """Return address and fields of the one form that does this."""
        (form,) = [each for each in self.forms if each[0].endswith(f"/{act}")]
        return form

    def acts(self) -> set[str]:
        return {address.rpartition("/")[2] for address, _ in self.forms}


def press(door: httpx.Client, page: httpx.Response, act: str, **changed: str) -> httpx.Response:
    """Send a page's form as a browser does, and follow where it leads."""
    address, fields = Forms(page).to(act)
    answer = door.post(address, data=fields | changed)
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers
    return door.get(urljoin(address, answer.headers["location"]))


# Leaving


def test_with_one_course_there_is_one_button_and_it_means_everything(
    installation: Installation, door: httpx.Client
) -> None:
    page = door.get(leave_link(installation))
    assert Forms(page).buttons == [ONE_CLICK]
    assert "Tiny" in page.text


def test_with_two_courses_one_may_leave_this_one_alone_and_then_everything(
    installation: Installation, door: httpx.Client
) -> None:
    second_course(installation)
    page = door.get(leave_link(installation))
    assert Forms(page).buttons == [{"scope": "course"}, ONE_CLICK]
    door.post(leave_link(installation), data={"scope": "course"})
    answer = door.post(leave_link(installation), data={"scope": "course"})
    assert answer.status_code == 200
    assert "You have left this course" in answer.text
    assert (state(installation), state(installation, "second")) == ("stopped", "active")
    assert person_state(installation) is SubscriberState.ACTIVE
    assert "You have left this course" in door.get(leave_link(installation)).text
    assert Forms(answer).buttons == [ONE_CLICK]
    assert "You have left" in door.post(leave_link(installation), data=ONE_CLICK).text
    assert person_state(installation) is SubscriberState.UNSUBSCRIBED
    assert Forms(door.get(leave_link(installation))).forms == []


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"scope": "course", **ONE_CLICK}},
        {"data": {"scope": "everything"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": b"scope=course"},
        {},
    ],
)
def test_whatever_is_not_clearly_one_course_is_everything(
    installation: Installation, door: httpx.Client, body: dict[str, object]
) -> None:
    second_course(installation)
    answer = door.post(leave_link(installation), **body)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert person_state(installation) is SubscriberState.UNSUBSCRIBED


def test_leaving_one_course_stops_its_letter_and_not_the_others(
    installation: Installation, door: httpx.Client, clock: DrivenClock
) -> None:
    second_course(installation)
    tick(installation.courier())
    door.post(leave_link(installation), data={"scope": "course"})
    clock.instant += timedelta(days=3)
    tick(installation.courier())
    courses = [each.course for each in installation.store.deliveries()]
    assert sorted(courses) == ["second", "second", "tiny"]
    assert installation.store.audit().violations == ()


def test_a_link_signed_with_a_retired_key_still_leaves(tmp_path: Path) -> None:
    old, new = "o" * 20, "n" * 20
    opened = open_installation(
        read_settings(environment(tmp_path, secret_keys=f"{old} {new}")), DrivenClock()
    )
    opened.store.publish(edition(), opened.now())
    join(opened, ANN)
    link = Links("http://x", [old]).unsubscribe(enrollment_of(opened.store, ANN))
    with served(opened) as door:
        assert door.post(path(link), data=ONE_CLICK).status_code == 200
    assert person_state(opened) is SubscriberState.UNSUBSCRIBED
    opened.close()


def test_after_erasing_the_link_in_an_old_letter_says_that_they_left(
    installation: Installation, door: httpx.Client
) -> None:
    links = leave_link(installation), page_link(installation), mine_link(installation)
    store = installation.store
    erase(store, installation.provider, store.subscriber_id(ANN), installation.now())
    assert "You have left" in door.get(links[0]).text
    assert "You have left" in door.post(links[0], data=ONE_CLICK).text
    assert "erased" in door.get(links[1]).text
    assert Forms(door.get(links[1])).forms == []
    assert door.get(links[2]).status_code == 200
    assert "erased" in door.get(links[2]).text


# Their way through the course


def test_the_page_shows_what_came_and_what_comes_in_their_zone(
    installation: Installation, door: httpx.Client
) -> None:
    page = door.get(page_link(installation))
    assert re.search(r'<li class="had">\s*<a href="[^"]+/v/[a-z0-9]+"[^>]*>welcome</a>', page.text)
    assert "Sent on Monday, January 5" in page.text
    assert "1 of 4 letters" in page.text
    times = re.findall(r'<time datetime="([^"]+)">([^<]+)</time>', page.text)
    assert [at for at, _ in times] == [f"2026-01-0{day}T07:00:00+00:00" for day in (6, 7, 8)]
    assert times[0][1].replace("\u202f", " ") == "Tuesday, January 6 at 8:00 AM"


def test_the_page_links_to_the_very_letter_that_they_got(
    installation: Installation, door: httpx.Client
) -> None:
    first = edition(KEYS)
    changed = replace(first.letters[0], html=first.letters[1].html)
    later = replace(first, letters=(changed, *first.letters[1:]), digest="3" * 64)
    installation.store.publish(later, installation.now())
    view = re.search(r'href="[^"]+(/v/[a-z0-9]+)"', door.get(page_link(installation)).text)
    assert view is not None
    assert "<h1>welcome</h1>" in door.get(view[1]).text


def test_nothing_on_the_page_says_who_they_are_or_what_they_wrote(
    installation: Installation, door: httpx.Client
) -> None:
    reflect(installation.store, ANN, "welcome", WORDS, installation.now())
    for done in ("", "?done=link", "?done=hour"):
        page = door.get(page_link(installation) + done).text
        assert "You answered" in page
        for private in (ANN, "ann@", "Annabel", "walked"):
            assert private not in page


def test_looking_changes_nothing_and_acting_takes_a_post(
    installation: Installation, door: httpx.Client
) -> None:
    before = installation.store.standing(ANN)
    for method in ("GET", "HEAD"):
        for place in ("", "/pause", "/resume", "/hour", "/next", "/link"):
            answer = door.request(method, page_link(installation) + place)
            assert answer.status_code == (405 if place else 200)
    assert installation.store.standing(ANN) == before


def test_a_pause_holds_the_letters_and_resuming_goes_on(
    installation: Installation, door: httpx.Client, clock: DrivenClock
) -> None:
    paused = press(door, door.get(page_link(installation)), "pause")
    assert "Your course is paused." in paused.text
    assert "<time" not in paused.text
    assert Forms(paused).acts() == {"resume", "hour", "link"}
    clock.instant += timedelta(days=5)
    tick(installation.courier())
    assert state(installation) is EnrollmentState.PAUSED
    resumed = press(door, paused, "resume")
    assert "Your course goes on." in resumed.text
    assert state(installation) is EnrollmentState.ACTIVE
    (stands,) = installation.store.standing(ANN).enrollments
    assert stands.next_at == datetime(2026, 1, 11, 7, tzinfo=UTC)


def test_another_hour_and_zone_move_the_next_letter(
    installation: Installation, door: httpx.Client
) -> None:
    page = door.get(page_link(installation))
    assert Forms(page).to("hour")[1] == {"send_at": "08:00", "zone": "Europe/Berlin"}
    moved = press(door, page, "hour", send_at="21:30", zone="Asia/Tokyo")
    assert "at the new time" in moved.text
    assert Forms(moved).to("hour")[1] == {"send_at": "21:30", "zone": "Asia/Tokyo"}
    (stands,) = installation.store.standing(ANN).enrollments
    assert stands.next_at == datetime(2026, 1, 6, 12, 30, tzinfo=UTC)
    assert installation.store.standing(ANN).timezone == "Asia/Tokyo"


@pytest.mark.parametrize(
    "fields",
    [
        {"send_at": "25:00", "zone": "Europe/Berlin"},
        {"send_at": "08:00", "zone": "Berlin"},
        {"send_at": "08:00", "zone": "<script>"},
        {},
    ],
)
def test_an_hour_that_cannot_be_is_told_with_the_remedy(
    installation: Installation, door: httpx.Client, fields: dict[str, str]
) -> None:
    before = installation.store.standing(ANN)
    answer = door.post(f"{page_link(installation)}/hour", data=fields)
    assert answer.status_code == 422
    assert "Please choose a time such as 08:00 and a place from the list." in answer.text
    assert "<script" not in answer.text
    assert installation.store.standing(ANN) == before


def test_the_next_letter_comes_now_and_a_double_click_brings_one(
    installation: Installation, door: httpx.Client, clock: DrivenClock
) -> None:
    clock.instant += timedelta(minutes=1)
    page = door.get(page_link(installation))
    address, fields = Forms(page).to("next")
    assert fields == {"letter": "goals"}
    assert "on its way" in press(door, page, "next").text
    assert door.post(address, data=fields).headers["location"].endswith("?done=next")
    tick(installation.courier())
    replayed = door.post(address, data=fields)
    assert replayed.headers["location"].endswith("?done=under_way")
    tick(installation.courier())
    (stands,) = installation.store.standing(ANN).enrollments
    assert stands.sent == ("welcome", "goals")
    assert stands.next_at == datetime(2026, 1, 6, 7, tzinfo=UTC)
    assert installation.store.audit().violations == ()


def test_once_the_next_letter_was_asked_for_the_page_offers_it_no_more(
    installation: Installation, door: httpx.Client, clock: DrivenClock
) -> None:
    clock.instant += timedelta(minutes=1)
    asked = press(door, door.get(page_link(installation)), "next")
    assert "next" not in Forms(asked).acts()


def test_asking_for_a_letter_that_is_not_named_brings_none(
    installation: Installation, door: httpx.Client
) -> None:
    for fields in ({}, {"letter": ""}, {"letter": "finale"}):
        answer = door.post(f"{page_link(installation)}/next", data=fields)
        assert answer.headers["location"].endswith("?done=under_way")
    assert tick(installation.courier()).claimed == 0


def test_after_leaving_the_page_says_so_and_offers_nothing_that_sends(
    installation: Installation, door: httpx.Client
) -> None:
    installation.store.unsubscribe(ANN, installation.now())
    page = door.get(page_link(installation))
    assert "You have left this course" in page.text
    assert Forms(page).forms == []
    link = page_link(installation)
    for act in ("pause", "resume", "next"):
        assert door.post(f"{link}/{act}").headers["location"].endswith("?done=over")
    assert door.post(f"{link}/link").headers["location"].endswith("?done=link")
    assert state(installation) is EnrollmentState.STOPPED
    assert (
        installation.store.export(installation.store.subscriber_id(ANN), installation.now())[
            "notices"
        ]
        == []
    )


def test_the_answer_to_asking_for_a_link_is_always_the_same(
    installation: Installation, door: httpx.Client
) -> None:
    link = f"{page_link(installation)}/link"
    answers = {door.post(link).headers["location"] for _ in range(6)}
    assert len(answers) == 1
    store = installation.store
    told = store.export(store.subscriber_id(ANN), installation.now())
    assert 1 <= len(told["notices"]) <= 3


def test_somebody_who_had_every_letter_can_still_ask_for_their_words(
    installation: Installation, door: httpx.Client, clock: DrivenClock
) -> None:
    for _ in range(4):
        clock.instant += timedelta(days=1)
        tick(installation.courier())
    page = door.get(page_link(installation))
    assert "You have had every letter" in page.text
    assert Forms(page).acts() == {"link"}


@pytest.mark.parametrize("done", ["<script>alert(1)</script>", "erased", "paused'", "PAUSED"])
def test_a_notice_says_only_what_we_wrote(
    installation: Installation, door: httpx.Client, done: str
) -> None:
    page = door.get(page_link(installation), params={"done": done})
    assert 'role="status"' not in page.text
    assert "alert(1)" not in page.text


def test_a_course_in_german_has_its_pages_in_german(
    installation: Installation, door: httpx.Client
) -> None:
    german = replace(edition(KEYS), language="de-AT", digest="4" * 64)
    installation.store.publish(german, installation.now())
    page = door.get(page_link(installation)).text
    assert '<html lang="de-AT" dir="ltr">' in page
    assert "Dein nächster Brief kommt am Dienstag, 6. Jänner, um 08:00 Uhr." in page
    assert "Keine Briefe mehr?" in door.get(leave_link(installation)).text


def test_a_course_in_a_language_that_we_do_not_speak_has_english_pages(
    installation: Installation, door: httpx.Client
) -> None:
    other = replace(edition(KEYS), language="fa", digest="5" * 64)
    installation.store.publish(other, installation.now())
    page = door.get(page_link(installation)).text
    assert '<html lang="en" dir="ltr">' in page
    assert '<span lang="fa" dir="auto">Tiny</span>' in page


# What is theirs


def test_their_words_are_shown_as_they_wrote_them_and_never_as_html(
    installation: Installation, door: httpx.Client
) -> None:
    reflect(installation.store, ANN, "welcome", WORDS, installation.now())
    page = door.get(mine_link(installation))
    assert "I walked.\n\n- twice &lt;b&gt;a week&lt;/b&gt;</blockquote>" in page.text
    assert page.headers["cache-control"] == "no-store"


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(words=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1))
def test_whatever_they_wrote_adds_no_element_to_the_page(
    installation: Installation, words: str
) -> None:
    class Elements(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[str] = []
            self.said = ""

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.found.append(tag)

        def handle_data(self, data: str) -> None:
            self.said += data

    def elements(text: str) -> Elements:
        given_back = OwnWords("C", "en", text, text, installation.now(), "UTC")
        parser = Elements()
        page = Pages().show("mine.html", token="t", words=[given_back])
        parser.feed(bytes(page.body).decode())
        parser.close()
        return parser

    assert elements(words).found == elements("x").found
    assert words in elements(words).said


def test_the_download_is_everything_and_no_page(
    installation: Installation, door: httpx.Client
) -> None:
    reflect(installation.store, ANN, "welcome", WORDS, installation.now())
    answer = door.get(f"{mine_link(installation)}/data.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    assert answer.headers["cache-control"] == "no-store"
    told = json.loads(answer.content)
    assert told["subscriber"]["address"] == ANN
    assert told["reflections"][0]["text"] == WORDS


def test_erasing_is_asked_for_first_and_done_once(
    installation: Installation, door: httpx.Client
) -> None:
    reflect(installation.store, ANN, "welcome", WORDS, installation.now())
    mine, leave = mine_link(installation), leave_link(installation)
    link = f"{mine}/erase"
    folder = installation.settings.data_dir
    for method in ("GET", "HEAD"):
        assert door.request(method, link).status_code == 200
    assert person_state(installation) is SubscriberState.ACTIVE
    assert len(list((folder / "maildir" / "new").iterdir())) == 1
    for _ in range(2):
        answer = door.post(link)
        assert answer.status_code == 200
        assert "Everything is erased" in answer.text
    assert list((folder / "maildir" / "new").iterdir()) == []
    assert "You have left" in door.get(leave).text
    assert "erased" in door.get(mine).text
    kept = b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())
    for trace in (ANN.encode(), b"Annabel", b"walked"):
        assert trace not in kept


@pytest.mark.parametrize("place", ["", "/data.json", "/erase"])
def test_a_link_that_has_expired_says_how_to_get_a_new_one(
    installation: Installation, door: httpx.Client, clock: DrivenClock, place: str
) -> None:
    link = mine_link(installation)
    clock.instant += timedelta(minutes=15)
    answers = [door.get(link + place)]
    if place == "/erase":
        answers.append(door.post(link + place))
    for answer in answers:
        assert answer.status_code == 410
        assert "This link has expired" in answer.text
        assert page_link(installation) in answer.text
    assert person_state(installation) is SubscriberState.ACTIVE


@pytest.mark.parametrize("kind", ["u", "p", "v"])
def test_a_token_in_a_letter_opens_nothing_private(
    installation: Installation, door: httpx.Client, kind: str
) -> None:
    links, enrollment = installation.links, enrollment_of(installation.store, ANN)
    make = {"u": links.unsubscribe, "p": links.page, "v": links.view}
    token = make[kind](enrollment).rpartition("/")[2]
    for place in ("", "/data.json", "/erase"):
        assert door.get(f"/mine/{token}{place}").status_code == 404
    assert door.post(f"/mine/{token}/erase").status_code == 404


@pytest.mark.parametrize("door_name", ["p", "mine"])
def test_links_of_nobody_are_pages_that_help(
    installation: Installation, door: httpx.Client, door_name: str
) -> None:
    nobody = 10**6
    links = installation.links
    until = installation.now() + timedelta(minutes=1)
    genuine = path(links.page(nobody) if door_name == "p" else links.mine(nobody, until))
    for place in (genuine, f"/{door_name}/x", f"/{door_name}/%00"):
        assert door.get(place).status_code == 404
    act = "pause" if door_name == "p" else "erase"
    assert door.post(f"{genuine}/{act}").status_code == 404
    assert door.post(f"{genuine}/dance").status_code in (404, 405)


def test_the_page_of_a_test_letter_says_so(installation: Installation, door: httpx.Client) -> None:
    link = path(installation.links.page(0))
    assert "This was a test letter" in door.get(link).text
    assert "This was a test letter" in door.post(f"{link}/pause").text


def test_a_body_past_all_reason_changes_nothing(
    installation: Installation, door: httpx.Client
) -> None:
    for act in ("pause", "hour", "next"):
        answer = door.post(f"{page_link(installation)}/{act}", content=b"x" * 100_000)
        assert answer.status_code == 413
    assert state(installation) is EnrollmentState.ACTIVE


def test_every_answer_carries_the_headers_that_protect(
    installation: Installation, door: httpx.Client
) -> None:
    mine, page = mine_link(installation), page_link(installation)
    answers = [door.get(place) for place in (mine, f"{mine}/data.json", f"{mine}/erase", page)]
    answers += [door.post(f"{page}/link"), door.post(f"{page}/hour")]
    for answer in answers:
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert not re.search(r"<script|\sstyle=|<link|<img|\bon\w+=", answer.text)
