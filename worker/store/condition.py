"""The database itself: which it is, how it is set up, and whether its rows lie in the future."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select, text

from worker.model import DatabaseCondition
from worker.store.schema import attempts, workers

_SQLITE_SYNCHRONOUS = ("off", "normal", "full", "extra")


def condition(connection: Connection) -> DatabaseCondition:
    """Return what makes this database's commits durable, or not."""
    return _sqlite(connection) if connection.dialect.name == "sqlite" else _postgresql(connection)


def newest_instant(connection: Connection) -> datetime | None:
    """Return the latest reading of a machine's clock on record; ``None``: there is none."""
    last = select(attempts.c.gated_wall).order_by(attempts.c.id.desc()).limit(1)
    seen = select(func.max(workers.c.seen_at))
    found = (connection.scalar(last), connection.scalar(seen))
    return max((each for each in found if each is not None), default=None)


def _sqlite(connection: Connection) -> DatabaseCondition:
    version = connection.scalar(text("SELECT sqlite_version()"))
    synchronous = connection.scalar(text("PRAGMA synchronous"))
    return DatabaseCondition(
        kind="sqlite",
        version=tuple(int(part) for part in version.split(".")),
        settings={
            "journal_mode": connection.scalar(text("PRAGMA journal_mode")),
            "synchronous": _SQLITE_SYNCHRONOUS[synchronous],
        },
    )


def _postgresql(connection: Connection) -> DatabaseCondition:
    number = int(connection.scalar(text("SHOW server_version_num")))
    names = ("synchronous_commit", "fsync", "full_page_writes")
    return DatabaseCondition(
        kind="postgresql",
        version=(number // 10_000, number % 10_000),
        settings={name: connection.scalar(text(f"SHOW {name}")) for name in names},
    )
