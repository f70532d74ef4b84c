"""What one connection carries: letter after letter, and what becomes of each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from worker.errors import where_it_arose
from worker.model import Fault, Outcome, Verdict
from worker.providers.smtp_answers import (
    FAULTS,
    Turned,
    answered,
    broken_after,
    broken_before,
    turned,
)
from worker.providers.smtp_line import Line
from worker.providers.smtp_loop import Steps
from worker.providers.smtp_pool import Pool
from worker.providers.smtp_queue import Letter, Queue

log = logging.getLogger(__name__)

Sign = Callable[[bytes], bytes]
"""Puts a signature before a letter."""

_NOT_BEGUN = Outcome(
    Verdict.DEFERRED, "not begun: the connection broke at the letter before", fault=Fault.DOWN
)


class Carrying:
    """Takes letters from a queue for as long as there are any and the connection is good.

    Args:
        line: the connection; put into ``pool`` when it outlives the letters, else closed.
        queue: where letters come from.
        pool: where idle connections wait.
        sign: by default letters are sent as they are.
    """

    def __init__(self, line: Line, queue: Queue, pool: Pool, sign: Sign | None) -> None:
        self._line = line
        self._queue = queue
        self._pool = pool
        self._sign = sign
        self._current: Letter | None = None
        self._following: Letter | None = None

    def carry(self, first: Letter | None) -> Steps[Letter | None]:
        """Carry ``first``, then what waits; return a letter that is to try a new connection."""
        try:
            if first and not first.batch.may_begin():
                self._queue.answer(first, first.batch.late())
                first = None
            self._current = first or self._next()
            if self._current is None:
                self._pool.keep(self._line)
            while self._current is not None:
                if move := (yield from self._carry_one(self._current)):
                    return move
        except BaseException as fault:
            self._line.close()
            if self._current:
                self._lose(self._current, broken_after(fault))
            raise
        return None

    def _carry_one(self, letter: Letter) -> Steps[Letter | None]:
        """Carry one letter and choose the next; return it instead if it is to move."""
        line, message, batch = self._line, letter.message, letter.batch
        ahead, self._following = self._following is letter, None
        line.give_until(batch.until)
        try:
            if not ahead:
                yield from line.announce(message)
            yield from line.await_leave()
        except Turned as no:
            if no.is_about_the_connection() and self._may_move(letter):
                return self._move(letter)
            batch.hear()
            self._go_on(letter, turned(no, message), usable=no.usable)
            return None
        except FAULTS as fault:
            if self._may_move(letter):
                return self._move(letter)
            self._go_on(letter, broken_before(fault), usable=False)
            return None
        if (ahead and not batch.may_begin()) or not batch.begin(letter):
            self._go_on(letter, batch.late(), usable=False)
            return None
        self._following = self._next() if line.pipelines else None
        following = self._following.message if self._following else None
        try:
            reply = yield from line.hand_over(message, following)
        except FAULTS as fault:
            self._lose(letter, broken_after(fault))
            return None
        outcome = answered(reply, message)
        if outcome.verdict is Verdict.UNKNOWN:
            self._lose(letter, outcome)
        elif reply.code == 421 and self._following:
            self._queue.answer(letter, outcome)
            return self._move(self._following)
        else:
            self._go_on(letter, outcome, usable=reply.code != 421)
        return None

    def _go_on(self, letter: Letter, outcome: Outcome, *, usable: bool) -> None:
        """Answer a letter, once the connection is where the next one finds it."""
        if not usable:
            self._line.close()
            self._current = None
        else:
            self._current = self._following or self._next()
            if self._current is None:
                self._pool.keep(self._line)
        self._queue.answer(letter, outcome)

    def _lose(self, letter: Letter, outcome: Outcome) -> None:
        """Begin nothing more anywhere: what became of a letter is not known."""
        self._line.close()
        self._queue.answer(letter, outcome)
        if self._following:
            self._queue.answer(self._following, _NOT_BEGUN)
        self._queue.answer_all(_NOT_BEGUN)
        self._current = self._following = None

    def _may_move(self, letter: Letter) -> bool:
        """Whether the fault may be the connection's age, and a new one is worth a try."""
        return self._line.served and not letter.moved

    def _move(self, letter: Letter) -> Letter:
        self._line.close()
        letter.moved = True
        self._current = self._following = None
        return letter

    def _next(self) -> Letter | None:
        """Take the next letter, signed."""
        while letter := self._queue.take():
            if self._sign is None or letter.signed:
                return letter
            try:
                mime = self._sign(letter.message.mime)
            except Exception as fault:  # noqa: BLE001 - one bad letter must not stop the others
                log.error(  # noqa: TRY400
                    "delivery %s cannot be signed: %s",
                    letter.message.delivery_id,
                    where_it_arose(fault),
                )
                why = f"it cannot be signed: {type(fault).__name__}"
                self._queue.answer(letter, Outcome(Verdict.DEFERRED, why))
            else:
                letter.message = replace(letter.message, mime=mime)
                letter.signed = True
                return letter
        return None
