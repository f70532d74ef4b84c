"""Who comes while somebody is served is served with all who wait; a fault is everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest

from tests.acceptance.processes import wait_for
from worker.group_commit import GroupCommit


class Desk:
    """Serves numbers by doubling them; the first turn lasts until it may go on."""

    def __init__(self) -> None:
        self.turns: list[Sequence[int]] = []
        self.may_go_on = Event()
        self._one_at_a_time = Lock()

    def serve(self, asked: Sequence[int]) -> Sequence[int]:
        assert self._one_at_a_time.acquire(blocking=False)
        self.turns.append(asked)
        self.may_go_on.wait(10)
        self._one_at_a_time.release()
        if 13 in asked:
            raise ValueError("unlucky")
        return [2 * each for each in asked]


def test_those_who_come_meanwhile_are_served_in_one_turn_and_get_their_own_answers() -> None:
    desk = Desk()
    together = GroupCommit(desk.serve)
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(together, 1)
        wait_for(lambda: desk.turns, 10, what="the first turn")
        others = [threads.submit(together, number) for number in range(2, 8)]
        wait_for(lambda: len(together._waiting) == len(others), 10, what="the queue")
        desk.may_go_on.set()
        assert first.result(10) == 2
        assert [each.result(10) for each in others] == [2 * number for number in range(2, 8)]
    assert [sorted(turn) for turn in desk.turns] == [[1], [2, 3, 4, 5, 6, 7]]


def test_a_fault_is_raised_by_everybody_whom_it_concerns_and_by_nobody_else() -> None:
    desk = Desk()
    together = GroupCommit(desk.serve)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(together, 1)
        wait_for(lambda: desk.turns, 10, what="the first turn")
        others = [threads.submit(together, number) for number in (12, 13)]
        wait_for(lambda: len(together._waiting) == 2, 10, what="the queue")
        desk.may_go_on.set()
        assert first.result(10) == 2
        for each in others:
            with pytest.raises(ValueError, match="unlucky"):
                each.result(10)
    assert together(5) == 10
