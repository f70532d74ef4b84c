"""Two at once: actors that begin at a barrier, a hair apart, another one last each time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from worker.errors import Refused, UnknownSubscriber

Actor = Callable[[], Any]

APART = (-4, -1.5)
"""How many seconds the last one begins after the others, as powers of ten: from far less than a
transaction takes to far more, also on a busy machine."""


class Race:
    """Lets actors run against each other; each run begins them in another way."""

    def __init__(self, seed: int = 4) -> None:
        self._chance = random.Random(seed)
        self._threads = ThreadPoolExecutor(4)

    def __enter__(self) -> Race:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def run(self, *actors: Actor) -> list[Any]:
        """Return what the actors returned; a refusal is what its actor returned.

        Raises:
            Exception: whatever else one of them raised, a deadlock among it.
        """
        barrier = Barrier(len(actors))
        waits = [0.0] * len(actors)
        waits[self._chance.randrange(len(actors))] = 10 ** self._chance.uniform(*APART)

        def begin(actor: Actor, wait: float) -> Any:
            barrier.wait(10)
            time.sleep(wait)
            try:
                return actor()
            except (Refused, UnknownSubscriber) as refusal:
                return refusal

        begun = [
            self._threads.submit(begin, actor, wait)
            for actor, wait in zip(actors, waits, strict=True)
        ]
        return [each.result(60) for each in begun]
