"""``celery -A worker.tasks worker`` and ``beat`` as processes: refused, working, told to end."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from tests.acceptance.processes import children_of, running, up, wait_for
from tests.acceptance.test_up import doubled
from tests.servers.postgresql import PostgresqlServer
from tests.worker.smtp_sink import Hold, sink
from tests.worker.tiny_course import enroll, environment, found
from worker.installation import Installation
from worker.model import DeliveryState
from worker.tasks import LANES, QUEUE
from worker.workplace import END_WITHIN

CELERY = (sys.executable, "-m", "celery", "-A", "worker.tasks")
WORKER = (*CELERY, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle")
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


def test_a_scheduler_inside_a_worker_is_refused_with_the_remedy(tmp_path: Path) -> None:
    settings = environment(tmp_path, broker_url="redis://127.0.0.1:1/0")
    line = refused((*WORKER, "-B"), settings, tmp_path / "log")
    assert line.startswith("celery worker --beat: ")
    assert "celery -A worker.tasks beat" in line


def test_a_worker_refuses_a_database_that_was_not_migrated(
    tmp_path: Path, postgresql: PostgresqlServer
) -> None:
    name = postgresql.create()
    settings = environment(
        tmp_path, broker_url="redis://127.0.0.1:1/0", database_url=postgresql.url(name)
    )
    assert "lettercourse migrate" in refused(WORKER, settings, tmp_path / "log")
    postgresql.drop(name)


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


def nothing_in_hand(installation: Installation) -> bool:
    states = {row.state for row in installation.store.deliveries()}
    return not states & {DeliveryState.HANDING, DeliveryState.CLAIMED}


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_a_worker_told_to_stop_finishes_the_letters_in_hand_and_gives_the_rest_back(
    tmp_path: Path, broker: str, pool: str
) -> None:
    with sink(content=[*["250 ok"] * 3, *[Hold("250 ok")] * 3 * LANES]) as server:
        given = {"broker_url": broker, "provider": "smtp", "smtp_url": server.url}
        data = tmp_path / "data"
        installation = found(data, **given)
        people = enroll(installation, 60)
        settings = environment(data, **given)
        with running((*WORKER, "--pool", pool), settings, tmp_path / "worker") as worker:
            wait_for(server.held.is_set, 60, worker, what="the fourth letter")
            worker.send(signal.SIGTERM)
            wait_for(lambda: "Warm shutdown" in worker.output, 10, what="the worker's shutdown")
            server.release()
            assert worker.end(within=15) == 0
            assert "Traceback" not in worker.output
        # Not even the windows in hand were sent to their end.
        assert 3 < len(server.taken) < len(people)
        audit = installation.store.audit()
        assert audit.sent == len(server.taken)
        assert audit.violations == ()
        assert nothing_in_hand(installation)
        installation.close()


def test_a_worker_told_to_quit_does_not_wait_for_a_mail_server_that_hangs(
    tmp_path: Path, broker: str
) -> None:
    with sink(content=[*["250 ok"] * 3, *[Hold("250 ok")] * 3 * LANES]) as server:
        given = {"broker_url": broker, "provider": "smtp", "smtp_url": server.url}
        data = tmp_path / "data"
        installation = found(data, **given)
        people = enroll(installation, 60)
        with running(WORKER, environment(data, **given), tmp_path / "worker") as worker:
            wait_for(server.held.is_set, 60, worker, what="the fourth letter")
            worker.send(signal.SIGQUIT)
            worker.end(within=END_WITHIN + 8)
            assert "Traceback" not in worker.output
        audit = installation.store.audit()
        # Nothing else of the windows is in doubt with the letters that hang.
        assert 1 <= audit.in_doubt <= installation.settings.smtp_connections
        assert nothing_in_hand(installation)
        due = installation.store.due_count(installation.now(), 100)
        assert due == len(people) - audit.sent - audit.in_doubt
        installation.close()


def test_a_forked_process_that_is_killed_is_replaced_and_nobody_gets_anything_twice(
    tmp_path: Path, broker: str
) -> None:
    with sink() as server:
        given = {"broker_url": broker, "provider": "smtp", "smtp_url": server.url}
        given |= {"send_window": "5"}
        data = tmp_path / "data"
        installation = found(data, **given)
        people = enroll(installation, 400)
        settings = environment(data, **given)
        most = LANES * installation.settings.send_window

        def others() -> int:
            """Count what is not known to be sent: the windows of the killed process."""
            return len(people) - installation.store.audit().sent

        with (
            running(WORKER, settings, tmp_path / "worker") as worker,
            running(BEAT, settings, tmp_path / "beat") as beat,
        ):
            wait_for(lambda: len(server.taken) >= 40, 60, worker, beat, what="letters")
            killed, other = children_of(worker)
            os.kill(killed, signal.SIGKILL)

            def replaced() -> bool:
                return len(set(children_of(worker)) - {killed, other}) == 1

            wait_for(replaced, 20, worker, beat, what="another process")

            def states() -> Counter[DeliveryState]:
                return Counter(row.state for row in installation.store.deliveries())

            def all_begun() -> bool:
                waiting = states()[DeliveryState.PLANNED] + states()[DeliveryState.CLAIMED]
                return states().total() == len(people) and not waiting

            # What it had claimed and not begun comes back with the end of its lease.
            wait_for(all_begun, 90, worker, beat, what="the others")
            wait_for(lambda: others() <= most, 30, worker, beat, what="delivery")
        assert not doubled(server)
        assert len(server.taken) >= states()[DeliveryState.SENT] >= len(people) - most
        installation.close()


def test_when_the_parent_is_killed_its_children_finish_and_end_and_ring_no_more(
    tmp_path: Path, broker: str
) -> None:
    with sink(content=[*["250 ok"] * 3, *[Hold("250 ok")] * 3 * LANES]) as server:
        given = {"broker_url": broker, "provider": "smtp", "smtp_url": server.url}
        data = tmp_path / "data"
        installation = found(data, **given)
        people = enroll(installation, 200)
        with running(WORKER, environment(data, **given), tmp_path / "worker") as worker:
            wait_for(server.held.is_set, 60, worker, what="the fourth letter")
            children = children_of(worker)
            worker.send(signal.SIGKILL)
            worker.end(within=5)
            server.release()
            wait_for(lambda: not any(map(is_there, children)), 15, what="the children's end")
        assert 3 < len(server.taken) < len(people)
        assert installation.store.audit().sent == len(server.taken)
        assert nothing_in_hand(installation)
        with Redis.from_url(broker) as operator:
            assert operator.llen(QUEUE) == 0
        installation.close()


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_processes_that_grew_too_large_are_replaced_and_go_on(tmp_path: Path, broker: str) -> None:
    data = tmp_path / "data"
    installation = found(data)
    settings = environment(data, broker_url=broker)
    small = (*WORKER, "--max-memory-per-child", "1")
    with (
        running(small, settings, tmp_path / "worker") as worker,
        running(BEAT, settings, tmp_path / "beat") as beat,
    ):
        wait_for(lambda: len(children_of(worker)) == 2, 30, worker, beat, what="the pool")
        first = set(children_of(worker))
        wait_for(lambda: set(children_of(worker)) - first, 40, worker, beat, what="a fresh one")
        enroll(installation, 30)
        wait_for(lambda: installation.store.audit().sent == 30, 40, worker, beat, what="delivery")
        assert "Traceback" not in worker.output
    installation.close()
