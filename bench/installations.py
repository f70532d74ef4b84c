"""Whole installations that deliver to the sink, as they are shipped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.measure import Run
from bench.passage import watch
from bench.people import make_due, people, settle_down, welcome
from bench.programs import Program, program, wait_until
from bench.sample import KEY
from bench.servers import Servers, folder
from bench.sink import Sink
from worker.store import open_store
from worker.store.engine import Database

CELERY = (sys.executable, "-m", "celery", "-A", "worker.tasks")
WORKER = (*CELERY, "worker", "--concurrency", "1", "--without-gossip", "--without-mingle")
OVERDUE, DAY = timedelta(minutes=1), timedelta(days=1)


def settings(place: Path, port: int, **more: str) -> dict[str, str]:
    """Return the environment of an installation that sends to a port of loopback."""
    given = {
        "DATA_DIR": str(place / "data"),
        "PROVIDER": "smtp",
        "SMTP_URL": f"smtp://127.0.0.1:{port}",
        "SECRET_KEYS": KEY,
        **more,
    }
    return {f"LETTERCOURSE_{name}": value for name, value in given.items()}


def embedded(server: Sink, port: int, letters: int, **more: str) -> Run:
    """Let ``lettercourse up`` deliver from SQLite: one process."""
    with folder() as place, ExitStack() as stack:
        url, now = f"sqlite:///{place / 'data' / 'lettercourse.db'}", datetime.now(UTC)
        (place / "data").mkdir()
        database = stack.enter_context(before_a_lesson(url, letters, now))
        command = (sys.executable, "-m", "worker", "up", "--port", "0")
        with program(command, place / "up.log", settings(place, port, **more)) as up:
            up.wait_for("Lettercourse runs at")
            run = watch(
                server, port, letters, lambda: make_due(database, now - OVERDUE), {"up": up}
            )
            check(url, 2 * letters)
        return run


def scaled(
    around: Servers, server: Sink, port: int, letters: int, workers: int = 2, **more: str
) -> Run:
    """Let Celery workers of one process each deliver from PostgreSQL, rung for by Valkey."""
    with folder() as place, ExitStack() as stack:
        name, now = around.postgresql.create(), datetime.now(UTC)
        url = around.postgresql.url(name)
        database = stack.enter_context(before_a_lesson(url, letters, now))
        given = settings(place, port, DATABASE_URL=url, BROKER_URL=around.broker, **more)
        named: dict[str, Program] = {}
        for number in range(1, workers + 1):
            command = (*WORKER, "-n", f"bench{number}@%h")
            worker = program(command, place / f"{number}.log", given)
            named[f"worker {number}"] = stack.enter_context(worker)
        wait_until(lambda: around.listeners() >= workers, 180, *named.values())

        def go() -> None:
            make_due(database, now - OVERDUE)
            stack.enter_context(program((*CELERY, "beat"), place / "beat.log", given))

        run = watch(server, port, letters, go, named, around.pids)
        check(url, 2 * letters)
        stack.close()
        around.postgresql.drop(name)
        return run


@contextmanager
def before_a_lesson(url: str, count: int, now: datetime) -> Iterator[Database]:
    """Make a database of people who had their welcome two days ago and wait for the next letter."""
    with people(url, count, now - 2 * DAY) as database:
        welcome(database, now - 2 * DAY)
        settle_down(database)
        yield database


def check(url: str, letters: int) -> None:
    """Check that the ledger has so many letters down as sent, and breaks no promise."""
    store = open_store(url)
    try:
        wait_until(lambda: store.audit().sent == letters, 180)
        audit = store.audit()
        assert audit.violations == (), audit
    finally:
        store.close()
