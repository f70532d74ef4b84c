"""Asking what may not answer: a database that froze must not hold up whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Unanswered
from threading import Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")

__all__ = ["Probe", "Unanswered"]


class Probe(Generic[T]):
    """Asks one question in a thread of its own, never twice at a time.

    Args:
        ask: the question.
        within: seconds that everybody who wants the answer waits for it.
    """

    def __init__(self, ask: Callable[[], T], within: float) -> None:
        self._ask = ask
        self._within = within
        self._lock = Lock()
        self._pending: Future[T] | None = None

    def __call__(self) -> T:
        """Return the answer, or raise what the question raised.

        Raises:
            Unanswered: it took too long; whoever asks next waits for the same answer.
        """
        with self._lock:
            if self._pending is None or self._pending.done():
                self._pending = Future()
                # Not a pool's thread: the interpreter would wait for it at its end.
                Thread(target=self._run, args=(self._pending,), name="probe", daemon=True).start()
            pending = self._pending
        return pending.result(self._within)

    def _run(self, pending: Future[T]) -> None:
        try:
            pending.set_result(self._ask())
        except Exception as fault:  # noqa: BLE001 - it is the asker's
            pending.set_exception(fault)
