"""A list of a million people, enrolled by the command, against bare inserts of the same rows."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.measure import Case, Run, Size, timed
from bench.programs import once
from bench.sample import KEY, edition
from bench.servers import folder, postgresql
from worker.cli.enroll import BATCH
from worker.store import open_store
from worker.store.engine import Database, open_database
from worker.store.schema import courses, enrollments, subscribers

PEOPLE = 1_000_000
TARGET = 0.3


def on_sqlite(size: Size) -> Iterator[Case]:
    """SQLite: a file for each side."""
    with folder() as place:
        names = iter(range(1000))

        def fresh() -> str:
            return f"sqlite:///{place}/{next(names)}.db"

        yield case("SQLite", place, fresh, size.of(PEOPLE))


def on_postgresql(size: Size) -> Iterator[Case]:
    """PostgreSQL: a database for each side in one server."""
    with folder() as place, postgresql(place) as server:
        yield case("PostgreSQL", place, lambda: server.url(server.create()), size.of(PEOPLE))


def case(name: str, place: Path, fresh: Any, count: int) -> Case:
    """Return the row; every run has a fresh database with the course published."""
    listed = place / "people.csv"
    with listed.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("email", "name", "timezone"))
        for number in range(count):
            writer.writerow((f"person{number}@example.org", f"Ada {number}", "Europe/Berlin"))

    def ours() -> Run:
        return timed_enroll(published(fresh()), place, listed, count)

    def floor() -> Run:
        with closing(open_database(published(fresh()))) as database:
            return bare_inserts(database, count)

    return Case(f"enroll {count:,}, {name}", "people/s", ours, "by executemany/s", floor, TARGET)


def published(url: str) -> str:
    """Bring a database up to date, publish the course in it, and return its address."""
    store = open_store(url)
    store.migrate()
    store.publish(edition(), datetime.now(UTC))
    store.close()
    return url


def timed_enroll(url: str, place: Path, listed: Path, count: int) -> Run:
    """Run ``lettercourse enroll``, from its start to its end."""
    given = {
        "LETTERCOURSE_DATA_DIR": str(place / "data"),
        "LETTERCOURSE_DATABASE_URL": url,
        "LETTERCOURSE_SECRET_KEYS": KEY,
    }
    command = (sys.executable, "-m", "worker", "enroll", edition().course, str(listed))
    return timed(count, lambda: once(command, given))


def bare_inserts(database: Database, count: int) -> Run:
    """Insert the same rows by the driver's executemany, in transactions of the same size.

    Nothing is looked up: the rows' ids are counted, the instants are worked out once.
    """
    now = datetime.now(UTC)
    mark = "?" if database.engine.name == "sqlite" else "%s"
    with database.reading() as connection:
        course_id = connection.scalar(sa.select(courses.c.id))
    moment: Any = now if mark == "%s" else now.isoformat(" ", "microseconds")
    person_columns = ("id", "address", "name", "timezone", "state", "created_at")
    place_columns = (
        *("subscriber_id", "course_id", "run", "state"),
        *("zone", "next_at", "created_at", "changed_at"),
    )
    into_people = insertion(subscribers.name, person_columns, mark)
    into_places = insertion(enrollments.name, place_columns, mark)
    zone = "Europe/Berlin"

    def insert() -> None:
        for begin in range(1, count + 1, BATCH):
            some = range(begin, min(begin + BATCH, count + 1))
            with database.writing() as connection:
                cursor = connection.connection.cursor()
                people = [
                    (n, f"person{n}@example.org", f"Ada {n}", zone, "active", moment) for n in some
                ]
                cursor.executemany(into_people, people)
                places = [(n, course_id, 1, "active", zone, moment, moment, moment) for n in some]
                cursor.executemany(into_places, places)

    return timed(count, insert)


def insertion(table: str, columns: tuple[str, ...], mark: str) -> str:
    """Return an INSERT for the driver."""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join([mark] * len(columns))})"
