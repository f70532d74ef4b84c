from __future__ import annotations

import mailbox
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from celery.worker import state as worker_state
from kombu.transport import memory

from course.errors import LettercourseError
from tests.acceptance.processes import wait_for
from tests.worker.smtp_sink import Hold, sink
from tests.worker.tiny_course import KEYS, DrivenClock, enroll, found
from worker.installation import Installation
from worker.model import DeliveryState
from worker.stack import Stack
from worker.tasks import QUEUE

pytestmark = pytest.mark.xdist_group("celery keeps one worker's state a process")


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock()


@pytest.fixture
def installation(tmp_path: Path, clock: DrivenClock) -> Iterator[Installation]:
    opened = found(tmp_path, clock)
    yield opened
    opened.close()


def test_a_whole_course_is_delivered_in_order_while_the_calendar_is_driven(
    installation: Installation, clock: DrivenClock, tmp_path: Path
) -> None:
    people = enroll(installation, 45)
    stack = Stack(installation, web=False, tick_seconds=60)
    stack.start()
    try:
        for _ in KEYS:
            stack.ring()
            assert stack.wait_until_quiet(20)
            clock.instant += timedelta(days=1)
    finally:
        assert stack.stop()
    letters = list(mailbox.Maildir(tmp_path / "maildir", create=False))
    got = Counter((letter["To"], letter["X-Letter"]) for letter in letters)
    assert len(letters) == len(people) * len(KEYS)
    assert set(got.values()) == {1}
    audit = installation.store.audit()
    assert (audit.sent, audit.violations) == (len(letters), ())


def test_the_first_look_for_what_is_due_is_at_once(installation: Installation) -> None:
    enroll(installation, 1)
    stack = Stack(installation, web=False, tick_seconds=3600)
    stack.start()
    try:
        assert stack.wait_until_quiet(10)
    finally:
        stack.stop()


def test_a_stack_can_be_started_again_in_the_same_process(installation: Installation) -> None:
    for people in (1, 2):
        enroll(installation, people)
        stack = Stack(installation, web=False)
        stack.start()
        assert stack.wait_until_quiet(10)
        assert stack.stop()
    assert installation.store.audit().sent == 2


def test_an_idle_stack_stops_at_once(installation: Installation) -> None:
    stack = Stack(installation, port=0)
    stack.start()
    begun = time.monotonic()
    assert stack.stop()
    assert time.monotonic() - begun < 3


def test_port_zero_becomes_a_real_one_and_the_stack_becomes_ready(
    installation: Installation,
) -> None:
    stack = Stack(installation, port=0)
    stack.start()
    try:
        assert not stack.url.endswith(":0")
        until = time.monotonic() + 10
        while httpx.get(f"{stack.url}/readyz").status_code != 200:
            assert time.monotonic() < until
        assert httpx.get(f"{stack.url}/healthz").text == "ok\n"
    finally:
        assert stack.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{stack.url}/healthz")


def test_a_taken_port_is_one_line_and_nothing_has_started(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        stack = Stack(installation, port=port)
        threads = threading.active_count()
        with pytest.raises(LettercourseError, match=rf"127\.0\.0\.1:{port}: .*--port"):
            stack.start()
        assert threading.active_count() <= threads  # one of an earlier test may have ended
    assert stack.stop()


def test_stopping_finishes_the_letter_in_hand_and_gives_the_rest_back(tmp_path: Path) -> None:
    with sink(content=["250 ok", "250 ok", Hold("250 ok")]) as server:
        installation = found(tmp_path, provider="smtp", smtp_url=server.url, smtp_connections="1")
        people = enroll(installation, 40)
        stack = Stack(installation, web=False, threads=1)
        stack.start()
        assert server.held.wait(10)
        stopper = threading.Thread(target=stack.stop)
        stopper.start()
        wait_for(stack.is_stopping, 10)
        server.release()
        stopper.join(10)
        assert len(server.taken) == 3
        states = Counter(row.state for row in installation.store.deliveries())
        assert states[DeliveryState.SENT] == 3
        assert states[DeliveryState.HANDING] == states[DeliveryState.CLAIMED] == 0
        assert installation.store.due_count(installation.now(), 100) == len(people) - 3
        assert installation.store.audit().violations == ()
        installation.close()


def test_while_every_thread_is_busy_doorbells_wait_where_they_expire(tmp_path: Path) -> None:
    with sink(content=[Hold("250 ok")]) as server:
        installation = found(tmp_path, provider="smtp", smtp_url=server.url, smtp_connections="1")
        enroll(installation, 40)
        stack = Stack(installation, web=False, threads=1, tick_seconds=0.01)
        stack.start()
        try:
            assert server.held.wait(10)
            wait_for(lambda: memory.Channel.queues[QUEUE].qsize() >= 20, 10)
            assert len(worker_state.requests) <= 2
        finally:
            server.release()
            assert stack.stop()
        installation.close()


def test_a_part_that_ends_by_itself_is_noticed(installation: Installation) -> None:
    stack = Stack(installation, port=0)
    stack.start()
    try:
        stack.refuse_half()
        worker_state.should_stop = 0
        until = time.monotonic() + 10
        while any(thread.name == "worker" for thread in threading.enumerate()):
            assert time.monotonic() < until
        with pytest.raises(LettercourseError, match="worker or its scheduler ended"):
            stack.refuse_half()
    finally:
        worker_state.should_stop = None
        stack.stop()
