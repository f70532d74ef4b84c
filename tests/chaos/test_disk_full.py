"""A full disk in the middle of sending: what could not be written was not handed over."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.acceptance.processes import wait_for
from tests.chaos.couriers import Orders
from tests.chaos.ground import Ground

DISK_FULL = pytest.mark.row(name="disk-full", title="disk full: RLIMIT_FSIZE, max_page_count")

PEOPLE = 300
WINDOW = 20
JOURNAL_ROOM = 16_000
"""Bytes: less than a journal needs for everybody's letter."""


def pages(ground: Ground) -> int:
    with ground.installation.store._database.reading() as connection:
        return int(connection.scalar(text("PRAGMA page_count")))


@DISK_FULL
def test_a_database_that_may_not_grow_hands_nothing_over_unrecorded(sqlite_ground: Ground) -> None:
    full(sqlite_ground, Orders(pages=pages(sqlite_ground) + 12))


@pytest.mark.chaos
@DISK_FULL
@pytest.mark.parametrize("room", [40_000, 120_000, 400_000])
def test_files_that_may_not_grow_hand_nothing_over_unrecorded(
    sqlite_ground: Ground, room: int
) -> None:
    full(sqlite_ground, Orders(file_limit=pages(sqlite_ground) * 4096 + room))


@pytest.mark.chaos
@DISK_FULL
@pytest.mark.parametrize("ground", ["postgresql"], indirect=True)
def test_a_journal_that_may_not_grow_lets_nothing_through_unrecorded(ground: Ground) -> None:
    full(ground, Orders(file_limit=JOURNAL_ROOM))


def in_trouble(output: str) -> bool:
    """Tell whether a courier said that something could not be written down."""
    return any(said in output for said in ("fault ", "answers wait", "a gate got no answer"))


def full(ground: Ground, orders: Orders) -> None:
    ground.enroll(PEOPLE)
    with ground.couriers(orders) as couriers:
        wait_for(lambda: in_trouble(couriers.output), 60, couriers, what="the full disk")
        couriers.stop()
        assert "Traceback" not in couriers.output
        assert "example.org" not in couriers.output
    before = len(ground.arrivals())
    assert before < PEOPLE
    ground.come_to_an_end()
    ground.judge(doubts=2 * WINDOW)
