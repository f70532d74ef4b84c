"""SendGrid's events at the real door, over real HTTP, from a SendGrid as strict as its papers."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.peers.loopback import CutAfter, Late
from tests.peers.sendgrid import SendGrid, sendgrid
from tests.peers.sendgrid_hooks import SIGNATURE, TIMESTAMP, events_body, repeated
from tests.worker.tiny_course import DrivenClock as Rehearsal
from tests.worker.tiny_course import enroll, found
from worker.delivery import tick
from worker.installation import Installation
from worker.model import DeliveryState, EnrollmentState, Standing, SubscriberState
from worker.store import sqlite
from worker.web import build_web
from worker.web.hooks import LARGEST_EVENTS
from worker.web.server import Server

DOOR = "/hooks/sendgrid/events"


@pytest.fixture
def peer() -> Iterator[SendGrid]:
    with sendgrid() as server:
        yield server


@pytest.fixture
def installation(tmp_path: Path, peer: SendGrid) -> Iterator[Installation]:
    """Letters go to the strict SendGrid, whose events are believed."""
    opened = found(
        tmp_path,
        provider="sendgrid",
        sendgrid_url=peer.url,
        sendgrid_api_key=peer.api_key,
        sendgrid_event_key=peer.event_key,
    )
    yield opened
    opened.close()


@contextmanager
def served(installation: Installation) -> Iterator[str]:
    server = Server(build_web(installation), "127.0.0.1", 0)
    server.start()
    try:
        yield server.url + DOOR
    finally:
        server.stop()
        assert server.join(time.monotonic() + 5)


@pytest.fixture
def hook(installation: Installation) -> Iterator[str]:
    with served(installation) as url:
        yield url


def state_counts(installation: Installation) -> Counter[DeliveryState]:
    return Counter(each.state for each in installation.store.deliveries())


def person(installation: Installation, address: str) -> Standing:
    return installation.store.standing(address)


def signed_post(peer: SendGrid, hook: str, body: bytes, **changed: str) -> httpx.Response:
    """Post a body with its signature, or with headers that a test changes."""
    return httpx.post(hook, content=body, headers={**peer.sign(body), **changed})


# A bad day


def test_events_twice_late_in_any_order_and_under_fresh_ids_settle_the_ledger(
    installation: Installation, peer: SendGrid, hook: str
) -> None:
    enroll(installation, 30)
    peer.meet(*[CutAfter()] * 4)  # so many answers are lost, and a fifth would shut the flow
    tick(installation.courier())
    assert state_counts(installation) == {DeliveryState.SENT: 26, DeliveryState.IN_DOUBT: 4}
    yesterday = time.time() - 20 * 3600
    news = [each for mail in peer.accepted for each in peer.events(mail, "processed", "delivered")]
    many = repeated(news, 3, fresh_ids=True, shuffle=7)
    for start in range(0, len(many), 50):
        batch = many[start : start + 50]
        assert peer.post_events(hook, batch) == [204]
        assert peer.post_events(hook, batch, timestamp=yesterday) == [204]
    assert state_counts(installation) == {DeliveryState.SENT: 30}
    assert installation.store.audit().violations == ()
    explained = installation.store.explain(peer.accepted[0].recipient, installation.now())
    assert "delivered at" in explained.courses[0].letters[0].why
    assert len(peer.accepted) == 30


def test_an_event_that_overtakes_our_own_settle_wins(
    installation: Installation, peer: SendGrid, hook: str
) -> None:
    (address,) = enroll(installation, 1)
    peer.meet(Late(2.0))
    sending = threading.Thread(target=tick, args=(installation.courier(),))
    sending.start()
    until = time.monotonic() + 10
    while not peer.accepted and time.monotonic() < until:
        time.sleep(0.005)
    assert state_counts(installation) == {DeliveryState.HANDING: 1}
    peer.post_events(hook, peer.events(peer.accepted[0], "delivered"))
    assert state_counts(installation) == {DeliveryState.SENT: 1}
    stood = person(installation, address)
    assert stood.enrollments[0].next == "goals"
    sending.join()
    assert person(installation, address) == stood
    assert installation.store.audit().violations == ()


def test_a_bounce_that_comes_days_later_without_ids_finds_its_letter(
    installation: Installation, peer: SendGrid, hook: str
) -> None:
    first, second = enroll(installation, 2)
    tick(installation.courier())
    (mail,) = peer.accepted_for(first)
    assert peer.post_events(hook, peer.events(mail, "bounce", asynchronous=True)) == [204]
    assert person(installation, first).state is SubscriberState.BOUNCED
    assert person(installation, second).state is SubscriberState.ACTIVE
    assert state_counts(installation) == {DeliveryState.FAILED: 1, DeliveryState.SENT: 1}


@pytest.mark.parametrize(
    ("kind", "more", "state"),
    [
        ("spamreport", {}, SubscriberState.COMPLAINED),
        ("unsubscribe", {}, SubscriberState.UNSUBSCRIBED),
        ("group_unsubscribe", {}, SubscriberState.UNSUBSCRIBED),
        ("bounce", {}, SubscriberState.BOUNCED),
        ("bounce", {"type": "blocked"}, SubscriberState.ACTIVE),
        ("deferred", {}, SubscriberState.ACTIVE),
        ("dropped", {"reason": "Spam Reporting Address"}, SubscriberState.COMPLAINED),
        ("group_resubscribe", {}, SubscriberState.ACTIVE),
        ("a new one", {"with": ["anything"]}, SubscriberState.ACTIVE),
    ],
)
def test_whoever_is_stopped_gets_nothing_any_more(
    installation: Installation,
    peer: SendGrid,
    hook: str,
    kind: str,
    more: dict[str, Any],
    state: SubscriberState,
) -> None:
    (address,) = enroll(installation, 1)
    tick(installation.courier())
    peer.post_events(hook, peer.events(peer.accepted[0], kind, category="array", **more))
    assert person(installation, address).state is state
    rehearsed = Rehearsal(installation.now() + timedelta(days=3))
    tick(replace(installation.courier(), clock=rehearsed))
    assert len(peer.accepted) == (2 if state is SubscriberState.ACTIVE else 1)


def test_a_drop_that_is_our_fault_is_logged_once_without_anybodys_address(
    installation: Installation, peer: SendGrid, hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    addresses = enroll(installation, 3)
    tick(installation.courier())
    reason = "Recipient List over Package Quota"
    drops = [peer.events(mail, "dropped", reason=reason)[0] for mail in peer.accepted]
    for _ in range(2):
        assert peer.post_events(hook, drops) == [204]
    alerts = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert len(alerts) == 1
    assert reason in caplog.text
    assert not any(address in caplog.text for address in addresses)
    held = [person(installation, address).enrollments[0].state for address in addresses]
    assert set(held) == {EnrollmentState.HELD}


# Who may post


def test_only_the_bytes_that_were_signed_are_taken(
    installation: Installation, peer: SendGrid, hook: str
) -> None:
    (address,) = enroll(installation, 1)
    tick(installation.courier())
    bounce = peer.events(peer.accepted[0], "bounce")
    body = events_body(bounce)
    good = peer.sign(body)
    assert peer.post_events(hook, bounce, signed=False) == [401]
    assert signed_post(peer, hook, body, **{SIGNATURE: ""}).status_code == 401
    assert signed_post(peer, hook, body, **{SIGNATURE: "x" * 5000}).status_code == 401
    assert signed_post(peer, hook, body, **{TIMESTAMP: "1"}).status_code == 401
    for other in (body.rstrip(), body + b"\n", json.dumps(json.loads(body)).encode(), b""):
        assert httpx.post(hook, content=other, headers=good).status_code == 401
    assert peer.post_events(hook, bounce, timestamp=time.time() - 26 * 3600) == [401]
    with sendgrid() as somebody_else:
        assert somebody_else.post_events(hook, bounce) == [401]
    assert person(installation, address).state is SubscriberState.ACTIVE
    assert peer.post_events(hook, bounce) == [204]
    assert person(installation, address).state is SubscriberState.BOUNCED


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b"[1,", b'{"event": "bounce"}'])
def test_what_is_no_array_is_a_bad_request(peer: SendGrid, hook: str, body: bytes) -> None:
    assert signed_post(peer, hook, body).status_code == 400


def test_a_broken_element_does_not_hold_up_its_neighbours(
    installation: Installation, peer: SendGrid, hook: str
) -> None:
    (address,) = enroll(installation, 1)
    tick(installation.courier())
    (bounce,) = peer.events(peer.accepted[0], "bounce")
    body = json.dumps([None, {"event": 5}, bounce, [[]], "x"]).encode()
    assert signed_post(peer, hook, body).status_code == 204
    assert person(installation, address).state is SubscriberState.BOUNCED


def test_a_body_past_all_reason_is_not_read(peer: SendGrid, hook: str) -> None:
    announced = httpx.post(hook, content=b"x" * (LARGEST_EVENTS + 1))

    def chunks() -> Iterator[bytes]:
        for _ in range(LARGEST_EVENTS // 100_000 + 2):
            yield b"x" * 100_000

    assert announced.status_code == 413
    assert httpx.post(hook, content=chunks()).status_code == 413


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_post_acts(hook: str, method: str) -> None:
    assert httpx.request(method, hook).status_code == 405


@pytest.mark.parametrize("key", ["", "no key"])
def test_without_a_key_of_ours_sendgrid_is_asked_to_try_again(
    tmp_path: Path, peer: SendGrid, key: str
) -> None:
    installation = found(tmp_path, sendgrid_event_key=key)
    with served(installation) as hook:
        assert peer.post_events(hook, [{"event": "processed"}]) == [503]
    installation.close()


def test_events_are_taken_whoever_carries_letters(tmp_path: Path, peer: SendGrid) -> None:
    installation = found(tmp_path, provider="maildir", sendgrid_event_key=peer.event_key)
    (address,) = enroll(installation, 1)
    tick(installation.courier())
    with served(installation) as hook:
        unsubscribe = {"event": "unsubscribe", "email": address, "timestamp": int(time.time())}
        assert peer.post_events(hook, [unsubscribe]) == [204]
    assert person(installation, address).state is SubscriberState.UNSUBSCRIBED
    installation.close()


# Our own faults


def test_a_database_that_is_locked_is_our_fault_and_the_batch_is_taken_later(
    installation: Installation, peer: SendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    enroll(installation, 3)
    peer.meet(*[CutAfter()] * 3)
    tick(installation.courier())
    news = [peer.events(mail, "delivered")[0] for mail in peer.accepted]
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT", 0.1)
    impatient = found(installation.settings.data_dir, sendgrid_event_key=peer.event_key)
    file = installation.settings.data_dir / "lettercourse.db"
    other = sqlite.choose_driver().module.connect(file, isolation_level=None)
    with served(impatient) as hook:
        other.execute("BEGIN IMMEDIATE")
        assert peer.post_events(hook, news, tries=2) == [503, 503]
        assert state_counts(installation) == {DeliveryState.IN_DOUBT: 3}
        other.execute("ROLLBACK")
        assert peer.post_events(hook, news) == [204]
    other.close()
    impatient.close()
    assert state_counts(installation) == {DeliveryState.SENT: 3}


def test_a_database_that_is_gone_is_our_fault_and_the_batch_is_taken_when_it_is_back(
    installation: Installation, peer: SendGrid, hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    (address,) = enroll(installation, 1)
    tick(installation.courier())
    bounce = peer.events(peer.accepted[0], "bounce")
    folder = installation.settings.data_dir
    installation.store.close()
    (folder / "lettercourse.db").rename(folder / "elsewhere.db")
    (folder / "lettercourse.db").mkdir()
    assert peer.post_events(hook, bounce) == [503]
    assert address not in caplog.text
    (folder / "lettercourse.db").rmdir()
    (folder / "elsewhere.db").rename(folder / "lettercourse.db")
    assert peer.post_events(hook, bounce) == [204]
    assert person(installation, address).state is SubscriberState.BOUNCED
