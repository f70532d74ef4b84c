"""``restore``: a backup in the place of the present database, which is kept aside."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from worker.errors import DatabaseFault, Refused
from worker.keeping.files import begin_draft, put_in_place, remove_database, set_aside
from worker.store.backups import prepare_restored, read_backup, restore_rows, write_backup
from worker.store.copying import Report
from worker.store.engine import Database
from worker.store.sqlite import SqliteDatabase
from worker.store.working import seen_since

SEEN_LATELY = timedelta(minutes=2)
"""A worker that was seen so short a time ago may still be at work."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of a restore.

    Attributes:
        aside: where the database lies that was in use before; empty where there was none.
        key_aside: likewise for a key that differed.
    """

    taken_at: datetime
    aside: str
    key_aside: str


def restore(
    database: Database, folder: Path, file: Path, now: datetime, report: Report, *, force: bool
) -> Restored:
    """Put a backup in the place of a database that nobody uses.

    Args:
        database: the settings'; closed on return.
        folder: the data folder, which nobody else holds.
        file: the backup; it is only read.
        now: when.
        report: told of progress.
        force: go on although workers were seen lately.

    Raises:
        Refused: the file is no backup, or workers were seen lately; nothing was changed.
        DatabaseFault: the file is damaged, the disk full, or the server away.
    """
    if not file.is_file():
        raise Refused("there is no such file", where=str(file))
    beside = database.path if isinstance(database, SqliteDatabase) else folder / "restoring.db"
    beside.parent.mkdir(parents=True, exist_ok=True)  # a rename does not leave its disk
    draft = begin_draft(beside)
    try:
        shutil.copyfile(file, draft)
        backup = read_backup(draft, called=str(file))
        if not force:
            _refuse_workers(database, now)
        stamp = f"{now:%Y%m%dT%H%M%SZ}"
        aside = _place(database, folder, draft, stamp, now, report)
        key_aside = _place_key(folder / "secret_key", backup.secret_key, stamp)
    finally:
        remove_database(draft)
        database.close()
    return Restored(backup.taken_at, aside, key_aside)


def _refuse_workers(database: Database, now: datetime) -> None:
    try:
        if not database.exists():
            return
        with database.reading() as connection:
            seen = seen_since(connection, now - SEEN_LATELY)
    except DatabaseFault:
        return  # it has no tables, or cannot be read: that may be why it is restored
    if seen:
        raise Refused(
            f"{seen[0]} was seen at work less than two minutes ago",
            where="workers",
            remedy="stop all workers and wait, or --force",
        )


def _place(
    database: Database, folder: Path, draft: Path, stamp: str, now: datetime, report: Report
) -> str:
    if isinstance(database, SqliteDatabase):
        prepare_restored(draft)
        database.close()
        aside = set_aside(database.path, stamp)
        put_in_place(draft, database.path)
        return "" if aside is None else str(aside)
    kept = folder / f"before-{stamp}.db"
    kept_draft = begin_draft(kept)
    try:
        write_backup(database, kept_draft, "", now, report)
        put_in_place(kept_draft, kept)
    except DatabaseFault:
        kept = Path()  # it has no tables yet
    finally:
        remove_database(kept_draft)
    restore_rows(draft, database, report)
    return str(kept) if kept.name else ""


def _place_key(path: Path, key: str, stamp: str) -> str:
    if not key or (path.exists() and path.read_text("ascii").strip() == key):
        return ""
    aside = path.with_name(f"{path.name}.before-{stamp}") if path.exists() else None
    if aside is not None:
        path.rename(aside)
    draft = begin_draft(path)
    draft.write_text(f"{key}\n", "ascii")
    put_in_place(draft, path)
    return "" if aside is None else str(aside)
