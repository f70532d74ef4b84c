from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from course.errors import LettercourseError
from tests.acceptance.processes import wait_for
from tests.worker.smtp_sink import Hold, sink
from tests.worker.tiny_course import enroll, found
from worker.delivery import Courier
from worker.installation import Installation
from worker.model import DeliveryState, Open
from worker.workplace import Workplace, touch


def never() -> bool:
    return False


def nothing(_: Courier) -> None:
    """Do nothing, as the only duty of a task."""


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    opened = found(tmp_path)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (OSError("something about p000@example.org"), "a task failed: OSError"),
        (LettercourseError("the disk is full"), "the disk is full"),
    ],
)
def test_a_fault_ends_the_task_alone_and_its_text_is_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: Exception, line: str
) -> None:
    installation = found(tmp_path)
    workplace = Workplace(lambda: installation, never)

    def fail(_: Courier) -> None:
        raise fault

    workplace.do(fail)
    assert line in caplog.text
    assert "p000" not in caplog.text
    moved = [workplace.moved_at]
    workplace.do(nothing)
    moved.append(workplace.moved_at)
    assert [at is not None for at in moved] == [False, True]
    workplace.close()


def test_a_forked_process_opens_an_installation_of_its_own(tmp_path: Path) -> None:
    opened: list[tuple[int, Installation]] = []

    def open_() -> Installation:
        opened.append((os.getpid(), found(tmp_path)))
        return opened[-1][1]

    workplace = Workplace(open_, never)
    workplace.do(nothing)
    child = os.fork()
    if child == 0:
        workplace.do(nothing)
        os._exit(0 if [pid for pid, _ in opened][1:] == [os.getpid()] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    workplace.do(nothing)
    assert len(opened) == 1
    workplace.close()


def test_without_a_doorbell_a_process_looks_by_itself_again_and_again(
    installation: Installation,
) -> None:
    workplace = Workplace(lambda: installation, never, sweep_after=0.3)
    workplace.keep()
    for people in (1, 2, 3):
        enroll(installation, people)
        wait_for(lambda: installation.store.audit().sent == people, 10)  # noqa: B023
    workplace.end()


def test_while_doorbells_come_nothing_is_swept(installation: Installation) -> None:
    enroll(installation, 1)
    workplace = Workplace(lambda: installation, never, sweep_after=0.6)
    workplace.heard()
    workplace.keep()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        workplace.heard()
        assert installation.store.audit().sent == 0
        time.sleep(0.05)
    wait_for(lambda: installation.store.audit().sent == 1, 10)
    workplace.end()


def test_a_process_that_is_told_to_stop_sweeps_no_more(installation: Installation) -> None:
    told = threading.Event()
    workplace = Workplace(lambda: installation, told.is_set, sweep_after=0.1)
    workplace.keep()
    wait_for(lambda: workplace.moved_at, 10)
    told.set()
    enroll(installation, 1)
    workplace.end()
    wait_for(lambda: "keeper" not in {thread.name for thread in threading.enumerate()}, 10)
    assert installation.store.audit().sent == 0


def test_a_task_has_several_windows_in_flight_and_ends_when_nothing_is_due(tmp_path: Path) -> None:
    with sink(content=[Hold("250 ok")] * 3) as server:
        installation = found(tmp_path, provider="smtp", smtp_url=server.url, send_window="2")
        enroll(installation, 8)
        workplace = Workplace(lambda: installation, never, lanes=3)
        left: list[bool] = []
        task = threading.Thread(target=lambda: left.append(workplace.deliver()))
        task.start()
        wait_for(lambda: server.verbs.count("DATA") >= 3, 10)
        server.release()
        task.join(10)
        assert left == [False]
        assert installation.store.audit().sent == 8
        installation.close()


def test_one_window_is_delivered_by_the_thread_that_asked_unless_it_is_the_main_one(
    installation: Installation,
) -> None:
    workers: set[threading.Thread] = set()

    def told() -> bool:
        workers.add(threading.current_thread())
        return False

    workplace = Workplace(lambda: installation, told, lanes=1)
    enroll(installation, 1)
    task = threading.Thread(target=workplace.deliver)
    task.start()
    task.join(10)
    assert workers == {task}
    enroll(installation, 2)
    workplace.deliver()
    assert {each.name for each in workers - {task, threading.main_thread()}} == {"lane"}
    assert installation.store.audit().sent == 2


def test_a_task_whose_time_is_over_tells_that_more_is_due(installation: Installation) -> None:
    people = enroll(installation, 50)
    workplace = Workplace(lambda: installation, never, lanes=1)
    assert workplace.deliver(seconds=0)
    assert installation.store.audit().sent == installation.settings.send_window
    assert not workplace.deliver()
    assert installation.store.audit().sent == len(people)


def test_an_end_waits_for_the_letter_in_hand_only_so_long_and_gives_back_the_rest(
    tmp_path: Path,
) -> None:
    with sink(content=["250 ok", Hold("250 ok")]) as server:
        installation = found(tmp_path, provider="smtp", smtp_url=server.url)
        people = enroll(installation, 10)
        workplace = Workplace(lambda: installation, never)
        task = threading.Thread(target=workplace.deliver)
        task.start()
        assert server.held.wait(10)
        begun = time.monotonic()
        workplace.end(within=0.3)
        assert time.monotonic() - begun < 2
        task.join(10)
        states = Counter(row.state for row in installation.store.deliveries())
        begun_ones = states[DeliveryState.SENT] + states[DeliveryState.IN_DOUBT]
        assert 1 <= states[DeliveryState.IN_DOUBT] <= installation.settings.smtp_connections
        assert states[DeliveryState.PLANNED] == len(people) - begun_ones
        assert installation.store.due_count(installation.now(), 100) == len(people) - begun_ones
        server.release()
        installation.close()


def test_a_sign_of_life_is_a_files_time_and_its_fault_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "alive"
    installation = found(tmp_path / "data", sign_of_life=str(file))
    workplace = Workplace(lambda: installation, never)
    workplace.do(nothing)
    os.utime(file, (0, 0))
    workplace.do(nothing)
    assert time.time() - file.stat().st_mtime < 60
    touch(tmp_path / "no folder" / "alive")
    (record,) = caplog.records
    assert record.getMessage() == "the sign of life cannot be given: No such file or directory"
    installation.close()


# Signs of life


def test_a_process_that_keeps_its_workplace_is_seen_and_at_its_end_forgotten(
    installation: Installation,
) -> None:
    enroll(installation, 30)
    workplace = Workplace(lambda: installation, never)
    workplace.deliver()
    workplace.keep()
    wait_for(installation.store.workers, 10)
    (seen,) = installation.store.workers()
    assert (seen.pid, seen.breaker) == (os.getpid(), "")
    assert seen.moved_at is not None
    assert seen.gates.gates >= 2
    assert 0 < seen.gates.seconds < 60
    workplace.end()
    assert installation.store.workers() == []
    moment = installation.moment()
    assert installation.store.vital_signs(moment).gates == seen.gates


def test_a_process_whose_every_duty_hangs_is_seen_and_does_not_move(
    installation: Installation,
) -> None:
    go = threading.Event()
    workplace = Workplace(lambda: installation, never)
    hanging = threading.Thread(target=workplace.do, args=(lambda _: go.wait(20),))
    hanging.start()
    workplace.heard()  # a sweep of its own would be a duty that does not hang
    workplace.keep()
    wait_for(installation.store.workers, 10)
    (seen,) = installation.store.workers()
    assert seen.moved_at is None
    go.set()
    hanging.join()
    workplace.end()


def test_what_a_courier_was_told_by_its_flow_is_told_on(installation: Installation) -> None:
    class Shut(Open):
        why = "the provider does not let us in"

    def notice(courier: Courier) -> None:
        object.__setattr__(courier, "flow", Shut())

    workplace = Workplace(lambda: installation, never)
    workplace.do(notice)
    workplace.keep()
    wait_for(installation.store.workers, 10)
    (seen,) = installation.store.workers()
    assert seen.breaker == "the provider does not let us in"
    workplace.end()


def test_a_round_is_one_line_with_its_counts_and_a_letter_one_for_who_debugs(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    people = enroll(installation, 3)
    with caplog.at_level("DEBUG", "worker.delivery"):
        Workplace(lambda: installation, never).deliver()
    rounds = [each for each in caplog.records if each.msg == "round"]
    assert [(each.claimed, each.sent) for each in rounds] == [(3, 3)]  # type: ignore[attr-defined]
    told = [each for each in caplog.records if each.msg == "letter"]
    assert {(each.letter, each.verdict) for each in told} == {  # type: ignore[attr-defined]
        ("welcome", "accepted")
    }
    assert len(told) == 3
    assert not any(person in str(vars(each)) for each in caplog.records for person in people)
