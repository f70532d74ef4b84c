"""Delivering: claim, gate, hand over, settle, a window at a time, until nothing is due."""

from worker.delivery.courier import Courier, Windows, unheard
from worker.delivery.rounds import (
    MOST_RINGS,
    deliver_round,
    give_back_waiting,
    ring_for_due,
    tick,
)

__all__ = [
    "MOST_RINGS",
    "Courier",
    "Windows",
    "deliver_round",
    "give_back_waiting",
    "ring_for_due",
    "tick",
    "unheard",
]
