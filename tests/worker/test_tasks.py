from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.worker.tiny_course import enroll, environment, found
from worker.settings import read_settings
from worker.tasks import build_app, configuration
from worker.workplace import Workplace


def never() -> bool:
    return False


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
