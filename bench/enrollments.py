"""Looking for who is due among many, and enrolling a list."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from bench.measure import Case, Run, Size, timed
from bench.sample import NOW, enrolled
from worker.model import Moment
from worker.store.sqlite import choose_driver

BATCH = 1000


def looking(size: Size) -> Iterator[Case]:
    """Claim nothing beside many people who are not due, against the same beside few."""
    later, rounds = NOW + timedelta(days=30), size.of(500)
    small, large = 1_000, size.of(100_000, least=1_000)

    def claims(count: int) -> Run:
        with tempfile.TemporaryDirectory() as name:
            store = enrolled(Path(name), count, start=later)
            moment = Moment(NOW, NOW)

            def look() -> None:
                for _ in range(rounds):
                    store.due_count(moment.now, 1000)
                    store.claim("bench", moment, timedelta(seconds=30), 20)

            run = timed(rounds, look)
            store.close()
            return run

    name, against = f"look for what is due, {large:,}", f"looks/s at {small:,}"
    yield Case(name, "looks/s", lambda: claims(large), against, lambda: claims(small))


def enrolling(size: Size) -> Iterator[Case]:
    """Enroll a list, against bare inserts of as many rows into the same database."""
    count = size.of(20_000)

    def ours() -> Run:
        with tempfile.TemporaryDirectory() as name:
            return timed(count, lambda: enrolled(Path(name), count).close())

    def floor() -> Run:
        with tempfile.TemporaryDirectory() as name:
            database = choose_driver().module.connect(Path(name) / "floor.db")
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("CREATE TABLE s (id INTEGER PRIMARY KEY, address TEXT UNIQUE)")
            database.execute("CREATE TABLE e (id INTEGER PRIMARY KEY, s INTEGER, next_at TEXT)")

            def insert() -> None:
                for begin in range(0, count, BATCH):
                    some = range(begin, begin + BATCH)
                    with database:
                        rows = [(n, f"person{n}@example.org") for n in some]
                        database.executemany("INSERT INTO s VALUES (?, ?)", rows)
                        moments = [(n, n, str(NOW)) for n in some]
                        database.executemany("INSERT INTO e VALUES (?, ?, ?)", moments)

            run = timed(count, insert)
            database.close()
            return run

    yield Case("enroll a list", "people/s", ours, "bare inserts/s", floor)
