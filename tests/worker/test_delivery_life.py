"""The list of what may become of a delivery, held against the docs and against itself."""

from __future__ import annotations

import pytest

from worker.model import OPEN_STATES, DeliveryState
from worker.model.life import TRANSITIONS, Position, why_not

CLAIMED = Position(DeliveryState.CLAIMED, 1, "w1", 0)


def test_a_letter_under_way_can_always_come_to_an_end() -> None:
    for state in OPEN_STATES:
        ends = {after for before, after in TRANSITIONS if before is state} - {*OPEN_STATES}
        assert ends


def test_nothing_is_handed_over_but_through_a_claim() -> None:
    assert [before for before, after in TRANSITIONS if after is DeliveryState.HANDING] == [
        DeliveryState.CLAIMED
    ]


@pytest.mark.parametrize(
    ("after", "rule"),
    [
        (Position(DeliveryState.SENT, 1, None, 0), "never becomes"),
        (Position(DeliveryState.HANDING, 2, "w1", 1), "epoch"),
        (Position(DeliveryState.HANDING, 1, "w1", 0), "attempts"),
        (Position(DeliveryState.HANDING, 1, "w2", 1), "somebody else"),
        (Position(DeliveryState.PLANNED, 1, "w1", 0), "owns it"),
    ],
)
def test_a_change_that_breaks_a_rule_is_named(after: Position, rule: str) -> None:
    assert rule in why_not(CLAIMED, after)


def test_the_gate_breaks_none() -> None:
    assert why_not(CLAIMED, Position(DeliveryState.HANDING, 1, "w1", 1)) == ""
