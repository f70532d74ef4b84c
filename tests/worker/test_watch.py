"""Whether letters go out, judged by what the ledger and the workers tell."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.worker.ledger import MONDAY
from worker.model import GateTimes, Heartbeat, Lag, Moment, VitalSigns
from worker.watch import OVERDUE_AFTER, SEEN_WITHIN, held_back, moving, seen, why_nothing_moves

SECOND = timedelta(seconds=1)
NOW = Moment(MONDAY, MONDAY)
DOWN = "the provider does not let us in"


def worker(
    seen_ago: timedelta = SECOND, moved_ago: timedelta | None = SECOND, breaker: str = ""
) -> Heartbeat:
    moved_at = None if moved_ago is None else MONDAY - moved_ago
    return Heartbeat("w", "h", 1, "0.1.0", MONDAY, MONDAY - seen_ago, moved_at, breaker=breaker)


def signs(late: timedelta | None, *workers: Heartbeat) -> VitalSigns:
    oldest = None if late is None else MONDAY - late
    return VitalSigns(Lag(1 if late else 0, oldest), workers, GateTimes())


LATE = OVERDUE_AFTER + SECOND
IDLE = SEEN_WITHIN + SECOND


@pytest.mark.parametrize(
    "found",
    [
        signs(None),
        signs(OVERDUE_AFTER),
        signs(LATE, worker()),
        signs(LATE, worker(breaker=DOWN), worker()),
        signs(LATE, worker(moved_ago=IDLE), worker()),
        signs(OVERDUE_AFTER, worker(breaker=DOWN)),
    ],
)
def test_while_somebody_moves_or_nothing_is_late_all_is_well(found: VitalSigns) -> None:
    assert why_nothing_moves(found, NOW) == ""


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (signs(LATE), "no worker was seen for 60 seconds: start one"),
        (signs(LATE, worker(IDLE, IDLE)), "no worker was seen for 60 seconds: start one"),
        (signs(LATE, worker(SECOND, IDLE)), "no worker gets anything done"),
        (signs(LATE, worker(SECOND, None)), "no worker gets anything done"),
        (signs(LATE, worker(breaker=DOWN)), f"every worker holds them back: {DOWN}"),
        (
            signs(LATE, worker(breaker=DOWN), worker(IDLE, IDLE)),
            f"every worker holds them back: {DOWN}",
        ),
    ],
)
def test_a_standstill_is_told_with_its_cause(found: VitalSigns, why: str) -> None:
    told = why_nothing_moves(found, NOW)
    assert told.startswith("letters are due for 5 minutes, and ")
    assert why in told


def test_a_worker_is_seen_for_a_minute_and_moves_for_a_minute() -> None:
    workers = [worker(SEEN_WITHIN, SEEN_WITHIN), worker(SECOND, None), worker(IDLE, SECOND)]
    assert seen(workers, MONDAY) == workers[:2]
    assert moving(workers, MONDAY) == [workers[0], workers[2]]
    assert held_back([], MONDAY) == ""
