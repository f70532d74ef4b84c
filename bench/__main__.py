"""``python -m bench``: the table, and what is written beside it."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import compiling, delivery, enrollments, letters, providers, replies, web
from bench.measure import Size, Subject, measure_all
from bench.writing import RESULTS, write

SUBJECTS: tuple[Subject, ...] = (
    delivery.embedded,
    delivery.scaled,
    delivery.far_away,
    letters.filling,
    compiling.compiling,
    providers.delivering,
    providers.through_sendgrid,
    enrollments.looking,
    enrollments.enrolling,
    web.hearing,
    replies.reading,
    replies.enduring,
    web.answering,
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the usual counts")
    parser.add_argument("--rounds", type=int, default=3, help="of both sides in turn")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for JSON and plots")
    asked = parser.parse_args()
    write("bench", measure_all(SUBJECTS, Size(asked.share, asked.rounds)), asked.out)


if __name__ == "__main__":
    main()
