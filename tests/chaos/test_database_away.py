"""PostgreSQL that goes away in the middle: stopped at once, or its answers lost on the way."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from tests.acceptance.processes import wait_for
from tests.chaos.couriers import Orders
from tests.chaos.ground import Ground, on_ground, wait_for_seconds
from tests.chaos.wire import GATE, SETTLE, wire
from tests.servers.postgresql import PostgresqlServer
from worker.store import open_store

pytestmark = pytest.mark.chaos

COMMIT_LOST = pytest.mark.row(
    name="commit-lost", title="the reply to the gate's COMMIT lost, then to the settle's"
)

STOPS = 4
EVERY = 4.0
"""Seconds between two stops."""

AWAY = 1.5
"""Seconds until it is started again."""


@pytest.fixture
def durable() -> Iterator[PostgresqlServer]:
    """A PostgreSQL whose commits outlive its end."""
    folder = Path(mkdtemp())
    folder.chmod(0o755)
    server = PostgresqlServer(folder / "postgresql", durable=True)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def durable_ground(
    durable: PostgresqlServer, tmp_path: Path, record_property: Any
) -> Iterator[Ground]:
    address = durable.url(durable.create())
    store = open_store(address)
    store.migrate()
    store.close()
    record_property("kind", "postgresql")
    with on_ground("postgresql", tmp_path, address) as made:
        record_property("findings", made.told)
        yield made


@pytest.mark.row(name="postgresql-stopped", title="PostgreSQL stopped in immediate mode every 4 s")
def test_postgresql_stopped_at_once_again_and_again_doubles_nothing(
    durable: PostgresqlServer, durable_ground: Ground
) -> None:
    ground = durable_ground
    ground.enroll(600)
    ground.sink.slow(0.1)
    with ground.couriers(Orders(workers=4, again=True)) as couriers:
        ground.wait_until_delivered(60, couriers, sent=10)
        for _ in range(STOPS):
            durable.stop(signal.SIGQUIT)
            wait_for_seconds(AWAY)
            durable.start()
            wait_for_seconds(EVERY - AWAY)
        wait_for(lambda: not ground.untouched(), 120, couriers, what="the letters' beginning")
        assert couriers.stop() == 0
        assert "Traceback" not in couriers.output
    ground.come_to_an_end()
    ground.judge(doubts=0)


@COMMIT_LOST
@pytest.mark.parametrize("step", [GATE, SETTLE], ids=["gate", "settle"])
@pytest.mark.parametrize("ground", ["postgresql"], indirect=True)
def test_a_commit_whose_reply_was_lost_is_neither_repeated_nor_doubted(
    ground: Ground, postgresql: PostgresqlServer, step: bytes
) -> None:
    ground.enroll(200)
    with wire(postgresql.port) as lossy:
        lossy.lose(step, times=4)
        direct = ground.settings["LETTERCOURSE_DATABASE_URL"]
        ground.settings["LETTERCOURSE_DATABASE_URL"] = direct.replace(
            f":{postgresql.port}/", f":{lossy.port}/"
        )
        with ground.couriers(Orders(workers=2)) as couriers:
            wait_for(lambda: lossy.lost == 4, 60, couriers, what="the lost replies")
            wait_for(lambda: not ground.untouched(), 60, couriers, what="the letters' beginning")
            assert couriers.stop() == 0
            assert "Traceback" not in couriers.output
        ground.settings["LETTERCOURSE_DATABASE_URL"] = direct
    ground.come_to_an_end()
    ground.judge(doubts=0)
