"""PostgreSQL: every commit durable, every wait bounded, every fault one line.

Writers run at READ COMMITTED and lock what they decide by; readers hold one snapshot.
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from psycopg import OperationalError
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError

from worker.errors import DatabaseFault
from worker.store.postgresql_faults import one_line_faults
from worker.store.schema import metadata

CONNECT_TIMEOUT = 5
"""Seconds until a server that does not answer counts as down."""

SCRUB_PATIENCE = 10.0
"""Seconds that a scrub waits for whoever still reads what was deleted."""

_LOOK_EVERY = 0.05

_SERVER_SIDE = {
    "synchronous_commit": "on",  # a hand-over that a crash forgets would be made twice
    "default_transaction_isolation": "read committed",
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",  # a frozen process lets go of its locks
    "random_page_cost": "1.1",  # few rows of many, by an index, whatever old statistics say
    "jit": "off",  # it takes longer than any of our statements
    "timezone": "UTC",
}

_READS_MUCH = ("seqscan", "bitmapscan", "hashjoin", "mergejoin", "material")
"""Ways to read a whole table, or all that an index finds: right for a report, off for writers.

A writer knows its rows by id, or takes the first few in an index's order. Its statements are
planned once and kept, however much a table grows behind them.
"""

_SOCKET = {
    "connect_timeout": CONNECT_TIMEOUT,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds that sent bytes may stay without an answer
}


class PostgresqlDatabase:
    """One PostgreSQL database, by psycopg 3."""

    def __init__(self, url: str) -> None:
        """Prepare, without connecting."""
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        self.where = parsed.set(drivername="postgresql", query={}).render_as_string()
        settings = _SERVER_SIDE | {f"enable_{way}": "off" for way in _READS_MUCH}
        options = " ".join(
            f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in settings.items()
        )
        self.engine = create_engine(
            parsed,
            connect_args={**_SOCKET, "options": options, "application_name": "lettercourse"},
            pool_size=5,
            max_overflow=15,
            pool_timeout=10,
            hide_parameters=True,  # an error's text may be logged, an address may not
        )
        event.listen(self.engine, "checkout", self._refuse_ended)
        self._reader = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Hold one snapshot; takes no lock."""
        with one_line_faults(self.where), self._reader.begin() as connection:
            connection.execute(_READ_MUCH)
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Write beside others; durable at the end, undone by an exception."""
        with one_line_faults(self.where), self.engine.begin() as connection:
            yield connection

    def exists(self) -> bool:
        """Tell that there is a database: the URL names one, and only its owner makes it."""
        return True

    def prepare(self) -> None:
        """Do nothing: the database is its owner's to make."""

    def clock(self) -> datetime:
        """Return the server's instant, which all who use this database share."""
        with one_line_faults(self.where), self.engine.connect() as connection:
            instant: datetime = connection.scalar(text("SELECT clock_timestamp()"))
        return instant.astimezone(UTC)

    def file(self) -> str:
        """Return nothing: a server keeps the rows."""
        return ""

    def scrub(self) -> None:
        """Write every table anew, so that no page keeps what was deleted.

        A row stays as long as anybody's snapshot may hold it, so those from before are waited for.
        The write-ahead log and its archives keep what was deleted until they are recycled. Who
        uses a table waits while it is written; there must be room for a second copy of the largest.

        Raises:
            DatabaseFault: somebody reads for long, or the disk is full; nothing is lost.
        """
        autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        with one_line_faults(self.where), autocommit.connect() as connection:
            connection.detach()  # its settings are its own; closed at the end
            connection.execute(text("SET statement_timeout = 0"))
            here = connection.scalar(text("SELECT CAST(pg_current_xact_id() AS xid)"))
            for _ in range(round(SCRUB_PATIENCE / _LOOK_EVERY)):
                if not connection.scalar(_OLDER_SNAPSHOT, {"here": here}):
                    break
                connection.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": _LOOK_EVERY})
            else:
                raise DatabaseFault("somebody reads it for long", where=self.where)
            connection.execute(text(f"VACUUM (FULL) {', '.join(metadata.tables)}"))

    def _refuse_ended(self, connection: Any, *_: object) -> None:
        """Let the pool replace connections that were ended: a restart costs nobody a request.

        Between two transactions a server says nothing but that, so only then is it asked.
        """
        told = select.poll()
        try:
            told.register(connection.fileno(), select.POLLIN)
            if told.poll(0):
                self.engine.dialect.do_ping(connection)
        except OperationalError as fault:
            raise InvalidatePoolError from fault

    def close(self) -> None:
        """Close every connection; the database may be used again afterwards."""
        self.engine.dispose()


_READ_MUCH = text(
    "SELECT " + ", ".join(f"set_config('enable_{way}', 'on', true)" for way in _READS_MUCH)
)

_OLDER_SNAPSHOT = text(
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND age(backend_xmin) > age(CAST(:here AS xid)) LIMIT 1"
)
