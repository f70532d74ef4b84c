"""A database that goes back in time: what it forgot is not sent again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.acceptance.processes import ROOT, inherited
from tests.chaos.couriers import Orders
from tests.chaos.ground import Ground
from tests.servers.postgresql import PostgresqlServer

RESTORED = pytest.mark.row(
    name="restored", title="the database restored from before the last letters and departures"
)
PEOPLE = 60
BEFORE = 20
LEAVING = 6
TWO_DAYS = timedelta(days=2)


@pytest.fixture
def snapshot(ground: Ground, request: pytest.FixtureRequest) -> Callable[[], Callable[[], None]]:
    """Takes a copy of the database as it stands, and returns what puts that in its place."""
    url = make_url(ground.installation.settings.database_url)
    if ground.kind == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        assert url.database is not None
        return lambda: of_postgresql(ground, server, url.database or "")
    return lambda: of_sqlite(ground, Path(url.database or ""))


def of_postgresql(ground: Ground, server: PostgresqlServer, name: str) -> Callable[[], None]:
    ground.installation.store.close()
    copy = server.create(name)

    def put_back() -> None:
        ground.installation.store.close()
        server.drop(name)
        server.execute(f'ALTER DATABASE "{copy}" RENAME TO "{name}"')

    return put_back


def of_sqlite(ground: Ground, file: Path) -> Callable[[], None]:
    copy = file.with_name("an-hour-ago.db")
    ground.installation.store.close()
    assert not file.with_name(file.name + "-wal").exists(), "somebody else has it open"
    shutil.copy(file, copy)

    def put_back() -> None:
        ground.installation.store.close()
        for each in ("-wal", "-shm"):
            file.with_name(file.name + each).unlink(missing_ok=True)
        copy.replace(file)

    return put_back


def run(ground: Ground, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "worker", *command],
        env={**inherited(), **ground.settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@RESTORED
def test_a_database_that_went_back_in_time_sends_nothing_twice_and_nothing_to_those_who_left(
    ground: Ground, snapshot: Callable[[], Callable[[], None]]
) -> None:
    people = ground.enroll(PEOPLE)
    ground.sink.script(content=[*[None] * BEFORE, "452 4.3.1 later"])
    with ground.couriers(Orders()) as couriers:
        ground.wait_until_delivered(60, couriers, sent=BEFORE)
        assert couriers.stop() == 0
    put_back = snapshot()
    before = len(ground.arrivals())
    with ground.couriers(Orders(), "afterwards") as couriers:
        ground.wait_until_delivered(60, couriers, sent=PEOPLE - 1)
        assert couriers.stop() == 0
    gone = people[:LEAVING]
    for person in gone:
        ground.installation.store.unsubscribe(person, ground.installation.now())
    put_back()
    told = run(ground, "tick")
    arrived = len(ground.arrivals())
    assert told.returncode != 0, "it went on as if nothing had happened"
    assert before < arrived <= PEOPLE
    assert "Traceback" not in told.stderr
    healed = run(ground, "restore", "--reconcile")
    assert healed.returncode == 0, healed.stderr
    ground.come_to_an_end(within=TWO_DAYS)
    after_leaving = [
        each.recipient
        for each in ground.arrivals()
        if each.recipient in gone and each.letter != "welcome"
    ]
    assert not after_leaving, "a letter came to somebody who had left"
    ground.judge(left=gone, doubts=PEOPLE)
