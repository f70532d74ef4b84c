"""``backup``: one file with everything that a restore needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from worker.errors import Refused
from worker.keeping.files import begin_draft, put_in_place, remove_database
from worker.store import Store
from worker.store.copying import Report


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup that was written and read back."""

    file: str
    taken_at: datetime
    rows: int
    has_key: bool


def back_up(store: Store, to: Path, secret_key: str, now: datetime, report: Report) -> Kept:
    """Write a backup beside whatever runs.

    Args:
        store: in use.
        to: the file, or a folder in which it is named after ``now``.
        secret_key: the data folder's; empty where the settings name the keys.
        now: when.
        report: told of progress.

    Raises:
        Refused: the file is there already.
        DatabaseFault: the disk is full or the copy is not whole; there is no file then.
    """
    file = to / f"lettercourse-{now:%Y%m%dT%H%M%SZ}.db" if to.is_dir() else to
    if file.exists():
        raise Refused("there is a file of this name", where=str(file), remedy="name another one")
    if not file.parent.is_dir():
        raise Refused("there is no such folder", where=str(file.parent), remedy="make it first")
    draft = begin_draft(file)
    try:
        written = store.back_up(draft, secret_key, now, report)
        put_in_place(draft, file)
    finally:
        remove_database(draft)
    return Kept(str(file), written.taken_at, written.rows, bool(secret_key))
