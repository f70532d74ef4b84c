"""One running installation: the settings' parts put together, and which instant it goes by."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from course.errors import LettercourseError
from worker.delivery import Courier
from worker.errors import Refused
from worker.inbound import MailReader
from worker.links import Links
from worker.model import Clock, Provider
from worker.providers import open_provider
from worker.pseudonyms import Pseudonyms
from worker.receiving import Receiver
from worker.settings import Settings
from worker.store import Store, open_store

_KEY_BYTES = 32


class SystemClock:
    """The machine's own clocks; calendar and wall are one."""

    def now(self) -> datetime:
        """Return the calendar's instant."""
        return datetime.now(UTC)

    def wall(self) -> datetime:
        """Return the machine's instant."""
        return datetime.now(UTC)

    def boot(self) -> float:
        """Return seconds since boot, sleep included where the system counts it."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class RehearsedClock:
    """A clock whose calendar never falls behind what a rehearsal has already lived through."""

    clock: Clock
    rehearsed_at: datetime

    def now(self) -> datetime:
        """Return the later of the calendar's instant and the rehearsal's."""
        return max(self.clock.now(), self.rehearsed_at)

    def wall(self) -> datetime:
        """Return the machine's instant."""
        return self.clock.wall()

    def boot(self) -> float:
        """Return seconds since some fixed moment of this boot."""
        return self.clock.boot()


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything that a door needs.

    Attributes:
        clock: as given; what has been rehearsed is added by :meth:`calendar`.
        force: whether a rehearsed database may be used as if it were none.
        reader: what understands mail; it starts a process with the first one.
    """

    settings: Settings
    store: Store
    provider: Provider
    links: Links
    pseudonyms: Pseudonyms
    clock: Clock
    force: bool = False
    reader: MailReader = field(default_factory=MailReader)

    def calendar(self) -> Clock:
        """Return the clock to work by: never behind a rehearsal of this database."""
        rehearsed_at = self.store.rehearsed_at()
        return self.clock if rehearsed_at is None else RehearsedClock(self.clock, rehearsed_at)

    def now(self) -> datetime:
        """Return the calendar's instant."""
        return self.calendar().now()

    def courier(self, stopping: Callable[[], bool] = lambda: False) -> Courier:
        """Return what delivers letters, as an owner of its own.

        Raises:
            Refused: the database was rehearsed and the provider reaches people.
        """
        if self.provider.reaches_people:
            self.refuse_rehearsed()
        return Courier(
            store=self.store,
            provider=self.provider,
            links=self.links,
            clock=self.calendar(),
            owner=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
            window=max(self.settings.send_window, self.provider.at_once),
            stopping=stopping,
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
        clock: the machine's by default.
        force: go on although the database was rehearsed.

    Raises:
        LettercourseError: the data folder, the database or a setting cannot be used.
    """
    _make_folder(settings.data_dir)
    clock = clock or SystemClock()
    provider = open_provider(settings, clock.wall)
    keys = settings.secret_keys or (_own_key(settings.data_dir),)
    links = Links(settings.public_url, keys, settings.reply_domain)
    pseudonyms = Pseudonyms(keys)
    store = open_store(settings.database_url, pseudonyms)
    try:
        _bring_up_to_date(store, settings)
    except BaseException:
        store.close()
        raise
    return Installation(settings, store, provider, links, pseudonyms, clock, force)


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


def _bring_up_to_date(store: Store, settings: Settings) -> None:
    """Make or migrate a SQLite file, one process at a time; its first opening is no read."""
    if settings.database_url.startswith("sqlite"):
        with FileLock(settings.data_dir / "migrate.lock"):
            if not store.schema_is_current():
                store.migrate()
    elif not store.schema_is_current():
        raise Refused(
            "the database's tables are not those of this version",
            where="LETTERCOURSE_DATABASE_URL",
            remedy="run lettercourse migrate",
        )


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
