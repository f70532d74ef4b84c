"""What keeps an installation: its tables, its journals, its backups, and moving house."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from worker.errors import Refused
from worker.store import (
    agreeing,
    copying,
    installation,
    migrations,
    moving,
)
from worker.store.agreeing import JournalRecord
from worker.store.backups import Backup, write_backup
from worker.store.copying import Report, quietly
from worker.store.doors.base import Door
from worker.store.engine import Database
from worker.store.rebuilding import Reconciled


class Upkeep(Door):
    """What keeps an installation: its tables, its journals, its backups, and moving house."""

    def migrate(self) -> None:
        """Bring the database to the newest revision, made first if there is none."""
        self._plain.prepare()
        with self._plain.writing() as connection:
            migrations.upgrade(connection)
            installation.name_installation(connection)

    def schema_is_current(self) -> bool:
        """Tell whether the database is there and at the newest revision; makes none."""
        if not self._database.exists():
            return False
        with self._database.reading() as connection:
            return migrations.is_current(connection)

    def clock(self) -> datetime | None:
        """Return the database's own instant; ``None`` where it goes by this machine's."""
        return self._database.clock()

    def rehearsed_at(self) -> datetime | None:
        """Return the instant the calendar was last driven to; ``None`` if it never was."""
        with self._database.reading() as connection:
            return installation.rehearsed_at(connection)

    def rehearse(self, at: datetime) -> None:
        """Mark the database as rehearsed at ``at``.

        Raises:
            Refused: the calendar would go back.
        """
        with self._database.writing() as connection:
            installation.rehearse(connection, at)

    def look_at_journal(self, now: datetime) -> None:
        """Let only a database pass that knows all that this host's journal knows.

        Raises:
            Refused: it went back in time, moved away, or was restored and another host's journal
                has to be asked first.
        """
        if self._journaled is not None:
            self._journaled.look(now)

    def refuse_uncompared(self) -> None:
        """Let only a database pass that every known journal was compared with; changes nothing.

        Raises:
            Refused: one was not since the database was restored, or it moved to another one.
        """
        with self._database.reading() as connection:
            agreeing.refuse_uncompared(connection)

    def journals(self) -> list[JournalRecord]:
        """Return every host's journal that the database knows."""
        with self._database.reading() as connection:
            return agreeing.journal_records(connection)

    def reconcile(
        self, now: datetime, without: Sequence[str] = (), *, force: bool = False
    ) -> Reconciled:
        """Rebuild what this host's journal knows and the database does not; again: no effect.

        Args:
            now: the calendar's instant.
            without: hosts whose journals are lost; they are asked no more.
            force: go on where lines of the journal cannot be read, or letters not be found.

        Raises:
            Refused: something could not be rebuilt; nothing was changed.
        """
        if self._journaled is None:
            raise Refused("there is no journal to reconcile with")
        found = self._journaled.reconcile(self._editions, now, without, force=force)
        self._installation = None  # a wiped database took the journal's
        return found

    def back_up(
        self, file: Path, secret_key: str, now: datetime, report: Report = quietly
    ) -> Backup:
        """Copy the database as it is at one moment into a new SQLite file.

        Raises:
            DatabaseFault: the disk is full, or the copy is not whole.
        """
        return write_backup(self._plain, file, secret_key, now, report)

    def refuse_target(self, target: Database) -> None:
        """Let only an empty database be moved to, and only the one that a move was begun to.

        Raises:
            Refused: it is another one.
        """
        with self._plain.reading() as connection:
            begun = moving.moves_to(connection)
        if begun not in (None, target.where):
            raise Refused(
                f"a move to {begun} was begun", remedy="give it up with: lettercourse copy --cancel"
            )
        if not target.exists():
            return
        with target.reading() as connection:
            empty = copying.is_empty(connection)
        if not empty:
            raise Refused("the database is not empty", where=target.where, remedy="name a new one")

    def stop_gates(self, where: str) -> None:
        """Let nobody hand anything over any more: the installation moves."""
        with self._plain.writing() as connection:
            moving.stop_gates(connection, where)

    def is_under_way(self, wall: datetime) -> bool:
        """Tell whether somebody may still settle what was handed over."""
        with self._plain.reading() as connection:
            return moving.is_under_way(connection, wall)

    def stop_writers(self, where: str) -> str:
        """Let nobody write any more; return a token for :meth:`writers_are_done`."""
        with self._plain.writing() as connection:
            return moving.stop_writers(connection, where)

    def writers_are_done(self, since: str) -> bool:
        """Tell whether every transaction that began before has ended."""
        with self._plain.reading() as connection:
            return moving.are_done(connection, since)

    def copy_into(self, target: Database, report: Report = quietly) -> int:
        """Copy everything into an empty database, which may send then; return how many rows.

        Raises:
            Refused: not all of it arrived; the target stays empty.
        """
        target.prepare()
        with self._plain.reading() as source, target.writing() as connection:
            migrations.upgrade(connection)
            copying.clear(connection)
            rows = copying.copy_rows(source, connection, report)
            moving.go_on(connection)
        return rows

    def go_on(self) -> None:
        """Let a database that was to be moved be used again."""
        with self._plain.writing() as connection:
            moving.go_on(connection)
