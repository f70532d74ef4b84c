"""What everything stands on: database, its form, clocks, disk."""

from __future__ import annotations

import shutil
from datetime import timedelta

from worker.doctor.finding import Patient, Saying, fault, ok, warning
from worker.model import DatabaseCondition
from worker.store.sqlite import wal_is_safe

LEAST_POSTGRESQL = 14
"""The oldest version that its makers still mend, or did when this was written."""

SKEWED = timedelta(seconds=5)
"""Between two clocks; letters are dated by one and leases end by the other."""

FAR_OFF = timedelta(seconds=30)
"""A lease's length: beyond it one worker takes for lost what another has in hand."""

LITTLE_ROOM, NO_ROOM = 1 << 30, 100 << 20
"""Bytes free on the disk."""


def database(patient: Patient) -> Saying:
    """It answers, and what it commits outlives a power cut."""
    if not patient.store.database_exists():
        yield fault("there is no database yet", "run: lettercourse migrate")
        return
    found = patient.store.condition()
    yield from _sqlite(found) if found.kind == "sqlite" else _postgresql(found)


def _sqlite(found: DatabaseCondition) -> Saying:
    set_to = found.settings
    how = f"SQLite {found.shown}, journal {set_to['journal_mode']}, {set_to['synchronous']} sync"
    is_safe = wal_is_safe(found.version)
    if found.settings["journal_mode"] == "wal" and not is_safe:
        remedy = "install pysqlite3, or a SQLite of 3.51.3 or newer"
        yield fault(f"{how}: this version can lose commits (WAL-reset bug)", remedy)
    elif found.settings["synchronous"] not in ("full", "extra"):
        yield fault(f"{how}: a power cut can lose commits", "let nobody else set its pragmas")
    elif not is_safe:
        remedy = "for more speed install pysqlite3, or a SQLite of 3.51.3 or newer"
        yield warning(f"{how}: safe and slow, as its write-ahead log has a bug", remedy)
    else:
        yield ok(how)


def _postgresql(found: DatabaseCondition) -> Saying:
    how = f"PostgreSQL {found.shown}, synchronous_commit {found.settings['synchronous_commit']}"
    off = [name for name in ("fsync", "full_page_writes") if found.settings[name] != "on"]
    if found.settings["synchronous_commit"] == "off":
        off.append("synchronous_commit")
    if off:
        names = " and ".join(off)
        yield fault(f"{how}: a power cut can lose commits", f"switch {names} on in its settings")
    elif found.version[0] < LEAST_POSTGRESQL:
        yield warning(f"{how}: old", f"use PostgreSQL {LEAST_POSTGRESQL} or newer")
    else:
        yield ok(how)


def migrations(patient: Patient) -> Saying:
    """The tables are those of this version."""
    if patient.store.schema_is_current():
        yield ok("the tables are those of this version")
    else:
        yield fault("the tables are not those of this version", "run: lettercourse migrate")


def clocks(patient: Patient) -> Saying:
    """This machine's clock agrees with the database's, and with what is on record."""
    theirs = patient.store.clock()
    now = patient.clock.wall()
    remedy = "let both keep time by NTP"
    if theirs is not None:
        apart = abs(now - theirs)
        found = f"this machine's clock is {apart.total_seconds():.1f} s off the database's"
        if apart > SKEWED:
            yield fault(found, remedy) if apart > FAR_OFF else warning(found, remedy)
        else:
            yield ok(found)
    newest = patient.store.newest_instant()
    if newest is not None and newest - now > SKEWED:
        ahead = (newest - now).total_seconds()
        remedy = "check the clocks of all machines; what runs goes by the seconds that really pass"
        yield warning(f"a row was written {ahead:.0f} s from now: a clock was set back", remedy)
    elif theirs is None:
        yield ok("nothing on record lies in the future")


def disk(patient: Patient) -> Saying:
    """There is room for letters, journals and the database."""
    folder = patient.settings.data_dir.absolute()
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / (1 << 30):.1f} GiB are free for the data folder"
    if free < NO_ROOM:
        yield fault(found, "make room: a full disk stops everything")
    elif free < LITTLE_ROOM:
        yield warning(found, "make room")
    else:
        yield ok(found)
