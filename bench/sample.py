"""The shipped course, its letters and readers, and ledgers full of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from course.compile import compile_course
from course.model import Edition
from course.segments import Values
from worker.clocks import SteadyClock
from worker.delivery import Courier
from worker.links import Links
from worker.model import Message, Outcome, Person, Provider, Verdict, never
from worker.store import Store, open_store

SAMPLE = Path(__file__).parents[1] / "course" / "samples" / "stay-motivated"
NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
KEY = "a-key-of-thirty-two-characters!!"


@cache
def edition() -> Edition:
    """Return the shipped course, compiled."""
    return compile_course(SAMPLE).edition


def values(number: int) -> Values:
    """Return the values of one copy."""
    return Values(
        name="Ada Lovelace",
        address=f"ada{number}@example.org",
        message_id=f"<{number:032x}@example.org>",
        date=NOW,
        view_url="https://letters.example.org/v/" + "a" * 30,
        unsubscribe_url="https://letters.example.org/u/" + "b" * 30,
        assets_url="https://letters.example.org/assets",
    )


class Nowhere:
    """A provider that accepts everything, so that only the ledger's cost is left."""

    reaches_people = False
    at_once = 1
    mixes = False
    keeps_copies = False

    def send(self, message: Message) -> Outcome:
        """Accept."""
        return Outcome(Verdict.ACCEPTED)

    def send_all(
        self, messages: Sequence[Message], stopping: Callable[[], bool] = never
    ) -> Sequence[Outcome]:
        """Accept all."""
        return [self.send(message) for message in messages]

    def forget(self, delivery_ids: Collection[str]) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is held."""


def enrolled(folder: Path, count: int, start: datetime | None = None) -> Store:
    """Return a store with ``count`` people whose welcome is due now, or on the day of ``start``."""
    store = open_store(f"sqlite:///{folder / 'bench.db'}")
    store.migrate()
    store.publish(edition(), NOW)
    day = start.date() if start else None
    people = [Person(f"person{n}@example.org", "Ada", start=day) for n in range(count)]
    course = store.course(edition().course)
    for begin in range(0, count, 1000):
        store.enroll(course, people[begin : begin + 1000], NOW)
    return store


def courier(store: Store, provider: Provider, owner: str = "bench", window: int = 20) -> Courier:
    """Return a courier with the default window."""
    links = Links("https://letters.example.org", [KEY])
    return Courier(store, provider, links, SteadyClock(), owner, window=window)
