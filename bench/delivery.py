"""Letters from the ledger to a mail server, against bare clients to the same sink.

``python -m bench.delivery --quick`` measures only the embedded installation, in half a minute, and
prints where the processors' time goes; ``--scaled`` and ``--delay 20`` measure the others.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench import installations
from bench.measure import Case, Run, Size, measure
from bench.passage import bare
from bench.sample import edition, values
from bench.servers import Servers, far, folder, servers
from bench.sink import Sink, sink
from course.fill import fill_mime

LETTERS = 5000
FEWER = 1000
"""Letters where a round trip of :data:`AWAY` makes each of them slow."""

AWAY = 20.0
"""Milliseconds to a mail server that is not on this machine, and back."""

WINDOW, WIDE = 20, 100
"""Letters behind one gate: the setting's default, and one for those who would rather be fast."""

NEAR_TARGET = 0.6
AWAY_TARGET = 0.8


def embedded(size: Size) -> Iterator[Case]:
    """SQLite, one process."""
    with sink(plain=size.plain_sink) as server:
        yield on_sqlite("SQLite", server, server.port, size.of(LETTERS))
        yield on_sqlite("SQLite", server, server.port, size.of(LETTERS), window=WIDE)


def scaled(size: Size) -> Iterator[Case]:
    """PostgreSQL and Redis, two workers."""
    with folder() as place, servers(place) as around, sink(plain=size.plain_sink) as server:
        name, letters = "PostgreSQL + Redis", size.of(LETTERS)
        yield on_postgresql(name, around, server, server.port, letters)
        yield on_postgresql(name, around, server, server.port, letters, window=WIDE)


def far_away(size: Size) -> Iterator[Case]:
    """Both, with a mail server that is far away."""
    letters, away = size.of(FEWER), f"{AWAY:.0f} ms away"
    with (
        folder() as place,
        sink(plain=size.plain_sink) as server,
        far(server.port, AWAY, place) as port,
    ):
        yield on_sqlite(f"SQLite, {away}", server, port, letters, AWAY_TARGET)
        with servers(place) as around:
            name = f"PostgreSQL + Redis, {away}"
            yield on_postgresql(name, around, server, port, letters, AWAY_TARGET)


def on_sqlite(
    name: str,
    server: Sink,
    port: int,
    letters: int,
    target: float = NEAR_TARGET,
    window: int = WINDOW,
) -> Case:
    """Return the embedded installation's row: one process, and one client beside it."""
    last = Widest()

    def ours() -> Run:
        return last.note(installations.embedded(server, port, letters, SEND_WINDOW=str(window)))

    def floor() -> Run:
        return bare(server, port, 1, last.width, letters, a_letter())

    name = f"{name}, 1 process{_wide(window)}"
    return Case(name, "letters/s", ours, "by bare clients/s", floor, target)


def on_postgresql(
    name: str,
    around: Servers,
    server: Sink,
    port: int,
    letters: int,
    target: float = NEAR_TARGET,
    window: int = WINDOW,
) -> Case:
    """Return the row of two workers, and two clients beside them."""
    last = Widest()

    def ours() -> Run:
        return last.note(
            installations.scaled(around, server, port, letters, SEND_WINDOW=str(window))
        )

    def floor() -> Run:
        return bare(server, port, 2, last.width, letters, a_letter())

    name = f"{name}, 2 workers{_wide(window)}"
    return Case(name, "letters/s", ours, "by bare clients/s", floor, target)


def _wide(window: int) -> str:
    return "" if window == WINDOW else f", windows of {window}"


class Widest:
    """How many connections the last run had, so that its floor gets as many."""

    width = 1

    def note(self, run: Run) -> Run:
        """Remember and return ``run``."""
        self.width = run.connections
        return run


def a_letter() -> bytes:
    """Return the first lesson as one person gets it."""
    return fill_mime(edition().letters[1], values(0))


@contextmanager
def asked_for(asked: argparse.Namespace) -> Iterator[list[Case]]:
    """Yield the cases that were asked for on the command line."""
    with ExitStack() as stack:
        server = stack.enter_context(sink())
        place = stack.enter_context(folder())
        port = stack.enter_context(far(server.port, asked.delay, place)) if asked.delay else 0
        port = port or server.port
        cases = []
        if not asked.scaled:
            cases.append(on_sqlite("SQLite", server, port, asked.letters, window=asked.window))
        if asked.scaled or not asked.quick:
            around = stack.enter_context(servers(place))
            case = on_postgresql(
                "PostgreSQL + Redis", around, server, port, asked.letters, window=asked.window
            )
            cases.append(case)
        print(f"{asked.letters:,} letters of {len(a_letter()):,} bytes to {server.name}")
        yield cases


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.delivery")
    parser.add_argument("--quick", action="store_true", help="SQLite only, one round")
    parser.add_argument("--scaled", action="store_true", help="PostgreSQL and Redis only")
    parser.add_argument("--letters", type=int, default=LETTERS)
    parser.add_argument("--delay", type=float, default=0.0, help="round trip in milliseconds")
    parser.add_argument("--window", type=int, default=WINDOW, help="letters behind one gate")
    asked = parser.parse_args()
    with asked_for(asked) as cases:
        for case in cases:
            print(measure(case, 1 if asked.quick else 3).report(), flush=True)


if __name__ == "__main__":
    main()
