"""Databases full of people who take the shipped course, made by whole sets of rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import md5
from typing import Any

import sqlalchemy as sa

from bench.sample import edition
from worker.model import DeliveryState, EnrollmentState, SubscriberState
from worker.store import open_store
from worker.store.claiming import NEIGHBOURS
from worker.store.engine import Database, chunks, open_database
from worker.store.schema import attempts, courses, deliveries, enrollments, letters, subscribers

FAR = timedelta(days=3650)
MONTH = 30


@contextmanager
def people(url: str, count: int, now: datetime) -> Iterator[Database]:
    """Migrate, publish and enroll so many people, none of whom is due within ten years.

    Args:
        url: of an empty database.
        count: people; their ids and their enrollments' are 1 to ``count``.
        now: when they were enrolled.
    """
    store = open_store(url)
    store.migrate()
    store.publish(edition(), now)
    store.close()
    database = open_database(url)
    try:
        with database.writing() as connection:
            course_id = connection.scalar(sa.select(courses.c.id))
            _insert(connection, subscribers, _subscribers(count, now))
            _insert(connection, enrollments, _enrollments(course_id, now))
        yield database
    finally:
        database.close()


def welcome(database: Database, then: datetime, every: int = 1, among: range = range(0)) -> None:
    """Record a welcome as sent at ``then`` to every so-manyth enrollment, and to all ``among``."""
    with database.writing() as connection:
        first = connection.scalar(sa.select(letters.c.id).where(letters.c.position == 0))
        chosen = enrollments.c.id % every == 0
        if among:
            chosen = chosen | enrollments.c.id.between(among[0], among[-1])
        _teach_md5(connection)
        _insert(connection, deliveries, _sent(first, then), chosen)
        _insert(connection, attempts, _accepted())


def make_due(database: Database, at: datetime, ids: Collection[int] | None = None) -> None:
    """Let the next letter of these enrollments, by default of all, be due at ``at``."""
    with database.writing() as connection:
        if ids is None:
            connection.execute(enrollments.update().values(next_at=at))
        for some in chunks(list(ids or ())):
            chosen = enrollments.c.id.in_(some)
            connection.execute(enrollments.update().where(chosen).values(next_at=at))


def settle_down(database: Database) -> None:
    """Bring statistics and pages up to date, as autovacuum and checkpoints do in time."""
    if database.engine.name == "sqlite":
        with database.engine.connect() as connection:
            connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    with database.engine.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        alone.execute(sa.text("SET statement_timeout = 0"))
        alone.execute(sa.text("VACUUM ANALYZE"))
        alone.execute(sa.text("CHECKPOINT"))


Columns = Mapping[str, sa.ColumnElement[Any]]


def _insert(
    connection: sa.Connection,
    table: sa.Table,
    columns: Columns,
    where: sa.ColumnElement[bool] | None = None,
) -> None:
    """Insert what a SELECT of these columns finds, however long it takes."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
    chosen = sa.select(*(each.label(name) for name, each in columns.items()))
    chosen = chosen if where is None else chosen.where(where)
    connection.execute(table.insert().from_select(list(columns), chosen))


def _subscribers(count: int, now: datetime) -> Columns:
    numbers = sa.select(sa.literal(1).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(sa.select(numbers.c.n + 1).where(numbers.c.n < count))
    number = sa.cast(numbers.c.n, sa.String)
    return {
        "address": sa.literal("person") + number + sa.literal("@example.org"),
        "name": sa.literal("Ada"),
        "state": sa.literal(SubscriberState.ACTIVE.value),
        "created_at": _instant(now),
    }


def _enrollments(course_id: int | None, now: datetime) -> Columns:
    """Return places in the course; their due times are spread over a month in ten years."""
    days = [_instant(now + FAR + timedelta(days=n)) for n in range(MONTH)]
    spread = [(subscribers.c.id % MONTH == n, day) for n, day in enumerate(days)]
    return {
        "subscriber_id": subscribers.c.id,
        "course_id": sa.literal(course_id),
        "run": sa.literal(1),
        "state": sa.literal(EnrollmentState.ACTIVE.value),
        "next_at": sa.case(*spread),
        "created_at": _instant(now),
        "changed_at": _instant(now),
    }


def _like_a_delivery_id(enrollment_id: sa.ColumnElement[int]) -> sa.ColumnElement[str]:
    """Return an id that lies in an index where the ledger's own would: beside its neighbours'."""
    near, own = (
        sa.func.md5(sa.cast(each, sa.String))
        for each in (enrollment_id // NEIGHBOURS, enrollment_id)
    )
    return sa.func.substr(near, 1, 8).concat(sa.func.substr(own, 1, 24))


def _teach_md5(connection: sa.Connection) -> None:
    """Let SQLite make digests too."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.create_function("md5", 1, lambda text: md5(text.encode()).hexdigest())


def _sent(letter_id: int | None, then: datetime) -> Columns:
    return {
        "id": _like_a_delivery_id(enrollments.c.id),
        "enrollment_id": enrollments.c.id,
        "run": enrollments.c.run,
        "letter_key": sa.literal("welcome"),
        "letter_id": sa.literal(letter_id),
        "state": sa.literal(DeliveryState.SENT.value),
        "epoch": sa.literal(1),
        **dict.fromkeys(("due_at", "handed_at", "settled_at"), _instant(then)),
        "attempts": sa.literal(1),
        "deferrals": sa.literal(0),
        "detail": sa.literal("250 ok"),
    }


def _accepted() -> Columns:
    moments = ("gated_at", "gated_wall", "deadline", "answered_at")
    return {
        "delivery_id": deliveries.c.id,
        "number": sa.literal(1),
        **dict.fromkeys(moments, deliveries.c.handed_at),
        "outcome": sa.literal("accepted"),
        "detail": sa.literal("250 ok"),
    }


def _instant(value: datetime) -> sa.ColumnElement[Any]:
    return sa.literal(value, type_=subscribers.c.created_at.type)
