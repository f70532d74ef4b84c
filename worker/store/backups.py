"""A backup: one SQLite file with a consistent copy of a database of either kind.

What else a restore needs stands in the file's ``meta``, under names that begin with ``backup``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from worker.errors import DatabaseFault, Refused
from worker.store import migrations
from worker.store.agreeing import renew_generation
from worker.store.copying import Report, clear, copy_rows, quietly, rows_in
from worker.store.engine import Database, move_ids_on
from worker.store.schema import meta
from worker.store.sqlite import SqliteDatabase

_TAKEN_AT = "backup_taken_at"
_KEY = "backup_secret_key"
_OURS = (_TAKEN_AT, _KEY)


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds.

    Attributes:
        secret_key: the key that the data folder signs links with; empty where the settings name
            the keys.
        rows: how many rows are in it.
    """

    taken_at: datetime
    secret_key: str
    rows: int


def write_backup(
    database: Database, file: Path, secret_key: str, now: datetime, report: Report = quietly
) -> Backup:
    """Copy a database as it is at one moment into a new file, and check the copy.

    Args:
        database: in use; nobody is held up but where SQLite has its older journal.
        file: must not exist.
        secret_key: to be kept with it; empty for none.
        now: when.
        report: told of progress.

    Raises:
        DatabaseFault: the disk is full, or the copy is not whole.
    """
    copy = SqliteDatabase(f"sqlite:///{file}")
    try:
        if isinstance(database, SqliteDatabase):
            database.copy_to(file)
        else:
            with copy.writing() as target:
                migrations.upgrade(target)
            with database.reading() as source, copy.writing() as target:
                copy_rows(source, target, report)
        notes = {_TAKEN_AT: now.isoformat(), _KEY: secret_key}
        with copy.writing() as target:
            target.execute(
                insert(meta), [{"name": name, "value": value} for name, value in notes.items()]
            )
        written = read_backup(file)
        copy.make_single()
        return written
    finally:
        copy.close()


def read_backup(file: Path, called: str = "") -> Backup:
    """Return what a backup holds, after looking at every page of it.

    Args:
        file: opening it may change it, so a copy of what somebody keeps.
        called: how to name it in a fault; by default as it is.

    Raises:
        Refused: the file is no backup, or one of another version.
        DatabaseFault: it is damaged.
    """
    where = called or str(file)
    copy = SqliteDatabase(f"sqlite:///{file}")
    try:
        with copy.reading() as connection:
            return _checked(connection, where)
    except DatabaseFault as fault:
        raise DatabaseFault(fault.what, where=where, remedy="use another backup") from fault
    finally:
        copy.close()


def _checked(connection: Connection, where: str) -> Backup:
    found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
    if found != "ok":
        raise DatabaseFault(f"the copy is damaged: {found}", where=where)
    return _notes(connection, where)


def _notes(connection: Connection, where: str) -> Backup:
    remedy = "take one with: lettercourse backup FILE"
    if not migrations.is_current(connection):
        raise Refused("this is no backup of this version", where=where, remedy=remedy)
    rows = connection.execute(select(meta.c.name, meta.c.value).where(meta.c.name.in_(_OURS)))
    notes: Mapping[str, str] = {row.name: row.value for row in rows}
    if _TAKEN_AT not in notes:
        raise Refused("this is a database, but no backup", where=where, remedy=remedy)
    return Backup(
        datetime.fromisoformat(notes[_TAKEN_AT]), notes[_KEY], sum(rows_in(connection).values())
    )


def prepare_restored(file: Path) -> None:
    """Make a database of a copy of a backup: it knows that it was restored."""
    database = SqliteDatabase(f"sqlite:///{file}")
    try:
        with database.writing() as connection:
            _restored(connection)
        database.make_single()
    finally:
        database.close()


def restore_rows(file: Path, target: Database, report: Report = quietly) -> None:
    """Put a backup's rows in the place of all that a database holds, in one transaction.

    Raises:
        DatabaseFault: the database is away or in use; nothing was changed.
    """
    backup = SqliteDatabase(f"sqlite:///{file}")
    try:
        with backup.reading() as source, target.writing() as connection:
            migrations.upgrade(connection)
            clear(connection)
            copy_rows(source, connection, report)
            _restored(connection)
            move_ids_on(connection)
    finally:
        backup.close()


def _restored(connection: Connection) -> None:
    """Forget what was only the backup's; every journal has to be compared from now on."""
    connection.execute(delete(meta).where(meta.c.name.in_(_OURS)))
    renew_generation(connection)
