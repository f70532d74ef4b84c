"""A database whose hand-overs and departures stand in this host's journal too.

What a transaction noted (:mod:`worker.store.outside`) is written there after its commit and before
it is left, so that no letter's first byte and no answer to a departure comes before it. A gate
besides looks, in its own transaction, whether this is still the database that was compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

from sqlalchemy import ColumnElement, Connection, Engine, Text, cast, func, literal, select

from worker.errors import Refused
from worker.journal import Journal, Place, open_journal
from worker.pseudonyms import Digests
from worker.store.agreeing import (
    WentBack,
    agree,
    agreed_of,
    compare,
    is_compared,
    journal_records,
    meet_others,
    others_forgotten,
    refuse_uncompared,
    register,
    renew_generation,
    take_others_up,
    write_off,
)
from worker.store.editions import Editions
from worker.store.engine import Database
from worker.store.installation import GENERATION, MOVED, installation_id
from worker.store.noting import taking_notes
from worker.store.outside import entries_of
from worker.store.prepared import Prepared
from worker.store.rebuilding import Reconciled, adopt, rebuild
from worker.store.schema import attempts, journals, meta

LOOK_EVERY = 1024 * 1024
"""Bytes that a process writes before it looks back, so that the next start has little to read."""


class JournaledDatabase:
    """Adds a journal to a database; may be shared by threads, not by forks.

    Args:
        database: where the rows are.
        place: where this host's journal lies; it is begun when there is something to write.
        digests: keyed hashes of an address, the newest key's first.
    """

    def __init__(self, database: Database, place: Place, digests: Digests) -> None:
        self.plain = database
        self.where = database.where
        self.engine: Engine = database.engine
        self._place = place
        self._digests = digests
        self._lock = Lock()
        self._looking = Lock()
        self._journal: Journal | None = None
        self._is_registered = False
        self._seen: _Seen | None = None
        self._newest = 0
        self._looked_at = 0

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Write in one transaction; what it noted stands outside on return.

        Raises:
            Refused: it hands letters over, and the database is not the one that was compared; or
                the installation was moved away. The transaction was undone.
            JournalFault: it was committed, but the journal could not be written.
        """
        newest = self._newest
        try:
            with self.plain.writing() as connection:
                with taking_notes(connection) as notes:
                    yield connection
                gates, others = entries_of(connection, notes, self._digest)
                entries = [*gates, *others]
                seen = self._pulse(connection)
                journal = self._known(connection, entries[0].at) if entries else None
                if journal and gates:
                    is_newer = min(gate.attempt for gate in gates) > newest
                    self._refuse_another(connection, journal, seen, is_newer=is_newer)
                    if journal.owes:
                        journal.append(())  # a disk that is still full stops the gate itself
        except WentBack:
            self._alarm()
            raise
        if journal:
            self._is_registered = True
            journal.append(entries)
            self._newest = max([self._newest, *(gate.attempt for gate in gates)])
            self._look_again(journal)

    def look(self, now: datetime) -> None:
        """Compare this host's journal with the database, once; remember that they agree.

        Raises:
            Refused: the database went back in time, or another host's journal has to be asked.
        """
        if self._seen is not None:
            return  # from now on every gate looks
        journal = self.journal(now)
        self._compare(journal)
        with self.plain.reading() as connection:
            refuse_uncompared(connection)
            meet_others(connection, journal)
            self._newest = connection.scalar(select(func.max(attempts.c.id))) or 0
            self._seen = self._pulse(connection)

    def reconcile(
        self, shelf: Editions, now: datetime, without: Sequence[str], *, force: bool
    ) -> Reconciled:
        """Rebuild what this host's journal knows and the database does not.

        A database that nobody had found out about gets another generation: then every journal that
        it knows has to be asked.

        Raises:
            Refused: something cannot be rebuilt; nothing was changed.
        """
        with self.plain.writing() as connection:
            journal = open_journal(self._place, installation_id(connection))
            adopt(connection, journal)
            register(connection, journal, now)
            forgotten = bool(others_forgotten(connection, journal))
            take_others_up(connection, journal, now)
            found, end = rebuild(connection, shelf, journal, self._digests, now, force=force)
            if (found.changed or forgotten) and is_compared(connection, journal):
                renew_generation(connection)
            agree(connection, journal, end)
            for host in without:
                write_off(connection, host, journal)
            waiting = [each.host for each in journal_records(connection) if not each.is_compared]
        self._seen = None
        return replace(found, waiting=tuple(waiting))

    def journal(self, now: datetime) -> Journal:
        """Return this host's journal, which the database knows from now on.

        Raises:
            Refused: it is another installation's.
        """
        with self.plain.writing() as connection:
            journal = self._known(connection, now)
        self._is_registered = True
        return journal

    def reading(self) -> AbstractContextManager[Connection]:
        """Hold one snapshot; takes no write lock."""
        return self.plain.reading()

    def exists(self) -> bool:
        """Tell whether there is a database to read; makes none."""
        return self.plain.exists()

    def prepare(self) -> None:
        """Make room for the database, before its first revision."""
        self.plain.prepare()

    def clock(self) -> datetime | None:
        """Return the database's own instant; ``None`` where it goes by this machine's."""
        return self.plain.clock()

    def file(self) -> str:
        """Return which file this is; empty where it is none."""
        return self.plain.file()

    def scrub(self) -> None:
        """Write anew what was deleted from, so that no byte of it is left."""
        self.plain.scrub()

    def close(self) -> None:
        """Close every connection and the journal; both may be used again afterwards."""
        self.plain.close()
        if self._journal is not None:
            self._journal.close()

    def _digest(self, address: str) -> str:
        return next(iter(self._digests(address)), "")

    def _known(self, connection: Connection, at: datetime) -> Journal:
        """Return the journal, opened and on record."""
        with self._lock:
            if self._journal is None:
                self._journal = open_journal(self._place, installation_id(connection))
        if not self._is_registered:
            register(connection, self._journal, at)
        return self._journal

    def _pulse(self, connection: Connection) -> _Seen:
        """Return what this database is at this moment.

        Raises:
            Refused: the installation was moved away.
        """
        known = {row.name: row for row in _PULSE[connection.dialect.name](connection)}
        if MOVED in known:
            refuse_uncompared(connection)
        row = known[GENERATION]
        return _Seen(row.value, row.server, row.journals, self.plain.file())

    def _refuse_another(
        self, connection: Connection, journal: Journal, seen: _Seen, *, is_newer: bool
    ) -> None:
        """Undo a gate in a database that is not the one that was compared.

        A server that was started again is compared anew, in the transaction itself: it may be
        another one that took over with less.
        """
        if self._seen is not None and seen.file != self._seen.file:
            raise Refused("the file was replaced while in use", where=self.where, remedy=_RESTART)
        if self._seen is not None and seen.generation != self._seen.generation:
            refuse_uncompared(connection)
            raise Refused(
                "the database was restored while in use", where=self.where, remedy=_RESTART
            )
        if self._seen is None or seen.server != self._seen.server or not is_newer:
            since, up_to = agreed_of(connection, journal), journal.end()
            end = compare(connection, journal, since, up_to, self._digests)
            agree(connection, journal, end)
            refuse_uncompared(connection)
            meet_others(connection, journal)
            self._seen = seen
        elif seen.journals != self._seen.journals:
            meet_others(connection, journal)
            self._seen = seen

    def _compare(self, journal: Journal) -> None:
        up_to = journal.end()
        try:
            with self.plain.reading() as connection:
                since = agreed_of(connection, journal)
                end = compare(connection, journal, since, up_to, self._digests)
        except WentBack:
            self._alarm()
            raise
        with self.plain.writing() as connection:
            agree(connection, journal, end)
        self._looked_at = journal.appended

    def _look_again(self, journal: Journal) -> None:
        """Compare what was written since the last time, when it has become much."""
        grown = journal.appended - self._looked_at
        if grown > LOOK_EVERY and self._looking.acquire(blocking=False):
            try:
                self._compare(journal)
            finally:
                self._looking.release()

    def _alarm(self) -> None:
        """Let nobody send until this host's journal was reconciled: it knows better."""
        with self.plain.writing() as connection:
            if self._journal is not None and is_compared(connection, self._journal):
                renew_generation(connection)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What tells a database from one that was put in its place.

    Attributes:
        generation: changes with every restore.
        server: changes when a server is started; empty without one.
        journals: how many the database knows.
        file: which file it is; empty where it is none.
    """

    generation: str
    server: str
    journals: int
    file: str


_RESTART = "start this process again"


def _pulse_of(server: ColumnElement[str]) -> Prepared:
    known = select(func.count()).select_from(journals).scalar_subquery().label("journals")
    return Prepared(
        select(meta.c.name, meta.c.value, server.label("server"), known).where(
            (meta.c.name == GENERATION) | (meta.c.name == MOVED)
        )
    )


_PULSE = {
    "sqlite": _pulse_of(literal("", Text)),
    "postgresql": _pulse_of(cast(func.pg_postmaster_start_time(), Text)),
}
