"""``python -m bench.peers``: ours on PostgreSQL and Redis beside the usual stacks."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from bench import installations
from bench.measure import Case, Size, measure_all
from bench.peers import bullmq, django_post_office
from bench.servers import folder, servers
from bench.sink import sink
from bench.writing import RESULTS, write

PEERS = {
    "django-post-office": django_post_office.deliver,
    "nodemailer + BullMQ": bullmq.deliver,
}
LETTERS = 5000
THEIRS = 1500
TARGET = 8.0


def beside(size: Size) -> Iterator[Case]:
    """Two workers of ours against two processes of each."""
    with folder() as place, servers(place) as around, sink() as server:
        ours, theirs = size.of(LETTERS), size.of(THEIRS)
        for name, deliver in PEERS.items():
            yield Case(
                "PostgreSQL + Redis, 2 workers",
                "letters/s",
                lambda: installations.scaled(around, server, server.port, ours),
                f"by {name}/s",
                lambda deliver=deliver: deliver(around, server, theirs),  # type: ignore[misc]
                TARGET,
            )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the usual counts")
    parser.add_argument("--rounds", type=int, default=3, help="of both sides in turn")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for JSON and plots")
    asked = parser.parse_args()
    write("peers", measure_all([beside], Size(asked.share, asked.rounds)), asked.out)


if __name__ == "__main__":
    main()
