from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from course.errors import LettercourseError
from tests.worker.tiny_course import enroll, environment, found
from worker.delivery import Courier
from worker.installation import Installation
from worker.settings import read_settings
from worker.tasks import Workplace, build_app, configuration


def never() -> bool:
    return False


def nothing(_: Courier) -> None:
    """Do nothing, as the only duty of a task."""


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


def test_what_cannot_be_opened_now_is_opened_by_a_later_task(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / "data"
    data.write_text("a file stands where the folder should be")
    workplace = Workplace(lambda: found(data), never)
    app = build_app(workplace, lambda: configuration(read_settings(environment(tmp_path)), 1.0))
    app.tasks["lettercourse.deliver"].apply(throw=True)
    assert "the data folder cannot be used" in caplog.text
    data.unlink()
    beside = found(data)
    enroll(beside, 1)
    app.tasks["lettercourse.deliver"].apply(throw=True)
    assert beside.store.audit().sent == 1
    beside.close()
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


def test_doorbells_are_acknowledged_early_never_retried_and_expire(tmp_path: Path) -> None:
    app = build_app(
        Workplace(lambda: found(tmp_path), never),
        lambda: configuration(read_settings(environment(tmp_path)), 10.0),
    )
    for name in ("lettercourse.tick", "lettercourse.deliver"):
        task = app.tasks[name]
        assert not task.acks_late
        assert task.max_retries == 0
        assert task.ignore_result
    assert app.conf.beat_schedule["tick"]["options"]["expires"] <= 10
    assert app.conf.result_backend is None
    assert app.conf.accept_content == ("json",)


def test_no_address_and_no_letter_travels_in_a_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    installation = found(tmp_path)
    enroll(installation, 1)
    workplace = Workplace(lambda: installation, never)
    app = build_app(workplace, lambda: configuration(installation.settings, 1.0))
    with caplog.at_level(logging.DEBUG):
        app.tasks["lettercourse.deliver"].apply(throw=True)
    assert installation.store.audit().sent == 1
    assert "example.org" not in caplog.text
    workplace.close()
