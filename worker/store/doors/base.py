"""What every door of the store stands on."""

from __future__ import annotations

from worker.journal import Place
from worker.pseudonyms import Pseudonyms
from worker.store import (
    editions,
    installation,
)
from worker.store.engine import Database
from worker.store.journaled import JournaledDatabase


class Door:
    """One installation's database, its journal and its shelf of editions."""

    def __init__(
        self,
        database: Database,
        pseudonyms: Pseudonyms | None = None,
        journal: Place | None = None,
    ) -> None:
        self._pseudonyms = pseudonyms or Pseudonyms()
        self._plain = self._database = database
        self._journaled: JournaledDatabase | None = None
        if journal is not None:
            self._journaled = JournaledDatabase(database, journal, self._pseudonyms.digests)
            self._database = self._journaled
        self._editions = editions.Editions()
        self._installation: str | None = None

    def close(self) -> None:
        """Close every connection; the store may be used again afterwards."""
        self._database.close()

    def installation_id(self) -> str:
        """Return the random id made by the first migration; delivery ids derive from it."""
        if self._installation is None:
            with self._database.reading() as connection:
                self._installation = installation.installation_id(connection)
        return self._installation
