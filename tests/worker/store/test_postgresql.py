"""PostgreSQL: durable at the gate, every wait bounded, every fault one line with its remedy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from tests.servers.ports import free_port
from tests.servers.postgresql import PostgresqlServer
from tests.worker.databases import PostgresqlDatabases
from tests.worker.ledger import MONDAY, edition, person
from tests.worker.tiny_course import environment
from worker.errors import DatabaseFault, Refused
from worker.installation import open_installation
from worker.journal import Place
from worker.settings import read_settings
from worker.store import Store, open_store
from worker.store.postgresql import PostgresqlDatabase
from worker.store.prepared import Prepared

SECRET = "a-secret-word"


@pytest.fixture
def address(postgresql_databases: PostgresqlDatabases) -> Iterator[str]:
    with postgresql_databases.lent() as lent:
        yield lent


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    opened = open_store(address)
    yield opened
    opened.close()


@pytest.fixture
def user(postgresql: PostgresqlServer, address: str) -> Iterator[str]:
    """The same database's address for a user who needs a password and has no rights in it."""
    postgresql.execute(f"CREATE ROLE guest LOGIN PASSWORD '{SECRET}'")
    postgresql.let_in("host all guest 127.0.0.1/32 scram-sha-256")
    yield make_url(address).set(username="guest", password=SECRET).render_as_string(False)
    postgresql.execute("DROP ROLE guest")


def fault_of(address: str, do: Callable[[Store], object] = Store.courses) -> str:
    """Return the one line that says why a database could not be used."""
    store = open_store(address)
    try:
        with pytest.raises(DatabaseFault) as fault:
            do(store)
    finally:
        store.close()
    assert fault.value.remedy
    assert "\n" not in str(fault.value)
    assert SECRET not in str(fault.value)
    return str(fault.value)


def test_a_commit_is_durable_and_no_wait_is_without_end(store: Store) -> None:
    with store._database.writing() as connection:
        for name, value in {
            "synchronous_commit": "on",
            "transaction_isolation": "read committed",
            "transaction_read_only": "off",
            "lock_timeout": "10s",
            "statement_timeout": "1min",
            "idle_in_transaction_session_timeout": "1min",
            "TimeZone": "UTC",
        }.items():
            assert connection.scalar(sa.text(f"SHOW {name}")) == value
    with store._database.reading() as connection:
        assert connection.scalar(sa.text("SHOW transaction_isolation")) == "repeatable read"
        assert connection.scalar(sa.text("SHOW transaction_read_only")) == "on"


def test_a_reader_sees_one_snapshot(store: Store) -> None:
    with store._database.reading() as connection:
        count = sa.text("SELECT count(*) FROM courses")
        assert connection.scalar(count) == 0
        store.publish(edition(), MONDAY)
        assert connection.scalar(count) == 0
    assert len(store.courses()) == 1


def test_a_server_that_is_down_is_one_line() -> None:
    line = fault_of(f"postgresql://u:{SECRET}@127.0.0.1:{free_port()}/course")
    assert "Connection refused" in line
    assert "check that the server runs" in line


@pytest.mark.parametrize("password", [":wrong", ""])
def test_a_wrong_password_is_one_line(user: str, password: str) -> None:
    line = fault_of(user.replace(f":{SECRET}", password))
    assert "password" in line
    assert "LETTERCOURSE_DATABASE_URL" in line


@pytest.mark.parametrize(
    ("change", "part", "remedy"),
    [
        ({"database": "no_such"}, 'database "no_such" does not exist', "createdb"),
        ({"username": "nobody"}, 'role "nobody" does not exist', "createuser"),
        ({"query": {"sslmode": "require"}}, "does not support SSL", "sslmode"),
    ],
)
def test_an_address_that_does_not_fit_the_server_is_one_line(
    address: str, change: dict[str, str], part: str, remedy: str
) -> None:
    line = fault_of(make_url(address).set(**change).render_as_string(False))  # type: ignore[arg-type]
    assert part in line
    assert remedy in line


def test_a_user_without_rights_is_one_line(user: str) -> None:
    line = fault_of(user)
    assert "permission denied" in line
    assert "own the database" in line


def test_a_server_without_room_for_more_connections_is_one_line(
    user: str, postgresql: PostgresqlServer
) -> None:
    postgresql.execute("ALTER ROLE guest CONNECTION LIMIT 0")
    assert "max_connections" in fault_of(user)


def test_a_database_that_only_follows_is_one_line(
    address: str, postgresql: PostgresqlServer
) -> None:
    name = make_url(address).database
    postgresql.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    line = fault_of(address, lambda store: store.publish(edition(), MONDAY))
    assert "read-only" in line
    assert "not a copy" in line


def test_a_disk_without_room_is_one_line_and_undoes_what_was_begun(store: Store) -> None:
    store.publish(edition(), MONDAY)
    with store._database.writing() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE"
            " 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER full_disk BEFORE INSERT ON enrollments"
            " FOR EACH STATEMENT EXECUTE FUNCTION full_disk()"
        )
    with pytest.raises(DatabaseFault, match="make room on the server's disk"):
        store.enroll(store.course("motivation"), [person("ben")], MONDAY)
    assert store.subscribers() == []


def test_a_person_who_is_locked_for_long_is_one_line(store: Store, address: str) -> None:
    store.publish(edition(), MONDAY)
    store.enroll(store.course("motivation"), [person("ben")], MONDAY)
    hasty = open_store(address)
    sa.event.listen(hasty._database.engine, "begin", _give_up_soon)
    with store._database.writing() as connection:
        connection.exec_driver_sql("SELECT 1 FROM subscribers FOR UPDATE")
        with pytest.raises(DatabaseFault, match="another transaction holds it; try again"):
            hasty.unsubscribe("ben@example.net", MONDAY)
    hasty.unsubscribe("ben@example.net", MONDAY)
    hasty.close()


def _give_up_soon(connection: sa.Connection) -> None:
    connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")


def test_when_every_connection_is_in_use_whoever_waits_gives_up(address: str) -> None:
    database = PostgresqlDatabase(address)
    pool = database.engine.pool
    assert isinstance(pool, sa.pool.QueuePool)
    pool._timeout = 0.05
    held = [database.engine.connect() for _ in range(pool.size() + pool._max_overflow)]
    with (
        pytest.raises(DatabaseFault, match="every connection is in use"),
        database.reading(),
    ):
        raise AssertionError("there was one more")
    for each in held:
        each.close()
    database.close()


def test_a_restarted_server_costs_nobody_a_request(
    store: Store, postgresql: PostgresqlServer
) -> None:
    assert store.publish(edition(), MONDAY)
    postgresql.stop()
    try:
        with pytest.raises(DatabaseFault, match="check that the server runs"):
            store.courses()
    finally:
        postgresql.start()
    assert len(store.courses()) == 1
    postgresql.stop()
    postgresql.start()
    assert len(store.courses()) == 1


@pytest.mark.parametrize("prepared", [True, False])
def test_a_connection_that_ends_within_a_transaction_is_one_line(
    postgresql: PostgresqlServer, address: str, tmp_path: Path, *, prepared: bool
) -> None:
    one = sa.select(sa.literal(1).label("one"))
    ask = Prepared(one) if prepared else (lambda connection: connection.execute(one).all())
    store = open_store(address, journal=Place(tmp_path / "journal", "here"))

    def ask_in_a_transaction(*, broken: bool) -> int:
        with store._database.writing() as connection:
            here = connection.scalar(sa.text("SELECT pg_backend_pid()"))
            if broken:
                postgresql.execute(f"SELECT pg_terminate_backend({here})")
            return len(ask(connection))

    with pytest.raises(DatabaseFault):
        ask_in_a_transaction(broken=True)
    assert ask_in_a_transaction(broken=False) == 1
    store.close()


def test_the_clock_is_the_servers(store: Store) -> None:
    with store._database.writing() as connection:
        began = connection.scalar(sa.text("SELECT now()"))
        at = store._database.clock()
        assert at is not None
        assert at.utcoffset() is not None
        assert at > began  # the transaction's own instant stands still


def test_a_database_that_is_behind_asks_for_migrate_and_is_not_touched(
    tmp_path: Path, postgresql_databases: PostgresqlDatabases
) -> None:
    bare = postgresql_databases.bare()
    settings = read_settings(environment(tmp_path, database_url=bare))
    with pytest.raises(Refused, match="run lettercourse migrate"):
        open_installation(settings)
    assert "run: lettercourse migrate" in fault_of(bare)
    store = open_store(bare)
    assert not store.schema_is_current()
    store.migrate()
    store.close()
    open_installation(settings).close()
    postgresql_databases.remove(bare)


def test_a_second_migration_waits_for_the_first(
    postgresql_databases: PostgresqlDatabases,
) -> None:
    bare = postgresql_databases.bare()
    first, second = PostgresqlDatabase(bare), open_store(bare)
    waiting = threading.Thread(target=second.migrate)
    with first.writing() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('lettercourse migrate'))")
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join(30)
    assert second.schema_is_current()
    second.close()
    first.close()
    postgresql_databases.remove(bare)


def test_no_statistics_are_kept_of_private_words(store: Store) -> None:
    store.publish(edition(), MONDAY)
    crowd = [person(f"p{number:03}", timezone="Asia/Tokyo") for number in range(300)]
    store.enroll(store.course("motivation"), crowd, MONDAY)
    with store._database.writing() as connection:
        connection.exec_driver_sql("ANALYZE")
        kept = connection.exec_driver_sql(
            "SELECT attname FROM pg_stats WHERE schemaname = 'public'"
            " AND (most_common_vals::text || coalesce(histogram_bounds::text, '')"
            " LIKE '%%example.net%%' OR most_common_vals::text LIKE '%%Tokyo%%')"
        ).all()
        assert kept == []
        known = "SELECT count(*) FROM pg_stats WHERE tablename = 'subscribers'"
        assert connection.exec_driver_sql(known).scalar_one() > 0


def test_what_reports_sort_by_is_sorted_whatever_the_servers_language(store: Store) -> None:
    with store._database.reading() as connection:
        sorted_by = connection.exec_driver_sql(
            "SELECT attname, collname FROM pg_attribute"
            " JOIN pg_collation c ON c.oid = attcollation"
            " WHERE (attrelid, attname) IN (('subscribers'::regclass, 'address'),"
            " ('courses'::regclass, 'slug')) ORDER BY attname"
        ).all()
    assert [tuple(row) for row in sorted_by] == [("address", "C"), ("slug", "C")]
