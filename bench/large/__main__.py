"""``python -m bench.large``: what only shows at size; minutes, and some gigabytes of disk."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from bench.large import due, lists, memory
from bench.measure import Size, Subject, measure_all
from bench.plots import memories
from bench.writing import RESULTS, write

SUBJECTS: dict[str, tuple[Subject, ...]] = {
    "due": (due.on_sqlite, due.on_postgresql),
    "lists": (lists.on_sqlite, lists.on_postgresql),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.large", description=__doc__)
    choices = (*SUBJECTS, "memory")
    parser.add_argument("--only", choices=choices, action="append", help="not all of them")
    parser.add_argument("--share", type=float, default=1.0, help="of the usual counts")
    parser.add_argument("--rounds", type=int, default=3, help="of a claim; of the rest it is one")
    parser.add_argument("--minutes", type=float, default=10.0, help="at most, for the memory")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for JSON and plots")
    asked = parser.parse_args()
    wanted = asked.only or choices
    rows = []
    for name, subjects in SUBJECTS.items():
        if name in wanted:
            rounds = asked.rounds if name == "due" else 1
            rows += measure_all(subjects, Size(asked.share, rounds))
    more = {}
    if "memory" in wanted:
        grown = memory.growth(Size(asked.share).of(memory.LETTERS), 60 * asked.minutes)
        print(grown.report())
        memories(grown.curve, asked.out / "large-memory.svg")
        more["memory"] = asdict(grown) | {"ratio": grown.ratio, "target": memory.TARGET}
    write("large", rows, asked.out, more)


if __name__ == "__main__":
    main()
