"""The database itself: safe journals, no lost updates, one line for every fault."""

from __future__ import annotations

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from course.errors import LettercourseError
from tests.worker.databases import Databases, query
from tests.worker.ledger import World, person
from worker.errors import DatabaseFault, Refused
from worker.store import Store, claiming, migrations, open_store, retrying
from worker.store.engine import Database
from worker.store.schema import meta, metadata
from worker.store.sqlite import SqliteDatabase, choose_driver, driver_for, wal_is_safe
from worker.store.types import Instant


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 9), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_a_write_ahead_log_is_used_only_where_it_cannot_lose_commits(
    version: tuple[int, ...], safe: bool
) -> None:
    assert wal_is_safe(version) is safe
    journal, durable = driver_for(SimpleNamespace(sqlite_version_info=version)).pragmas
    assert journal == ("journal_mode=WAL" if safe else "journal_mode=DELETE")
    assert durable == ("synchronous=FULL" if safe else "synchronous=EXTRA")


def test_every_connection_is_durable_and_checks_references(tmp_path: Path) -> None:
    for driver in (choose_driver(), driver_for(sqlite3)):
        safe = wal_is_safe(driver.version)
        database = SqliteDatabase(f"sqlite:///{tmp_path}/{driver.version[1]}.db", driver)
        with database.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
            journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
            assert journal == ("wal" if safe else "delete")
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == (2 if safe else 3)
        database.close()


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "nonsense", "mysql://h/d"],
)
def test_a_database_that_cannot_be_used_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(LettercourseError) as fault:
        open_store(url)
    assert "\n" not in str(fault.value)
    assert fault.value.remedy


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    junk = tmp_path / "ledger.db"
    junk.write_bytes(b"not a database, whatever its name says" * 100)
    with pytest.raises(DatabaseFault, match="not a database"):
        open_store(f"sqlite:///{junk}").migrate()


def test_a_database_without_tables_asks_for_migrate(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/ledger.db")
    assert not store.schema_is_current()
    assert not (tmp_path / "ledger.db").exists()
    with pytest.raises(DatabaseFault, match="migrate"):
        store.courses()
    store.close()


def test_migrating_makes_the_folder_and_once_more_changes_nothing(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/deep/down/ledger.db")
    store.migrate()
    name = store.installation_id()
    store.migrate()
    assert store.schema_is_current()
    assert len(name) == 32
    again = open_store(f"sqlite:///{tmp_path}/deep/down/ledger.db")
    assert again.installation_id() == name
    store.close()
    again.close()


def test_the_newest_revision_is_the_head_of_the_migrations() -> None:
    folder = Path(migrations.__file__).parent
    assert ScriptDirectory(str(folder)).get_current_head() == migrations.NEWEST


def test_the_migrations_make_the_tables_that_the_code_uses(databases: Databases) -> None:
    addresses = [databases.bare(), databases.bare()]
    migrated, direct = map(databases.hasty, addresses)
    Store(migrated).migrate()
    with direct.writing() as connection:
        metadata.create_all(connection)
    made = [_MADE[databases.kind](each) for each in (migrated, direct)]
    assert made[0] == made[1]
    assert len(made[0]) > len(metadata.tables)
    for address in addresses:
        databases.remove(address)


def _made_by_sqlite(database: Database) -> set[str]:
    with database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        made = {_normal(sql) for (sql,) in rows if "alembic" not in sql}
    database.close()
    return made


def _made_by_postgresql(database: Database) -> set[str]:
    with database.reading() as connection:
        rows = connection.exec_driver_sql(_CATALOGUE).all()
    database.close()
    return {" ".join(map(str, row)) for row in rows if "alembic" not in row[0]}


_MADE = {"sqlite": _made_by_sqlite, "postgresql": _made_by_postgresql}

_CATALOGUE = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        pg_get_expr(d.adbin, d.adrelid), l.collname
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
    UNION ALL
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), true, '', ''
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    UNION ALL
    SELECT tablename, indexname, indexdef, true, '', ''
    FROM pg_indexes WHERE schemaname = 'public'
"""


def _normal(sql: str) -> str:
    """Return a statement with columns and constraints in one order: tables do not care."""
    head, _, body = " ".join(sql.split()).partition("(")
    if not sql.startswith("CREATE TABLE"):
        return f"{head}({body}"
    columns, *constraints = body.removesuffix(")").strip().split(", CONSTRAINT ")
    # Those that came with a later revision stand last.
    parts = sorted(re.split(r", (?=[a-z_]+ [A-Z])", columns)), sorted(constraints)
    return f"{head}({parts}"


def test_reading_then_writing_loses_no_update(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    Store(SqliteDatabase(url)).migrate()
    databases = [SqliteDatabase(url) for _ in range(4)]
    with databases[0].writing() as connection:
        connection.execute(sa.insert(meta).values(name="count", value="0"))

    def add(database: SqliteDatabase) -> None:
        for _ in range(40):
            with database.writing() as connection:
                count = connection.scalar(sa.select(meta.c.value).where(meta.c.name == "count"))
                changed = sa.update(meta).where(meta.c.name == "count")
                connection.execute(changed.values(value=str(int(count or 0) + 1)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, databases * 2))
    with databases[0].reading() as connection:
        count = connection.scalar(sa.select(meta.c.value).where(meta.c.name == "count"))
    assert count == "320"
    for database in databases:
        database.close()


def test_reading_waits_for_no_writer(world: World, database_url: str) -> None:
    other = open_store(database_url)
    with other._database.writing() as connection:
        connection.execute(sa.update(meta).values(value="changed"))
        assert world.store.courses()[0].slug == "motivation"
        assert world.store.audit().owed == 0
    other.close()


def test_a_thread_does_not_wait_for_another_ones_writing_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.store.sqlite.BUSY_TIMEOUT", 0.05)
    database = SqliteDatabase(f"sqlite:///{tmp_path}/ledger.db")

    def write() -> None:
        with database.writing():
            raise AssertionError("two threads write at once")

    with database.writing(), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(write)
        with pytest.raises(DatabaseFault, match="another transaction writes for long"):
            waiting.result(10)
    with database.writing() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1
    database.close()


def test_a_naive_datetime_is_no_instant(world: World) -> None:
    with pytest.raises(ValueError, match="naive"):
        world.store.due_count(datetime(2026, 3, 2), limit=1)  # noqa: DTZ001


def test_instants_sort_as_text(tmp_path: Path) -> None:
    dialect = sa.create_engine("sqlite://").dialect
    instants = [datetime(2026, 3, 2, 7, tzinfo=UTC), datetime(2026, 3, 2, 7, 0, 0, 1, tzinfo=UTC)]
    early, late = (Instant().process_bind_param(each, dialect) for each in instants)
    assert early < late
    assert Instant().result_processor(dialect, None)(late) == instants[1]


def test_looking_for_what_is_due_reads_only_what_is_due(world: World) -> None:
    far = date(2030, 1, 1)
    world.enroll(*(person(f"p{number}", start=far) for number in range(3000)))
    query(
        world.store,
        "INSERT INTO deliveries (id, enrollment_id, run, letter_key, letter_id, state, epoch,"
        " due_at, retry_at, attempts, deferrals, detail) SELECT CAST(id AS VARCHAR(32)), id, 1,"
        " 'welcome', 1, 'planned', 1, next_at, next_at, 0, 0, '' FROM enrollments",
    )
    for statement, index in (
        (claiming._DUE.statement, "ix_enrollments_due"),
        (retrying._DUE_AGAIN.statement, "ix_deliveries_retry"),
    ):
        plan = _plan(world.store._database, statement)
        assert any(index in step for step in plan), plan
        for costly in ("TEMP B-TREE", "SCAN", "Sort", "Seq Scan on enrollments"):
            assert not any(costly in step for step in plan), plan


LATER = datetime(2026, 3, 2, tzinfo=UTC)


def _plan(database: Database, statement: Any) -> list[str]:
    """Return how the database finds what a statement with ``now`` and ``most`` asks for."""
    with database.writing() as connection:
        compiled = statement.compile(connection)
        if connection.dialect.name == "sqlite":
            marks = tuple(None for _ in compiled.positiontup or ())
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", marks)
            return [row.detail for row in rows]
        connection.exec_driver_sql("ANALYZE")
        values = {**compiled.params, "now": LATER, "most": 20}
        return [step for (step,) in connection.exec_driver_sql(f"EXPLAIN {compiled}", values)]


def test_the_calendar_of_a_rehearsal_never_goes_back(store: Store) -> None:
    assert store.rehearsed_at() is None
    store.rehearse(LATER)
    store.rehearse(LATER)
    assert store.rehearsed_at() == LATER
    with pytest.raises(Refused, match="never goes back"):
        store.rehearse(datetime(2026, 3, 1, tzinfo=UTC))
    assert store.rehearsed_at() == LATER
