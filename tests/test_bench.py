"""The bench still measures what it says, at its smallest; how fast that is, is not asserted."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path

import pytest

import bench
from bench import delivery
from bench.__main__ import SUBJECTS
from bench.large import due, lists, memory
from bench.measure import Case, Row, Run, Size, Subject, measure, measure_all
from bench.passage import bare
from bench.plots import memories
from bench.servers import far
from bench.sink import sink
from bench.writing import write

SMALLEST = Size(share=0.002, rounds=1, plain_sink=True)
LARGE_SMALLEST = Size(share=0.0002, rounds=1, plain_sink=True)
# The one left out is two of the others, over what a_far_away_sink tries alone.
QUICK = tuple(subject for subject in SUBJECTS if subject is not delivery.far_away)


def test_every_module_of_the_bench_can_be_imported() -> None:
    found = [each.name for each in pkgutil.walk_packages(bench.__path__, "bench.")]
    # What belongs to Django's project runs in an environment of its own.
    names = [name for name in found if not name.startswith("bench.peers.django_post_office.")]
    assert {"bench.peers.bullmq", "bench.peers.django_post_office", "bench.large.due"} < set(names)
    for name in names:
        importlib.import_module(name)


@pytest.mark.parametrize("subject", QUICK, ids=lambda subject: subject.__name__)
def test_a_subject_measures_both_sides_of_every_row(subject: Subject) -> None:
    rows = measure_all([subject], SMALLEST)
    assert rows
    assert all(row.ours.rate > 0 and row.other.rate > 0 for row in rows)


@pytest.mark.parametrize("subject", [due.on_sqlite, lists.on_sqlite], ids=["due", "lists"])
def test_what_is_for_large_sizes_measures_small_ones_too(subject: Subject) -> None:
    rows = measure_all([subject], LARGE_SMALLEST)
    assert rows
    assert all(row.ratio > 0 for row in rows)


def test_a_far_away_sink_takes_a_round_trip_a_letter(tmp_path: Path) -> None:
    with sink(plain=True) as server, far(server.port, 50.0, tmp_path) as port:
        run = bare(server, port, 1, 2, 5, delivery.a_letter())
    assert run.connections == 2
    # One of them carries three letters; from its first to its last are two round trips.
    assert run.seconds > 0.075


def test_a_worker_is_watched_over_its_letters(tmp_path: Path) -> None:
    growth = memory.growth(50, 60.0, plain_sink=True)
    assert growth.whole
    assert growth.curve[-1][0] == 50
    assert growth.curve[-1][1] > 10_000_000
    memories(growth.curve, tmp_path / "memory.svg")
    assert "letters sent" in (tmp_path / "memory.svg").read_text()


def test_the_best_round_of_each_side_counts() -> None:
    ours, other = iter([2.0, 1.0, 4.0]), iter([0.5, 3.0, 2.0])
    case = Case(
        "walk", "steps/s", lambda: Run(8, next(ours)), "runs/s", lambda: Run(8, next(other))
    )
    assert measure(case, 3).ratio == 0.5


def test_numbers_and_plots_are_written(tmp_path: Path) -> None:
    def run(seconds: float) -> Run:
        return Run(8, seconds, 2, {"sink": 0.001}, ((0.0, 1), (seconds, 8)))

    case = Case("send", "letters/s", lambda: run(2.0), "by nobody/s", lambda: run(1.0), target=0.6)
    row = Row(case, case.ours(), case.other())
    write("small", [row], tmp_path / "results", {"more": 1})
    document = json.loads((tmp_path / "results" / "small.json").read_text())
    assert document["more"] == 1
    (written,) = document["rows"]
    assert (written["ratio"], written["target"]) == (0.5, 0.6)
    assert written["ours"]["rate"] == 4.0
    plots = {path.name for path in (tmp_path / "results").glob("*.svg")}
    assert plots == {f"small-{kind}.svg" for kind in ("ratios", "arrivals", "processors")}
    assert "0.5 (0.6)" in row.report()
