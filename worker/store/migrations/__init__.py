"""The database's revisions, and how it gets from one to the newest."""

from __future__ import annotations

from sqlalchemy import Connection, column, inspect, select, table

NEWEST = "0002"
"""The newest revision under ``versions/``."""

_VERSION = table("alembic_version", column("version_num"))


def upgrade(connection: Connection, revision: str = NEWEST) -> None:
    """Bring the database to a revision, inside the connection's transaction."""
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
