"""What a worker holds of memory, from its hundred thousandth letter to its millionth."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bench.installations import DAY, OVERDUE, settings
from bench.people import make_due, people, settle_down
from bench.programs import program, resident_bytes
from bench.servers import folder
from bench.sink import sink

LETTERS = 1_000_000
FROM = 0.1
"""Where the comparison begins, as a part of all letters."""

LOOK_EVERY = 0.5
TARGET = 1.1


@dataclass(frozen=True)
class Growth:
    """A worker's memory over its letters.

    Attributes:
        curve: pairs of letters sent and bytes held by then.
        seconds: from the first letter to the last.
        whole: whether it came to the end of its letters before its time was over.
    """

    letters: int
    seconds: float
    whole: bool
    curve: Sequence[tuple[int, int]] = field(repr=False)

    @property
    def ratio(self) -> float:
        """Bytes at the end as a multiple of those after a tenth of the letters."""
        start = next(held for sent, held in self.curve if sent >= FROM * self.letters)
        return max(held for sent, held in self.curve[-3:]) / start

    def report(self) -> str:
        """Return the row's line."""
        start = next((sent, held) for sent, held in self.curve if sent >= FROM * self.letters)
        sent, held = self.curve[-1]
        end = "" if self.whole else ", where its time was over"
        return (
            f"memory of lettercourse up: {start[1] / 1e6:.1f} MB after {start[0]:,} letters,"
            f" {held / 1e6:.1f} MB after {sent:,}{end}: {self.ratio:.3f} (at most {TARGET:g});"
            f" {sent / self.seconds:,.0f} letters/s"
        )


def growth(letters: int, at_most: float, *, plain_sink: bool = False) -> Growth:
    """Let ``lettercourse up`` send welcomes from SQLite, and watch what it holds.

    Args:
        letters: people who are due.
        at_most: seconds after which it is ended, wherever it is.
        plain_sink: send to our own sink.
    """
    with folder() as place, sink(plain=plain_sink) as server, ExitStack() as stack:
        (place / "data").mkdir()
        now = datetime.now(UTC)
        url = f"sqlite:///{place / 'data' / 'lettercourse.db'}"
        database = stack.enter_context(people(url, letters, now - DAY))
        make_due(database, now - OVERDUE)
        settle_down(database)
        command = (sys.executable, "-m", "worker", "up", "--port", "0")
        given = settings(place, server.port)
        with program(command, place / "up.log", given) as up:
            until, curve = time.monotonic() + at_most, [(0, 0)]
            while server.taken < letters and time.monotonic() < until:
                assert not up.has_failed(), up.output
                time.sleep(LOOK_EVERY)
                curve.append((server.taken, resident_bytes(up.pid)))
            curve.append((server.taken, resident_bytes(up.pid)))
            whole = server.taken == letters
        return Growth(letters, server.curve[-1][0] - server.curve[1][0], whole, curve)
