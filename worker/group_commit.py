"""Group commit: who comes while somebody is served is served together with all who wait.

One commit, or one sync of a disk, costs the same for several of them; and nobody waits for more,
since whoever finds nothing to wait for goes at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class GroupCommit(Generic[Asked, Answered]):
    """Serves threads that ask at the same time by one of them.

    Args:
        serve: answers everything that it is given, in order; what it raises, all of them get.
    """

    def __init__(self, serve: Callable[[Sequence[Asked]], Sequence[Answered]]) -> None:
        self._serve = serve
        self._queue = Lock()
        self._serving = Lock()
        self._waiting: list[_Turn[Asked, Answered]] = []

    def __call__(self, asked: Asked) -> Answered:
        """Return the answer, which may have been got by another thread."""
        turn = _Turn[Asked, Answered](asked)
        with self._queue:
            self._waiting.append(turn)
        with self._serving:
            if turn.fault is None and not turn.answer:
                self._serve_waiting()
        if turn.fault is not None:
            raise turn.fault
        return turn.answer[0]

    def _serve_waiting(self) -> None:
        with self._queue:
            turns, self._waiting = self._waiting, []
        try:
            answers = self._serve([turn.asked for turn in turns])
        except BaseException as fault:  # noqa: BLE001 - raised by everybody whom it concerns
            for turn in turns:
                turn.fault = fault
        else:
            for turn, answer in zip(turns, answers, strict=True):
                turn.answer.append(answer)


class _Turn(Generic[Asked, Answered]):
    """What one caller waits for."""

    __slots__ = ("answer", "asked", "fault")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.answer: list[Answered] = []
        self.fault: BaseException | None = None
