from __future__ import annotations

import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from course.errors import LettercourseError
from tests.worker.tiny_course import LONG_AGO, DrivenClock, enroll, environment, found
from worker.delivery import tick
from worker.errors import Refused
from worker.installation import open_installation, sole_occupant
from worker.settings import read_settings

SMTP = {"provider": "smtp", "smtp_url": "smtp://127.0.0.1:9"}


def test_an_empty_folder_becomes_an_installation_that_delivers(tmp_path: Path) -> None:
    installation = found(tmp_path / "new" / "data")
    enroll(installation, 3)
    assert tick(installation.courier()).sent == 3
    assert len(list((tmp_path / "new" / "data" / "maildir" / "new").iterdir())) == 3
    installation.close()


def test_the_key_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    first = found(tmp_path)
    link = first.links.unsubscribe(7)
    first.close()
    second = found(tmp_path)
    assert second.links.read_unsubscribe(link.rpartition("/")[2]) == 7
    second.close()
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.glob("secret_key*")) == ["secret_key"]


def test_many_processes_at_once_agree_on_one_key_and_one_schema(tmp_path: Path) -> None:
    links: list[str] = []

    def begin() -> None:
        installation = found(tmp_path)
        links.append(installation.links.unsubscribe(1))
        installation.close()

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(links) == 6
    assert len(set(links)) == 1


def test_a_key_that_was_cut_off_is_never_replaced_in_silence(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("abc\n")
    with pytest.raises(LettercourseError, match="restore it from a backup"):
        found(tmp_path)
    assert (tmp_path / "secret_key").read_text() == "abc\n"


def test_keys_from_the_settings_leave_no_file(tmp_path: Path) -> None:
    found(tmp_path, secret_keys="a" * 32).close()
    assert not (tmp_path / "secret_key").exists()


def test_a_data_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(LettercourseError, match="LETTERCOURSE_DATA_DIR"):
        found(tmp_path / "data")


def test_a_key_that_no_header_can_hold_is_one_line_without_it(tmp_path: Path) -> None:
    with pytest.raises(LettercourseError, match="SENDGRID_API_KEY") as fault:
        found(tmp_path, provider="sendgrid", sendgrid_api_key="SG.sécret")
    assert "sécret" not in str(fault.value)


def test_a_window_holds_at_least_one_batch(tmp_path: Path) -> None:
    key = {"provider": "sendgrid", "sendgrid_api_key": "SG.x"}
    for batch, window, expected in (("1", "20", 20), ("500", "20", 500), ("50", "100", 100)):
        installation = found(tmp_path, **key, sendgrid_batch=batch, send_window=window)
        try:
            assert installation.courier().window == expected
        finally:
            installation.close()


def test_the_calendar_never_falls_behind_a_rehearsal(tmp_path: Path) -> None:
    clock = DrivenClock()
    installation = found(tmp_path, clock)
    assert installation.now() == LONG_AGO
    ahead = LONG_AGO + timedelta(days=3)
    installation.rehearse(ahead)
    assert installation.now() == ahead
    assert installation.courier().clock.now() == ahead
    clock.instant = ahead + timedelta(hours=1)
    assert installation.now() == clock.instant
    installation.close()


def test_a_rehearsed_database_reaches_nobody_without_force(tmp_path: Path) -> None:
    rehearsal = found(tmp_path)
    rehearsal.rehearse(datetime(2031, 1, 1, tzinfo=UTC))
    rehearsal.courier()
    with pytest.raises(Refused, match="rehearsed up to 2031-01-01 00:00 UTC"):
        rehearsal.refuse_rehearsed()
    rehearsal.close()
    real = found(tmp_path, **SMTP)
    with pytest.raises(Refused, match="--force"):
        real.courier()
    real.close()
    forced = open_installation(read_settings(environment(tmp_path, **SMTP)), force=True)
    forced.courier()
    forced.refuse_rehearsed()
    forced.close()


def test_a_rehearsal_through_a_provider_that_reaches_people_is_refused(tmp_path: Path) -> None:
    installation = found(tmp_path, **SMTP)
    with pytest.raises(Refused, match="reaches people"):
        installation.rehearse(datetime(2031, 1, 1, tzinfo=UTC))
    assert installation.store.rehearsed_at() is None
    installation.close()


def test_one_up_a_data_folder(tmp_path: Path) -> None:
    settings = read_settings(environment(tmp_path))
    with (
        sole_occupant(settings),
        pytest.raises(Refused, match="another lettercourse up"),
        sole_occupant(settings),
    ):
        pass
    with sole_occupant(settings):
        pass


def test_every_courier_has_a_name_of_its_own(tmp_path: Path) -> None:
    installation = found(tmp_path)
    assert installation.courier().owner != installation.courier().owner
    installation.close()
