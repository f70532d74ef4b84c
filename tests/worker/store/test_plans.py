"""What is not due costs nothing: every statement of a round finds its rows by an index."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

from tests.worker.databases import Databases, PostgresqlDatabases, query
from tests.worker.ledger import ACCEPTED, DAY, DEFERRED, LEASE, MONDAY, World, edition, person
from worker.model import Gated, Outcome
from worker.store import Store, open_store

PEOPLE = 30_000
DUE = 60

_MANY = "WITH RECURSIVE n(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM n WHERE n < {people})"

_LOAD = (
    "INSERT INTO subscribers (id, address, name, state, created_at)"
    " {many} SELECT n, 'p' || n || '@example.net', '', 'active', '{long_ago}' FROM n",
    "INSERT INTO enrollments"
    " (id, subscriber_id, course_id, run, state, next_at, created_at, changed_at)"
    " {many} SELECT n, n, 1, 1, 'active',"
    " CASE WHEN n % {every} = 0 THEN {now} ELSE {later} END, '{long_ago}', '{long_ago}' FROM n",
    "INSERT INTO deliveries (id, enrollment_id, run, letter_key, letter_id, state, epoch, due_at,"
    " handed_at, settled_at, attempts, deferrals, detail)"
    " {many} SELECT 'd' || n, n, 1, 'welcome', 1, 'sent', 1, '{long_ago}', '{long_ago}',"
    " '{long_ago}', 1, 0, '' FROM n",
    "INSERT INTO attempts"
    " (delivery_id, number, gated_at, gated_wall, deadline, outcome, detail, answered_at)"
    " {many} SELECT 'd' || n, 1, '{long_ago}', '{long_ago}', '{long_ago}', 'accepted', '',"
    " '{long_ago}' FROM n",
)


@contextmanager
def said(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """Write down every statement and its parameters."""
    statements: list[tuple[str, Any]] = []
    dialect: Any = store._database.engine.dialect
    execute = dialect.do_execute

    def hear(cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        statements.append((statement, parameters))
        execute(cursor, statement, parameters, context)

    dialect.do_execute = hear
    try:
        yield statements
    finally:
        del dialect.do_execute


def full_scans(store: Store, statement: str, parameters: Any) -> list[str]:
    """Return the tables that grow with people and that a statement reads from end to end."""
    if not statement.lstrip().startswith(("SELECT", "UPDATE", "INSERT", "DELETE")):
        return []
    on_sqlite = store._database.engine.dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN " if on_sqlite else "EXPLAIN "
    with store._database.reading() as connection:
        rows = connection.exec_driver_sql(explain + statement, parameters).all()
    plan = "\n".join(str(row[-1]) for row in rows)
    tables = "subscribers|enrollments|deliveries|attempts"
    scan = rf"SCAN ({tables})(?! USING)" if on_sqlite else rf"Seq Scan on ({tables})\b"
    return re.findall(scan, plan)


def instant(store: Store, at: datetime) -> str:
    written = f"'{at:%F %T}.000000+00:00'"
    on_sqlite = store._database.engine.dialect.name == "sqlite"
    return written if on_sqlite else f"timestamptz {written}"


def load(store: Store, every: int, first: int = 1) -> None:
    """Add many people, whose welcome was sent long ago; every so-manyth has a letter due."""
    for statement in _LOAD:
        query(
            store,
            statement.format(
                many=_MANY.format(first=first, people=PEOPLE),
                every=every,
                now=instant(store, MONDAY),
                later=instant(store, MONDAY + 30 * DAY),
                long_ago=f"{MONDAY - 30 * DAY:%F %T}.000000+00:00",
            ),
        )


@pytest.fixture(params=["unknown", "known"])
def crowded(request: pytest.FixtureRequest, databases: Databases) -> Iterator[World]:
    """Many people of whom few are due; statistics are those of an empty ledger, or true."""
    with databases.lent() as address:
        store = open_store(address)
        store.publish(edition(), MONDAY)
        if request.param == "unknown" and databases.kind == "postgresql":
            query(store, "ANALYZE")
        load(store, PEOPLE // DUE)
        if request.param == "known":
            query(store, "ANALYZE")
        yield World(store)
        store.close()


def test_no_statement_of_a_round_reads_what_is_not_due(crowded: World) -> None:
    store, clock = crowded.store, crowded.clock
    store.installation_id()
    with said(store) as statements:
        assert store.due_count(clock.now(), 1000) == DUE
        claimed = crowded.claim(limit=DUE)
        first = crowded.gate(claimed[:20])
        moment = clock.moment()
        answered = [(gated, ACCEPTED) for gated in first]
        second = store.gate(claimed[20:40], "w1", moment, LEASE, answered).passed
        store.settle([(gated, DEFERRED) for gated in second[:10]], moment)
        store.give_back(second[10:], moment)
        store.release(claimed[40:50], "w1")
        store.give_back_lost(claimed[50:], "w1", moment)
        clock.advance(LEASE)
        assert len(crowded.claim(limit=DUE)) == 40
        clock.advance(2 * LEASE)
        store.reap(clock.moment())
        store.next_due_at()
    scans = {statement: full_scans(store, statement, given) for statement, given in statements}
    assert {statement: tables for statement, tables in scans.items() if tables} == {}


def test_service_mail_is_found_by_its_index(crowded: World) -> None:
    with said(crowded.store) as statements:
        assert crowded.store.begin_notices(crowded.clock.moment(), 20, LEASE) == []
    assert not any(full_scans(crowded.store, *statement) for statement in statements)


def test_statements_stay_the_same_for_any_number_of_rows(crowded: World) -> None:
    texts = []
    for window in (1, 7, 20):  # the first reads the edition besides
        with said(crowded.store) as statements:
            claimed = crowded.claim(limit=window)
            answered = [(gated, ACCEPTED) for gated in crowded.gate(claimed)]
            crowded.store.settle(answered, crowded.clock.moment())
        texts.append([statement for statement, _ in statements])
    assert texts[1] == texts[2]


@pytest.mark.parametrize("every", [500, 1], ids=["few are due", "all are due"])
@pytest.mark.parametrize("analyzed", ["never", "while few", "when many"])
def test_plans_that_were_made_for_a_few_rows_serve_many(
    postgresql_databases: PostgresqlDatabases, every: int, analyzed: str
) -> None:
    with postgresql_databases.lent() as address:
        store = open_store(address)
        store.publish(edition(), MONDAY)
        world = World(store)
        world.enroll(*(person(f"few{n}") for n in range(60)))
        answered: list[tuple[Gated, Outcome]] = []
        if analyzed == "while few":
            query(store, "ANALYZE")
        for _ in range(15):  # by then every statement's plan is kept
            answered = send(world, 2, answered)
        load(store, every, first=1001)
        if analyzed == "when many":
            query(store, "ANALYZE")
        before = rows_read(store)
        send(world, 20, answered)
        assert rows_read(store) - before < PEOPLE / 10
        store.close()


def send(
    world: World, window: int, answered: Sequence[tuple[Gated, Outcome]]
) -> list[tuple[Gated, Outcome]]:
    """Deliver one window and settle the one before; return what is to be settled now."""
    claimed = world.claim(limit=window)
    assert len(claimed) == window
    gate = world.store.gate(claimed, "w1", world.clock.moment(), LEASE, answered)
    return [(gated, ACCEPTED) for gated in gate.passed]


def rows_read(store: Store) -> int:
    """Return how many rows of tables and entries of indexes were read so far."""
    query(store, "SELECT pg_stat_force_next_flush()")
    ((tables,),) = query(store, "SELECT sum(seq_tup_read) FROM pg_stat_user_tables")
    ((indexes,),) = query(store, "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes")
    return int(tables + indexes)
