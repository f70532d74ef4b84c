"""What a supervisor learns at ``/healthz`` and ``/readyz``, also from a database that froze."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.worker.databases import PostgresqlDatabases
from tests.worker.ledger import MONDAY, HandClock, World, person
from tests.worker.watching import installation_on, served
from worker.installation import Installation
from worker.model import Heartbeat
from worker.store import fingerprint, open_store
from worker.watch import OVERDUE_AFTER
from worker.web.health import ANSWERS_WITHIN
from worker.web.probing import Probe, Unanswered

LATE = OVERDUE_AFTER + timedelta(seconds=1)


@pytest.fixture
def installation(world: World, tmp_path: Path) -> Installation:
    return installation_on(world.store, world.clock, tmp_path)


def test_a_process_without_work_of_its_own_is_ready(installation: Installation) -> None:
    with served(installation) as door:
        assert door.get("/healthz").text == "ok\n"
        answer = door.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["installation"] == fingerprint(installation.store.installation_id())
    assert {**answer.json(), "installation": None} == {
        "ready": True,
        "database": True,
        "worker": True,
        "delivering": True,
        "why": [],
        "installation": None,
    }


def test_a_worker_that_makes_no_progress_is_told_to_who_asks_for_it(
    world: World, installation: Installation
) -> None:
    world.enroll(person("ben"))
    world.clock.advance(LATE)
    now = world.clock.wall()
    with served(installation) as door:
        calm, asked = door.get("/readyz"), door.get("/readyz?delivering")
        world.store.beat(Heartbeat("w", "h", 1, "0.1.0", MONDAY, now, now))
        moving = door.get("/readyz?delivering")
    assert (calm.status_code, asked.status_code, moving.status_code) == (200, 503, 200)
    assert calm.json()["ready"]
    for answer in (calm, asked):
        assert not answer.json()["delivering"]
        (why,) = answer.json()["why"]
        assert why == (
            "letters are due for 5 minutes, and no worker was seen for 60 seconds: start one"
        )


def test_a_process_whose_own_worker_stands_still_is_not_ready(installation: Installation) -> None:
    with served(installation, moving=False) as still:
        answer = still.get("/readyz")
        assert still.get("/healthz").status_code == 200
    assert answer.status_code == 503
    assert {**answer.json(), "installation": None} == {
        "ready": False,
        "database": True,
        "worker": False,
        "delivering": True,
        "why": ["the worker of this process gets nothing done"],
        "installation": None,
    }


def test_a_database_of_another_revision_is_not_ready(
    world: World, installation: Installation
) -> None:
    with world.store._database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with served(installation) as door:
        answer = door.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["why"] == ["the database is not of this version: run lettercourse migrate"]
    assert (answer.json()["database"], answer.json()["delivering"]) == (False, None)


def test_a_database_that_does_not_answer_holds_up_no_probe(
    postgresql_databases: PostgresqlDatabases, tmp_path: Path
) -> None:
    with postgresql_databases.lent() as url, closing(open_store(url)) as store:
        installation = installation_on(store, HandClock(), tmp_path)
        with served(installation) as door, store._database.engine.connect() as other:
            other.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
            begun = time.monotonic()
            with ThreadPoolExecutor() as pool:
                answers = list(pool.map(door.get, ["/readyz"] * 3))
            assert ANSWERS_WITHIN <= time.monotonic() - begun < 2 * ANSWERS_WITHIN
            assert {each.status_code for each in answers} == {503}
            assert answers[0].json()["why"] == ["the database did not answer within 3 seconds"]
            assert door.get("/healthz").status_code == 200
            other.rollback()
            assert door.get("/readyz").status_code == 200


def test_a_question_is_asked_once_at_a_time_and_anew_after_its_answer() -> None:
    go, asked = threading.Event(), []

    def ask() -> int:
        asked.append(1)
        go.wait(10)
        return len(asked)

    probe = Probe(ask, 0.05)
    for _ in range(3):
        with pytest.raises(Unanswered):
            probe()
    assert len(asked) == 1
    go.set()
    assert Probe(lambda: 7, 5.0)() == 7
    while (answer := probe()) == 1:
        pass
    assert answer > 1


def test_a_question_that_fails_fails_for_who_asked() -> None:
    def ask() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Probe(ask, 5.0)()
