from __future__ import annotations

import mailbox
import re
import signal
import time
from collections import Counter
from email import message_from_bytes
from pathlib import Path

import httpx
import pytest

from tests.acceptance.processes import UP, Process, running, up, wait_for
from tests.worker.smtp_sink import Hold, Sink, sink
from tests.worker.tiny_course import enroll, environment, found
from worker.installation import Installation
from worker.model import DeliveryState


def sent(installation: Installation) -> int:
    return installation.store.audit().sent


def url(process: Process) -> str:
    wait_for(lambda: "http://" in process.output, 20, process, what="the announcement")
    match = re.search(r"http://[\d.:]+", process.output)
    assert match is not None
    return match[0]


def doubled(server: Sink) -> list[tuple[str, str]]:
    """Return what anybody got twice: by person and letter, and by Message-ID."""
    letters = [(taken.recipient, message_from_bytes(taken.content)) for taken in server.taken]
    by_letter = Counter((recipient, letter["X-Letter"]) for recipient, letter in letters)
    by_id = Counter(("Message-ID", letter["Message-ID"]) for _, letter in letters)
    return [key for key, count in (by_letter + by_id).items() if count > 1]


def test_up_delivers_what_is_due_to_the_maildir_and_stops_cleanly(tmp_path: Path) -> None:
    settings = environment(tmp_path / "data")
    installation = found(tmp_path / "data")
    people = enroll(installation, 30)
    with up(settings, tmp_path / "log") as process:
        wait_for(lambda: sent(installation) == len(people), 20, process, what="delivery")
        door = url(process)
        wait_for(
            lambda: httpx.get(f"{door}/readyz").status_code == 200, 10, process, what="readiness"
        )
        # What is enrolled beside it, from another process, is found by the next tick.
        enroll(installation, 35)
        wait_for(lambda: sent(installation) == 35, 20, process, what="the later ones")
        begun = time.monotonic()
        process.send(signal.SIGTERM)
        assert process.end(within=5) == 0
        assert time.monotonic() - begun < 5
        assert "Traceback" not in process.output
        assert "example.org" not in process.output
    letters = mailbox.Maildir(tmp_path / "data" / "maildir", create=False)
    assert Counter(letter["X-Letter"] for letter in letters) == {"welcome": 35}
    assert len({letter["To"] for letter in letters}) == 35
    installation.close()


def test_leaving_through_the_door_of_up_stops_the_next_letter(tmp_path: Path) -> None:
    installation = found(tmp_path)
    (person,) = enroll(installation, 1)
    with up(environment(tmp_path), tmp_path / "log") as process:
        wait_for(lambda: sent(installation) == 1, 20, process, what="delivery")
        (letter,) = mailbox.Maildir(tmp_path / "maildir", create=False)
        token = letter["List-Unsubscribe"].strip("<>").rpartition("/")[2]
        answer = httpx.post(f"{url(process)}/u/{token}", data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    assert installation.store.standing(person).state == "unsubscribed"
    assert installation.store.next_due_at() is None
    installation.close()


def test_a_second_up_on_the_same_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    settings = environment(tmp_path)
    with up(settings, tmp_path / "log") as first:
        url(first)
        with running(UP, settings, tmp_path / "second") as second:
            assert second.end(within=20) == 1
            assert "another lettercourse up runs on this data folder" in second.output
        assert first.is_running()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_middle_of_a_window_loses_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    with sink(content=[*["250 ok"] * 7, *[Hold("250 ok")] * 2]) as server:
        settings = {"provider": "smtp", "smtp_url": server.url}
        installation = found(tmp_path, **settings)
        people = enroll(installation, 60)
        with up(environment(tmp_path, **settings), tmp_path / "log") as process:
            wait_for(server.held.is_set, 20, process, what="the eighth letter")
            process.send(number)
            process.send(number)
            server.release()
            assert process.end(within=5) == 0
        handed_over = len(server.taken)
        assert handed_over < len(people)
        assert sent(installation) == handed_over
        states = Counter(row.state for row in installation.store.deliveries())
        assert not states[DeliveryState.HANDING] + states[DeliveryState.CLAIMED]
        with up(environment(tmp_path, **settings), tmp_path / "log") as process:
            wait_for(lambda: sent(installation) == len(people), 20, process, what="the rest")
        assert not doubled(server)
        assert len(server.taken) == len(people)
        installation.close()


def test_a_mail_server_that_hangs_does_not_keep_up_from_stopping(tmp_path: Path) -> None:
    with sink(content=[Hold("250 ok")] * 9) as server:
        settings = {"provider": "smtp", "smtp_url": server.url}
        installation = found(tmp_path, **settings)
        enroll(installation, 30)
        with up(environment(tmp_path, **settings), tmp_path / "log") as process:
            wait_for(server.held.is_set, 20, process, what="the letter")
            process.send(signal.SIGTERM)
            assert process.end(within=5) == 0
        states = Counter(row.state for row in installation.store.deliveries())
        assert 1 <= states.pop(DeliveryState.IN_DOUBT) <= 4, states  # one a connection
        assert set(states) == {DeliveryState.PLANNED}
        installation.close()


def kill_after(letters: int, server: Sink, process: Process) -> None:
    wait_for(lambda: len(server.taken) >= letters, 30, process, what="letters")
    process.kill()


def test_killed_again_and_again_nobody_gets_anything_twice(tmp_path: Path) -> None:
    with sink() as server:
        settings = {"provider": "smtp", "smtp_url": server.url, "send_window": "5"}
        installation = found(tmp_path, **settings)
        people = enroll(installation, 300)
        for killing in range(1, 4):
            with up(environment(tmp_path, **settings), tmp_path / "log") as process:
                kill_after(60 * killing, server, process)
        store = installation.store

        left = {each.id for each in store.deliveries(state=DeliveryState.HANDING)}
        over = {DeliveryState.SENT, DeliveryState.IN_DOUBT}

        def is_over() -> bool:
            rows = store.deliveries()  # one look: between two, a lost claim may come back
            return len(rows) == len(people) and all(
                row.state in over or row.id in left for row in rows
            )

        with up(environment(tmp_path, **settings), tmp_path / "log") as process:
            wait_for(is_over, 60, process, what="everything else")
        assert not doubled(server)
        rows = installation.store.deliveries()
        arrived = {taken.recipient for taken in server.taken}
        settled = {row.address for row in rows if row.state is DeliveryState.SENT}
        doubtful = {
            row.address
            for row in rows
            if row.state in {DeliveryState.HANDING, DeliveryState.IN_DOUBT}
        }
        assert settled <= arrived
        assert arrived <= settled | doubtful
        assert settled | doubtful == set(people)
        # At most one window of each of the three threads is in doubt after each kill.
        assert len(doubtful) <= 3 * 3 * 5
        assert installation.store.audit().violations == ()
        installation.close()
