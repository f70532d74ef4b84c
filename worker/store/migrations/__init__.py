"""The database's revisions, and how it gets from one to the newest."""

from __future__ import annotations

from threading import Lock

from sqlalchemy import Connection, column, inspect, select, table, text

NEWEST = "0005"
"""The newest revision under ``versions/``."""

_VERSION = table("alembic_version", column("version_num"))


def upgrade(connection: Connection, revision: str = NEWEST) -> None:
    """Bring the database to a revision, inside the connection's transaction; one at a time.

    Whoever comes second finds the work done. On SQLite to write is to be alone already.
    """
    with _IN_THIS_PROCESS:
        if connection.dialect.name == "postgresql":
            for statement in _ALONE:
                connection.execute(text(statement))
        _upgrade(connection, revision)


_IN_THIS_PROCESS = Lock()
"""Alembic keeps what it works on in its modules."""

_ALONE = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL lock_timeout = '5min'",
    "SELECT pg_advisory_xact_lock(hashtext('lettercourse migrate'))",
    "SET LOCAL lock_timeout = '10s'",  # what holds up the doors is given up soon
)


def _upgrade(connection: Connection, revision: str) -> None:
    # Alembic takes as long to import as all the rest; only a database that is behind needs it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "worker.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def is_current(connection: Connection) -> bool:
    """Tell whether the database is at the newest revision."""
    known = inspect(connection).has_table(_VERSION.name)
    return known and connection.scalar(select(_VERSION.c.version_num)) == NEWEST
