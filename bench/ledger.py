"""What the ledger costs a letter, step by step, on both databases: ``python -m bench.ledger``.

Processor time is this process's; on PostgreSQL the server's own is told beside it. Nothing is sent.
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.sample import NOW, Nowhere, courier, edition
from bench.servers import folder, postgresql
from worker.delivery import tick
from worker.model import Person
from worker.store import Store, open_store

STEPS = ("claim", "gate", "settle")


class Timed:
    """A store whose steps are timed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.seconds: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return self._timed(name, method) if name in STEPS else method

    def _timed(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            wall, processor = time.perf_counter(), time.thread_time()
            try:
                return method(*arguments)
            finally:
                former = self.seconds[name]
                self.seconds[name] = (
                    former[0] + time.perf_counter() - wall,
                    former[1] + time.thread_time() - processor,
                )

        return timed


def enrolled(url: str, count: int) -> Store:
    """Return a store with so many people whose welcome is due."""
    store = open_store(url)
    store.migrate()
    store.publish(edition(), NOW)
    course = store.course(edition().course)
    people = [Person(f"person{number}@example.org", "Ada") for number in range(count)]
    for begin in range(0, count, 1000):
        store.enroll(course, people[begin : begin + 1000], NOW)
    return store


def measure(kind: str, store: Store, count: int, server: Callable[[], float]) -> None:
    """Deliver everything, and print what each step cost a letter."""
    timed: Any = Timed(store)
    wall, processor, served = time.perf_counter(), time.process_time(), server()
    assert tick(courier(timed, Nowhere())).sent == count
    rows = {"all": (time.perf_counter() - wall, time.process_time() - processor)} | timed.seconds
    for name, (elapsed, busy) in rows.items():
        print(
            f"{kind:<12}{name:<8}{elapsed / count * 1e6:>8.0f} us{busy / count * 1e6:>8.0f} us busy"
        )
    if served := server() - served:
        print(f"{kind:<12}{'server':<8}{'':>11}{served / count * 1e6:>8.0f} us busy")


def busy(postmaster: int) -> float:
    """Return the seconds of processor that a server's processes have had so far."""
    ticks = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            numbers = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if postmaster in (int(entry.parent.name), int(numbers[1])):
            ticks += int(numbers[11]) + int(numbers[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main(count: int) -> None:
    """Measure both databases."""
    with folder() as place:
        store = enrolled(f"sqlite:///{place}/bench.db", count)
        measure("sqlite", store, count, lambda: 0.0)
        store.close()
        with postgresql(place) as server:
            store = enrolled(server.url(server.create()), count)
            measure("postgresql", store, count, lambda: busy(server.pid))
            store.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
