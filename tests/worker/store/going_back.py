"""An installation that can be put back in time: its database, its hosts' journals, and a sink."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.worker.ledger import HandClock, Mailbox, World, edition
from worker.journal import Place
from worker.keeping.restoring import restore
from worker.pseudonyms import Pseudonyms
from worker.store import Store, open_store
from worker.store.copying import quietly
from worker.store.engine import open_database

KEYS = ["a secret of at least sixteen bytes"]
SECOND = timedelta(seconds=1)


@dataclass
class House:
    """A database that several hosts use, one sink, one clock.

    Every use of the ledger takes a second, so that no two hand-overs have one instant.
    """

    url: str
    folder: Path
    clock: HandClock = field(default_factory=HandClock)
    mailbox: Mailbox = field(default_factory=Mailbox)
    hosts: dict[str, Store] = field(default_factory=dict)
    backups: int = 0

    def __post_init__(self) -> None:
        self["h1"].migrate()
        self["h1"].publish(edition(), self.clock.now())

    def __getitem__(self, host: str) -> Store:
        """Return a host's store: one process that is at work there."""
        if host not in self.hosts:
            place = Place(self.folder / f"journal-{host}", host)
            self.hosts[host] = open_store(self.url, Pseudonyms(KEYS), place)
        return self.hosts[host]

    def world(self, host: str = "h1") -> World:
        return World(self[host], self.clock, self.mailbox)

    def tick(self, host: str = "h1") -> None:
        """Deliver what is due, as a process that has just been started there does."""
        self.clock.advance(SECOND)
        self[host].look_at_journal(self.clock.now())
        self.world(host).tick()

    def back_up(self) -> Path:
        self.backups += 1
        file = self.folder / f"backup-{self.backups}.db"
        self["h1"].back_up(file, "", self.clock.now())
        return file

    def put_back(self, file: Path) -> None:
        """Put a backup in the database's place; every process was stopped before."""
        self.stop()
        self.clock.advance(SECOND)
        restore(open_database(self.url), self.folder, file, self.clock.now(), quietly, force=False)

    def stop(self) -> None:
        """End every process."""
        for store in self.hosts.values():
            store.close()
        self.hosts.clear()

    def reconcile(self, host: str = "h1") -> None:
        self.clock.advance(SECOND)
        self[host].reconcile(self.clock.now())

    def deliver_everything(self, host: str = "h1") -> None:
        """Let every course go to its end."""
        while (due_at := self[host].next_due_at()) is not None:
            self.clock.advance(max(due_at - self.clock.at, timedelta()))
            self.tick(host)

    def came(self) -> list[tuple[str, str]]:
        """Return who got which letter, every copy."""
        return [
            (each.recipient, each.mime.split(b"Subject: ")[1].split(b"\r\n")[0].decode())
            for each in self.mailbox.messages
        ]
