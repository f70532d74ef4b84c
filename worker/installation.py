"""One running installation: the settings' parts put together, and which instant it goes by."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock, Timeout

from course.errors import LettercourseError
from worker.clocks import READ_EVERY, RehearsedClock, SteadyClock, machine_time
from worker.delivery import Courier, unheard
from worker.errors import Refused
from worker.flow import open_flow
from worker.inbound import MailReader
from worker.journal import Place
from worker.links import Links
from worker.model import Clock, Flow, Moment, Provider, never
from worker.providers import open_provider
from worker.pseudonyms import Pseudonyms
from worker.pulse import Identity, Pulse
from worker.receiving import Receiver
from worker.settings import Settings
from worker.store import Store, open_store

_KEY_BYTES = 32
_MIGRATION_PATIENCE = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything that a door needs.

    Attributes:
        clock: as given; what has been rehearsed is added by :meth:`calendar`.
        flow: one for every courier of this process.
        force: whether a rehearsed database may be used as if it were none.
        reader: what understands mail; it starts a process with the first one.
    """

    settings: Settings
    store: Store
    provider: Provider
    links: Links
    pseudonyms: Pseudonyms
    clock: Clock
    flow: Flow
    force: bool = False
    reader: MailReader = field(default_factory=MailReader)

    def calendar(self) -> Clock:
        """Return the clock to work by: never behind a rehearsal of this database."""
        rehearsed_at = self.store.rehearsed_at()
        return self.clock if rehearsed_at is None else RehearsedClock(self.clock, rehearsed_at)

    def now(self) -> datetime:
        """Return the calendar's instant."""
        return self.calendar().now()

    def moment(self) -> Moment:
        """Read the calendar and the machine's clock."""
        clock = self.calendar()
        return Moment(clock.now(), clock.wall())

    def pulse(self) -> Pulse:
        """Return a pulse for this process, which no other process has."""
        host, pid = socket.gethostname(), os.getpid()
        return Pulse(
            Identity(
                name=f"{host}-{pid}-{secrets.token_hex(4)}",
                host=host,
                pid=pid,
                version=version("lettercourse"),
                started_at=self.clock.wall(),
            )
        )

    def courier(
        self,
        stopping: Callable[[], bool] = never,
        gated: Callable[[float], None] = unheard,
    ) -> Courier:
        """Return what delivers letters, as an owner of its own.

        Raises:
            Refused: the database was rehearsed and the provider reaches people, or it does not know
                what this host's journal knows.
        """
        if self.provider.reaches_people:
            self.refuse_rehearsed()
        self.look_at_journal()
        return Courier(
            store=self.store,
            provider=self.provider,
            links=self.links,
            clock=self.calendar(),
            owner=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
            window=max(self.settings.send_window, self.provider.at_once),
            flow=self.flow,
            stopping=stopping,
            gated=gated,
        )

    def receiver(self) -> Receiver:
        """Return what takes mail in."""
        return Receiver(self.store, self.links, self.reader, self.calendar())

    def rehearse(self, at: datetime) -> None:
        """Mark the database as one whose calendar is driven by hand.

        Raises:
            Refused: the provider reaches people, or ``at`` lies before a former rehearsal.
        """
        if self.provider.reaches_people and not self.force:
            raise Refused(
                f"a rehearsal does not go through {self.settings.provider}, which reaches people",
                where="LETTERCOURSE_PROVIDER",
                remedy="use maildir, or --force",
            )
        self.store.rehearse(at)

    def refuse_rehearsed(self) -> None:
        """Let only a database pass that lives by the real calendar.

        Raises:
            Refused: it was rehearsed, and nobody said ``--force``.
        """
        rehearsed_at = None if self.force else self.store.rehearsed_at()
        if rehearsed_at is not None:
            raise Refused(
                f"this database was rehearsed up to {rehearsed_at:%Y-%m-%d %H:%M} UTC",
                where=str(self.settings.data_dir),
                remedy="use another LETTERCOURSE_DATA_DIR for real people, or --force",
            )

    def look_at_journal(self) -> None:
        """Let only a database pass that knows all that this host's journal knows.

        Raises:
            Refused: it went back in time, was restored, or moved away.
        """
        self.store.look_at_journal(self.clock.wall())

    def close(self) -> None:
        """Let go of connections and files."""
        self.reader.close()
        self.provider.close()
        self.store.close()


def open_installation(
    settings: Settings, clock: Clock | None = None, *, force: bool = False
) -> Installation:
    """Put the parts together; a SQLite database is made and brought up to date on the way.

    Args:
        settings: validated.
        clock: by default the one that everybody who uses this database shares.
        force: go on although the database was rehearsed.

    Raises:
        LettercourseError: the data folder, the database or a setting cannot be used.
    """
    _make_folder(settings.data_dir)
    provider = open_provider(settings, machine_time)
    keys = settings.secret_keys or (_own_key(settings.data_dir),)
    links = Links(settings.public_url, keys, settings.reply_domain)
    pseudonyms = Pseudonyms(keys)
    place = Place(settings.journal_dir, socket.gethostname())
    store = open_store(settings.database_url, pseudonyms, place)
    try:
        _bring_up_to_date(store, settings)
        clock = clock or shared_clock(store)
    except BaseException:
        store.close()
        raise
    flow = open_flow(settings, clock.boot)
    return Installation(settings, store, provider, links, pseudonyms, clock, flow, force)


def shared_clock(store: Store) -> SteadyClock:
    """Return the database's clock where it keeps one, so that all workers share it.

    Raises:
        DatabaseFault: the database is away.
    """
    if store.clock() is None:
        return SteadyClock()
    return SteadyClock(lambda: store.clock() or machine_time(), every=READ_EVERY)


@contextlib.contextmanager
def sole_occupant(settings: Settings) -> Iterator[None]:
    """Hold the data folder's lock, which ``up`` alone takes.

    Raises:
        Refused: another ``up`` holds it.
    """
    _make_folder(settings.data_dir)
    lock = FileLock(settings.data_dir / "up.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise Refused(
            "another lettercourse up runs on this data folder",
            where=str(settings.data_dir),
            remedy="stop it first; every other command works beside it",
        ) from None
    try:
        yield
    finally:
        lock.release()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        usable = os.access(folder, os.W_OK | os.X_OK)
        reason = "it is not writable"
    except OSError as fault:
        usable, reason = False, fault.strerror or type(fault).__name__
    if not usable:
        raise LettercourseError(
            f"the data folder cannot be used: {reason}",
            where=str(folder),
            remedy="set LETTERCOURSE_DATA_DIR to a folder that you may write to",
        )


def migrate(settings: Settings) -> None:
    """Bring the database to this version's form; again without effect.

    Raises:
        LettercourseError: the data folder or the database cannot be used.
    """
    _make_folder(settings.data_dir)
    store = open_store(settings.database_url)
    try:
        with _one_migration(settings):
            store.migrate()
    finally:
        store.close()


@contextlib.contextmanager
def _one_migration(settings: Settings) -> Iterator[None]:
    """Be the only process on this machine that makes or migrates the database."""
    lock = settings.data_dir / "migrate.lock"
    try:
        with FileLock(lock, timeout=_MIGRATION_PATIENCE):
            yield
    except Timeout:
        raise Refused(
            "another process migrates the database for long", where=str(lock), remedy="try again"
        ) from None


def _bring_up_to_date(store: Store, settings: Settings) -> None:
    """Make or migrate a SQLite file, one process at a time; its first opening is no read."""
    if settings.database_url.startswith("sqlite"):
        with _one_migration(settings):
            if not store.schema_is_current():
                store.migrate()
    elif not store.schema_is_current():
        raise Refused(
            "the database's tables are not those of this version",
            where="LETTERCOURSE_DATABASE_URL",
            remedy="run lettercourse migrate",
        )


def kept_key(settings: Settings) -> str:
    """Return the key that the data folder keeps; empty where the settings name the keys."""
    return "" if settings.secret_keys else _own_key(settings.data_dir)


def _own_key(folder: Path) -> str:
    """Return the key that this data folder signs links with, made the first time."""
    path = folder / "secret_key"
    try:
        if not path.exists():
            _write_key(path)
        key = path.read_text("ascii").strip()
    except (OSError, ValueError) as fault:
        raise LettercourseError(
            f"the key that signs links cannot be read: {fault}",
            where=str(path),
            remedy="restore it from a backup, or set LETTERCOURSE_SECRET_KEYS",
        ) from None
    if len(key) < _KEY_BYTES:
        raise LettercourseError(
            "the key that signs links is cut off",
            where=str(path),
            remedy="restore it from a backup; a new one breaks every link in sent letters",
        )
    return key


def _write_key(path: Path) -> None:
    """Write a key whole or not at all; of two processes at once the first one's stays."""
    draft = path.with_name(f"secret_key.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
