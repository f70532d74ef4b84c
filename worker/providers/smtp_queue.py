"""Letters that wait for a connection, and whoever waits for their answers."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from worker.model import Message, Outcome, Verdict, never


class Batch:
    """The letters of one hand-over.

    Args:
        messages: in whose order the outcomes are wanted.
        begin_by: on the monotonic clock; after it no letter is begun.
        until: likewise; by then every letter is answered.
        stopping: asked before a letter is begun.
    """

    def __init__(
        self,
        messages: Sequence[Message],
        begin_by: float,
        until: float,
        stopping: Callable[[], bool] = never,
    ) -> None:
        self.begin_by = begin_by
        self.until = until
        self._stopping = stopping
        self.letters = [Letter(message, self) for message in messages]
        self._heard = False
        self._open = len(messages)
        self._answered = threading.Condition()

    def may_begin(self) -> bool:
        """Whether the content of another letter may leave."""
        return time.monotonic() < self.begin_by and not self._stopping()

    def hear(self) -> None:
        """Note that the server heard of a letter, so that the hand-over as a whole goes on."""
        self._heard = True

    def begin(self, letter: Letter) -> bool:
        """Return whether a letter's content may leave now; from then on it counts as begun."""
        with self._answered:
            letter.begun = letter.outcome is None
            self._heard |= letter.begun
            return letter.begun

    def close(self, letter: Letter, outcome: Outcome) -> None:
        """Note what became of a letter; the first answer counts."""
        with self._answered:
            if letter.outcome is None:
                letter.outcome = outcome
                self._open -= 1
                if not self._open:
                    self._answered.notify_all()

    def end(self, unknown: Outcome) -> None:
        """Answer what is left: what was begun with ``unknown``; nothing else begins any more."""
        with self._answered:
            left = [each for each in self.letters if each.outcome is None]
            late = self.late()
            for each in left:
                self.close(each, unknown if each.begun else late)

    def wait(self, seconds: float) -> bool:
        """Return whether every letter was answered within so many seconds."""
        with self._answered:
            return self._answered.wait_for(lambda: not self._open, seconds)

    def late(self) -> Outcome:
        """Return what becomes of a letter that may not be begun any more."""
        if self._heard or self._stopping():
            return Outcome(Verdict.NOT_BEGUN, "its turn did not come in time")
        return Outcome(Verdict.DEFERRED, "connecting took too long")


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
        self._turn = 0
        self._filled = threading.Condition()

    def __len__(self) -> int:
        return len(self._letters)

    def open(self) -> int:
        """Count the letters that wait or are in hand."""
        return len(self._letters) + self._in_hand

    def put(self, letters: Sequence[Letter]) -> None:
        """Add letters, and wake as many who wait for one."""
        with self._filled:
            self._letters.extend(letters)
            self._filled.notify(len(letters))

    def take(self) -> Letter | None:
        """Return the next letter that may still begin; ``None`` without one."""
        with self._filled:
            while self._letters:
                letter = self._letters.popleft()
                if letter.batch.may_begin():
                    self._in_hand += 1
                    return letter
                letter.batch.close(letter, letter.batch.late())
        return None

    def put_back(self, letter: Letter) -> None:
        """Let a letter that was taken be the next one again."""
        with self._filled:
            self._in_hand -= 1
            self._letters.appendleft(letter)
            self._filled.notify()

    def answer(self, letter: Letter, outcome: Outcome) -> None:
        """Say what became of a letter that was taken."""
        with self._filled:
            self._in_hand -= 1
        letter.batch.close(letter, outcome)

    def answer_all(self, outcome: Outcome) -> None:
        """Give every letter that waits the same answer."""
        with self._filled:
            letters, self._letters = self._letters, deque()
        for letter in letters:
            letter.batch.close(letter, outcome)

    def withdraw(self, batch: Batch) -> None:
        """Answer what waits of a batch, and let nothing of it begin any more."""
        with self._filled:
            batch.begin_by = 0.0
            rest = [letter for letter in self._letters if letter.batch is batch]
            self._letters = deque(each for each in self._letters if each.batch is not batch)
        late = batch.late()
        for letter in rest:
            batch.close(letter, late)

    def until(self, otherwise: float) -> float:
        """Return until when the next letter has time, on the monotonic clock."""
        with self._filled:
            return self._letters[0].batch.until if self._letters else otherwise

    def wait(self, seconds: float) -> bool:
        """Return true as soon as a letter is there, false when none came or we were sent away."""
        with self._filled:
            turn = self._turn
            self._filled.wait_for(lambda: bool(self._letters) or self._turn != turn, seconds)
            return bool(self._letters)

    def send_away(self) -> None:
        """Let nobody wait any longer."""
        with self._filled:
            self._turn += 1
            self._filled.notify_all()
