"""``POST /api/enrollments``: other programs enroll people, and are told about each of them."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.worker.joining.door import TOKEN, mails, served
from tests.worker.tiny_course import DrivenClock, edition, found
from worker.installation import Installation
from worker.joining.program import (
    LONGEST_REQUEST,
    BadRequest,
    is_bearer,
    read_enroll_request,
)
from worker.model import SubscriberState

DOOR = "/api/enrollments"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def send(door: httpx.Client, *people: dict[str, Any], **more: Any) -> httpx.Response:
    request = {"course": "tiny", "people": list(people), **more}
    return door.post(DOOR, json=request, headers=BEARER)


def raw(door: httpx.Client, body: bytes, **headers: str) -> httpx.Response:
    return door.post(
        DOOR, content=body, headers={**BEARER, "Content-Type": "application/json", **headers}
    )


def test_each_person_is_answered_in_order(
    installation: Installation, door: httpx.Client, clock: DrivenClock
) -> None:
    send(door, {"address": "left@example.org"}, {"address": "old@example.org"})
    installation.store.unsubscribe("left@example.org", clock.now())
    answer = send(
        door,
        {"address": "new@example.org", "name": "Nia", "timezone": "Asia/Tokyo",
         "send_at": "07:30", "start": "2026-02-01"},
        {"address": "left@example.org"},
        {"address": "no address"},
        {"address": "OLD@example.org"},
        {"address": "zone@example.org", "timezone": "Mars/Base"},
        {"address": "New@example.org"},
    )  # fmt: skip
    assert answer.status_code == 200
    said = answer.json()
    assert said["course"] == "tiny"
    assert [(each["address"], each["result"]) for each in said["people"]] == [
        ("new@example.org", "enrolled"),
        ("left@example.org", "suppressed"),
        ("no address", "rejected"),
        ("OLD@example.org", "already"),
        ("zone@example.org", "rejected"),
        ("New@example.org", "already"),
    ]
    reasons = [each["reason"] for each in said["people"]]
    assert reasons[0] == ""
    assert "is not an email address" in reasons[2]
    assert "unknown time zone" in reasons[4]
    (enrollment,) = installation.store.standing("new@example.org").enrollments
    assert enrollment.next_at is not None
    assert enrollment.next_at.isoformat() == "2026-01-31T22:30:00+00:00"


def test_asking_again_changes_nothing(installation: Installation, door: httpx.Client) -> None:
    people = [{"address": f"p{number}@example.org"} for number in range(1000)]
    assert {each["result"] for each in send(door, *people).json()["people"]} == {"enrolled"}
    before = installation.store.subscribers()
    assert {each["result"] for each in send(door, *people).json()["people"]} == {"already"}
    assert installation.store.subscribers() == before


def test_the_welcome_comes_without_a_confirmation(
    installation: Installation, door: httpx.Client
) -> None:
    send(door, {"address": "mira@example.org"}, consent="They ticked a box.")
    assert [mail["Subject"] for mail in mails(installation, "mira@")] == ["Letter 0: welcome"]
    with installation.store._database.reading() as connection:
        (kept,) = connection.exec_driver_sql("SELECT how, text, given_at FROM consents").all()
    assert (kept.how, kept.text) == ("api", "They ticked a box.")
    assert kept.given_at is not None


def test_who_has_not_confirmed_yet_needs_to_no_more(
    installation: Installation, door: httpx.Client
) -> None:
    door.post("/subscribe/tiny", data={"email": "mira@example.org"})
    assert installation.store.standing("mira@example.org").state is SubscriberState.PENDING
    assert send(door, {"address": "mira@example.org"}).json()["people"][0]["result"] == "enrolled"
    assert installation.store.standing("mira@example.org").state is SubscriberState.ACTIVE


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "line 1, column 1: is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff", "byte 0: is not UTF-8"),
        (b"[]", "the request: is not an object"),
        (b"{}", "course: is missing"),
        (b'{"course": 3}', "course: is not a string"),
        (b'{"course": "tiny"}', "people: is not a list"),
        (b'{"course": "tiny", "people": []}', "people: holds 0 people"),
        (b'{"course": "tiny", "people": [3]}', "people[0]: is not an object"),
        (b'{"course": "tiny", "people": [{}]}', "people[0].address: is missing"),
        (b'{"course": "tiny", "people": [{"address": NaN}]}', "NaN"),
        (b'{"course": "tiny", "people": [{"address": "\\ud800@b.c"}]}', "people[0].address"),
        (b'{"course": "tiny", "people": [{"address": "a\\u0000@b.c"}]}', "people[0].address"),
        (b'{"course": "tiny", "people": [{"adress": "a@b.c"}]}', 'unknown field "adress"'),
        (b'{"course": "tiny", "course": "x", "people": []}', '"course": is given twice'),
        (b'{"course": "nope", "people": [{"address": "a@example.org"}]}', "course: no such course"),
        (b'{"course":' + b"[" * 100_000, "is no JSON of this door"),
        (b'{"course": ' + b"9" * 10_000 + b"}", "is no JSON of this door"),
    ],
)
def test_a_request_of_the_wrong_shape_is_one_line_that_says_what_and_where(
    installation: Installation, door: httpx.Client, body: bytes, said: str
) -> None:
    answer = raw(door, body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert installation.store.subscribers() == []


def test_a_person_of_the_wrong_shape_keeps_the_others_out_too(
    installation: Installation, door: httpx.Client
) -> None:
    assert send(door, {"address": "a@example.org"}, {"name": "B"}).status_code == 400
    assert installation.store.subscribers() == []


def test_more_people_than_a_request_may_hold_are_refused(door: httpx.Client) -> None:
    people = [{"address": f"p{number}@example.org"} for number in range(1001)]
    assert "holds 1001 people" in send(door, *people).json()["error"]


@pytest.mark.parametrize(
    "header",
    ["", TOKEN, f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}",
     f"Bearer {TOKEN.upper()}", "Bearer ü"],
)  # fmt: skip
def test_without_the_token_the_door_is_shut(
    installation: Installation, door: httpx.Client, header: str
) -> None:
    body = {"course": "tiny", "people": [{"address": "a@example.org"}]}
    headers = [(b"Authorization", header.encode())] if header else []
    answer = door.post(DOOR, json=body, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert installation.store.subscribers() == []


def test_without_a_token_of_ours_every_token_is_wrong(tmp_path: Any) -> None:
    opened = found(tmp_path, DrivenClock())
    opened.store.publish(edition(), opened.now())
    with served(opened) as door:
        for header in ("Bearer", "Bearer x", "None"):
            answer = door.post(DOOR, json={}, headers={"Authorization": header})
            assert answer.status_code == 401
    opened.close()
    assert not is_bearer("Bearer ", "")


def test_a_body_of_another_kind_is_refused(door: httpx.Client) -> None:
    assert raw(door, b"{}", **{"Content-Type": "text/plain"}).status_code == 415


def test_a_body_past_all_reason_is_not_read(door: httpx.Client) -> None:
    assert raw(door, b" " * (LONGEST_REQUEST + 1)).status_code == 413
    chunks = (b" " * 65_536 for _ in range(17))
    assert door.post(
        DOOR, content=chunks, headers={**BEARER, "Content-Type": "application/json"}
    ).status_code == 413  # fmt: skip


def test_a_database_that_fails_is_a_503_in_json_and_no_log_names_anybody(
    installation: Installation, door: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    installation.store.close()
    for file in installation.settings.data_dir.glob("lettercourse.db*"):
        file.unlink()
    (installation.settings.data_dir / "lettercourse.db").write_bytes(b"no database" * 1000)
    with caplog.at_level(logging.DEBUG):
        answer = send(door, {"address": "mira@example.org"})
    assert answer.status_code == 503
    assert "error" in answer.json()
    assert "mira" not in " ".join(
        record.getMessage() for record in caplog.records if record.name.startswith("worker")
    )


TEXTS = st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
PEOPLE = st.fixed_dictionaries(
    {"address": st.emails() | TEXTS},
    optional={
        "name": TEXTS,
        "timezone": TEXTS | st.sampled_from(["Asia/Tokyo", "UTC", "../etc/passwd"]),
        "send_at": TEXTS | st.sampled_from(["08:00", "24:00", "٠٨:٠٠"]),
        "start": TEXTS | st.sampled_from(["2026-03-01", "9999-12-31", "0001-01-01"]),
    },
)
REQUESTS = st.fixed_dictionaries(
    {"course": st.just("tiny"), "people": st.lists(PEOPLE, min_size=1, max_size=4)},
    optional={"consent": TEXTS},
)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_request_or_one_line(body: bytes) -> None:
    with suppress(BadRequest):
        assert read_enroll_request(body).people


@settings(
    max_examples=75, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(REQUESTS)
def test_any_people_are_answered_one_by_one_and_the_second_time_alike(
    installation: Installation, door: httpx.Client, request: Any
) -> None:
    first, second = (door.post(DOOR, json=request, headers=BEARER) for _ in range(2))
    if first.status_code == 400:
        assert "error" in first.json()
        return
    assert first.status_code == second.status_code == 200
    before, after = first.json()["people"], second.json()["people"]
    assert [each["address"] for each in before] == [each["address"] for each in request["people"]]
    for person, again in zip(before, after, strict=True):
        assert again["result"] == {"enrolled": "already"}.get(person["result"], person["result"])
