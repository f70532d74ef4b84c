"""Letters that wait for a connection, and whoever waits for their answers."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from worker.model import Message, Outcome, Verdict, never


class Batch:
    """The letters of one hand-over, which know it; it does not know them, so they go when done.

    Args:
        size: how many letters it has.
        begin_by: on the monotonic clock; after it no letter is begun.
        until: likewise; by then every letter is answered.
        stopping: asked before a letter is begun.
        answered: called when the last of them is answered.
    """

    def __init__(
        self,
        size: int,
        begin_by: float,
        until: float,
        stopping: Callable[[], bool] = never,
        answered: Callable[[], None] = lambda: None,
    ) -> None:
        self.begin_by = begin_by
        self.until = until
        self._stopping = stopping
        self._heard = False
        self._open = size
        self._answered = answered
        self._lock = threading.Lock()

    def may_begin(self) -> bool:
        """Whether the content of another letter may leave."""
        return time.monotonic() < self.begin_by and not self._stopping()

    def hear(self) -> None:
        """Note that the server heard of a letter, so that the hand-over as a whole goes on."""
        self._heard = True

    def begin(self, letter: Letter) -> bool:
        """Return whether a letter's content may leave now; from then on it counts as begun."""
        with self._lock:
            letter.begun = letter.outcome is None
            self._heard |= letter.begun
            return letter.begun

    def close(self, letter: Letter, outcome: Outcome) -> None:
        """Note what became of a letter; the first answer counts."""
        with self._lock:
            self._close(letter, outcome)

    def end(self, letters: Sequence[Letter], unknown: Outcome) -> None:
        """Answer those left of ``letters``: what was begun with ``unknown``; no other may begin."""
        with self._lock:
            late = self.late()
            for letter in letters:
                self._close(letter, unknown if letter.begun else late)

    def is_answered(self) -> bool:
        """Whether every letter is."""
        return not self._open

    def late(self) -> Outcome:
        """Return what becomes of a letter that may not be begun any more."""
        if self._heard or self._stopping():
            return Outcome(Verdict.NOT_BEGUN, "its turn did not come in time")
        return Outcome(Verdict.DEFERRED, "connecting took too long")

    def _close(self, letter: Letter, outcome: Outcome) -> None:
        if letter.outcome is None:
            letter.outcome = outcome
            self._open -= 1
            if not self._open:
                self._answered()


@dataclass(slots=True, eq=False)
class Letter:
    """One message, until it is answered.

    Attributes:
        begun: its content is leaving, or has left.
        moved: it had its envelope on a connection that had gone stale, and may try one more.
    """

    message: Message
    batch: Batch
    outcome: Outcome | None = None
    begun: bool = False
    moved: bool = False
    signed: bool = False


class Queue:
    """Letters of all batches, in the order in which they came; thread-safe."""

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque()
        self._in_hand = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._letters)

    def open(self) -> int:
        """Count the letters that wait or are in hand."""
        return len(self._letters) + self._in_hand

    def put(self, letters: Sequence[Letter]) -> None:
        """Add letters."""
        with self._lock:
            self._letters.extend(letters)

    def take(self) -> Letter | None:
        """Return the next letter that may still begin; ``None`` without one."""
        with self._lock:
            while self._letters:
                letter = self._letters.popleft()
                if letter.batch.may_begin():
                    self._in_hand += 1
                    return letter
                letter.batch.close(letter, letter.batch.late())
        return None

    def put_back(self, letter: Letter) -> None:
        """Let a letter that was taken be the next one again."""
        with self._lock:
            self._in_hand -= 1
            self._letters.appendleft(letter)

    def answer(self, letter: Letter, outcome: Outcome) -> None:
        """Say what became of a letter that was taken."""
        with self._lock:
            self._in_hand -= 1
        letter.batch.close(letter, outcome)

    def answer_all(self, outcome: Outcome) -> None:
        """Give every letter that waits the same answer."""
        with self._lock:
            letters, self._letters = self._letters, deque()
        for letter in letters:
            letter.batch.close(letter, outcome)

    def withdraw(self, batch: Batch) -> None:
        """Answer what waits of a batch, and let nothing of it begin any more."""
        with self._lock:
            batch.begin_by = 0.0
            rest = [letter for letter in self._letters if letter.batch is batch]
            self._letters = deque(each for each in self._letters if each.batch is not batch)
        late = batch.late()
        for letter in rest:
            batch.close(letter, late)

    def until(self, otherwise: float) -> float:
        """Return until when the next letter has time, on the monotonic clock."""
        with self._lock:
            return self._letters[0].batch.until if self._letters else otherwise
