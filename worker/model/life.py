"""The life of a delivery: every change of state that there is, and who makes it.

The ledger's statements are compare-and-sets that make these changes and no others; a test holds
every single one, whatever brought it about, against this list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from worker.model.states import DeliveryState

PLANNED, CLAIMED, HANDING, SENT, FAILED, IN_DOUBT, CANCELLED, SKIPPED = DeliveryState

TRANSITIONS: Mapping[tuple[DeliveryState, DeliveryState], str] = {
    (PLANNED, CLAIMED): "a claim",
    (PLANNED, CANCELLED): "its person left, or began anew",
    (PLANNED, SKIPPED): "the course passed it, or it is not waited for",
    (CLAIMED, PLANNED): "given up by its owner, its lease ran out, or a pause",
    (CLAIMED, HANDING): "the gate",
    (CLAIMED, CANCELLED): "its person left before the gate, or began anew",
    (CLAIMED, SKIPPED): "a reminder that is not waited for",
    (HANDING, SENT): "accepted",
    (HANDING, FAILED): "refused",
    (HANDING, IN_DOUBT): "no answer in time, or one that tells nothing",
    (HANDING, PLANNED): "not begun, or refused for now",
    (HANDING, CANCELLED): "not begun, or refused for now, and its person left",
    (IN_DOUBT, SENT): "a late answer, an event, or the operator",
    (IN_DOUBT, FAILED): "likewise",
    (IN_DOUBT, PLANNED): "refused for now, late, or the operator has it sent again",
    (IN_DOUBT, CANCELLED): "refused for now, late, and its person left",
    (SENT, FAILED): "an event told that it did not arrive",
    (FAILED, SENT): "an event told that it arrived after all",
    (FAILED, PLANNED): "a course that it held goes on",
    (FAILED, CLAIMED): "it comes next again",
    (CANCELLED, CLAIMED): "likewise",
    (SKIPPED, CLAIMED): "likewise",
}
"""Whatever stands here is allowed, with what brings it about; nothing else ever happens."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a delivery stands.

    Attributes:
        epoch: how often it was claimed.
        owner: who holds it; ``None``: nobody.
        attempts: how often it passed the gate.
    """

    state: DeliveryState
    epoch: int
    owner: str | None
    attempts: int


def why_not(before: Position, after: Position) -> str:
    """Return which rule a change breaks; empty when it breaks none."""
    change = (before.state, after.state)
    if before.state != after.state and change not in TRANSITIONS:
        return f"{before.state} never becomes {after.state}"
    if after.epoch != before.epoch + (after.state is CLAIMED != before.state):
        return f"its epoch went from {before.epoch} to {after.epoch} by {change}"
    if after.attempts != before.attempts + (change == (CLAIMED, HANDING)):
        return f"its attempts went from {before.attempts} to {after.attempts} by {change}"
    if (after.owner is not None) != (after.state in (CLAIMED, HANDING)):
        return f"{after.owner or 'nobody'} owns it while {after.state}"
    if change == (CLAIMED, HANDING) and after.owner != before.owner:
        return "somebody else than its owner took it through the gate"
    return ""
