"""Looking for what is due and claiming it, beside ten million people who are not due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from bench.measure import Case, Run, Size, timed
from bench.people import make_due, people, settle_down, welcome
from bench.sample import NOW
from bench.servers import folder, postgresql
from worker.model import Moment
from worker.store import Store, open_store

SMALL, LARGE = 10_000, 10_000_000
DUE = 1000
DAY = timedelta(days=1)
LEASE = timedelta(seconds=30)
HISTORY = 10
"""Every so-manyth person has had a welcome, and everybody whose turn comes."""

WAYS = ("together", "apart")
"""How those lie who are due on a day: as a list was enrolled, or evenly among all others."""

TARGET = 1 / 1.5


class Ledger:
    """A database of so many people; each day a thousand others are due."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.moment = Moment(NOW, NOW)

    def claim(self) -> Run:
        """Look for what is due on the next day, and claim all of it at once, on disk."""
        self.moment = Moment(self.moment.now + DAY, self.moment.wall + DAY)

        def claim() -> None:
            assert self.store.due_count(self.moment.now, DUE) == DUE
            claimed = self.store.claim("bench", self.moment, LEASE, DUE)
            assert len(claimed) == DUE, len(claimed)

        return timed(DUE, claim)


@contextmanager
def ledger(url: str, count: int, days: int) -> Iterator[Ledger]:
    """Make a database of so many people, with so many days for each of the ways they lie."""
    half = count // 2
    room = half // (DUE * days)
    every = min(HISTORY, room)
    step = room // every * every
    together = [range(half + 1 + DUE * day, half + 1 + DUE * (day + 1)) for day in range(days)]
    apart = [range(step * (day + 1), half + 1, step * days)[:DUE] for day in range(days)]
    with people(url, count, NOW - DAY) as database:
        welcome(database, NOW - DAY, every, range(half + 1, half + 1 + DUE * days))
        for number, ids in enumerate((*together, *apart), 1):
            make_due(database, NOW + number * DAY, ids)
        settle_down(database)
    store = open_store(url)
    try:
        yield Ledger(store)
    finally:
        store.close()


def on_sqlite(size: Size) -> Iterator[Case]:
    """SQLite: a file for each size."""
    with folder() as place:
        yield from cases("SQLite", size, (f"sqlite:///{place}/{n}.db" for n in range(2)))


def on_postgresql(size: Size) -> Iterator[Case]:
    """PostgreSQL: a database for each size in one server."""
    with folder() as place, postgresql(place) as server:
        yield from cases("PostgreSQL", size, (server.url(server.create()) for _ in range(2)))


def cases(database: str, size: Size, urls: Iterable[str]) -> Iterator[Case]:
    """Yield a row for each way; a first day of each warms both sides up."""
    days = size.rounds + 1
    few = max(SMALL, 2 * DUE * days)
    counts = few, size.of(LARGE, least=2 * few)
    with ExitStack() as stack:
        small, large = (
            stack.enter_context(ledger(url, count, days))
            for url, count in zip(urls, counts, strict=True)
        )
        for way in WAYS:
            small.claim()
            large.claim()
            yield Case(
                f"claim {DUE:,} of {counts[1]:,} {way}, {database}",
                "letters/s",
                large.claim,
                f"letters/s of {few:,}",
                small.claim,
                TARGET,
            )
