"""What PostgreSQL says when it cannot do what is asked, as one line with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from course.errors import one_line
from worker.errors import DatabaseFault

_SETTING = "LETTERCOURSE_DATABASE_URL"
_MIGRATE = "run: lettercourse migrate"
_GRANT = "let this user own the database, or grant it everything on its tables"
_FEWER = "raise the server's max_connections, or run fewer processes"
_WAIT = "another transaction holds it; try again"

_BY_KIND: tuple[tuple[type[psycopg.Error], str], ...] = (
    (errors.UndefinedTable, _MIGRATE),
    (errors.UndefinedColumn, _MIGRATE),
    (errors.InsufficientPrivilege, _GRANT),
    (errors.LockNotAvailable, _WAIT),
    (errors.DeadlockDetected, _WAIT),
    (errors.QueryCanceled, "it took too long; try again"),
    (errors.DiskFull, "make room on the server's disk"),
    (errors.ReadOnlySqlTransaction, "name the server that may be written to, not a copy of it"),
)
"""What a fault's code tells."""

_BY_WORDS = (
    ("too many", _FEWER),
    ("connection slots", _FEWER),
    ("password", f"check user and password in {_SETTING}"),
    ("role ", f"check the user in {_SETTING}, or create it: createuser NAME"),
    ("database ", f"check the name in {_SETTING}, or create it: createdb NAME"),
    ("SSL", f"check sslmode in {_SETTING}"),
    ("pg_hba.conf", "let this machine in: the server's pg_hba.conf says who may connect"),
    ("starting up", "wait until the server has started"),
    ("shutting down", "wait until the server has started again"),
)
"""What is told by words alone: a connection that fails carries no code."""

_OUTSIDE = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
"""What may befall any statement: the server is away, full, stopped or locked for long."""


@contextmanager
def one_line_faults(where: str) -> Iterator[None]:
    """Turn what comes from outside into one line; our own bugs pass as they are.

    Args:
        where: names the database.

    Raises:
        DatabaseFault: the server is away, full, stopped, locked for long or not ours to use.
    """
    try:
        yield
    except PoolTimeout as fault:
        raise DatabaseFault(
            "every connection is in use", where=where, remedy="try again"
        ) from fault
    except DBAPIError as fault:
        said = fault.orig
        kind = next((remedy for each, remedy in _BY_KIND if isinstance(said, each)), "")
        ours = isinstance(said, errors.InFailedSqlTransaction) or not isinstance(said, _OUTSIDE)
        if ours and not kind:
            raise  # a broken constraint or statement is our own bug
        words = one_line(str(said).partition("\n")[0])  # without the statement and rows' values
        raise DatabaseFault(words, where=where, remedy=kind or _remedy(words)) from fault


def _remedy(words: str) -> str:
    _, _, told = words.rpartition("failed: ")
    known = (remedy for part, remedy in _BY_WORDS if part in told)
    return next(known, "check that the server runs and can be reached")
