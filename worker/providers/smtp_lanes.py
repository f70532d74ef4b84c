"""Lanes: conversations that carry letters, each over a connection of its own.

Whoever waits for letters takes all lanes further meanwhile, one thread at a time; the others wait
for it. So letters of several threads go behind each other without a gap, and no thread is left over
that competes for the interpreter.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable, Sequence

from worker.errors import where_it_arose
from worker.model import Outcome
from worker.providers.smtp_answers import FAULTS, unreachable
from worker.providers.smtp_carrying import Carrying, Sign
from worker.providers.smtp_line import Line
from worker.providers.smtp_loop import Loop, Steps, elsewhere
from worker.providers.smtp_pool import Pool
from worker.providers.smtp_queue import Batch, Letter, Queue
from worker.providers.smtp_session import Server, connect

_CROWDED = 60.0
"""Seconds for which no more lanes are tried than the server gave connections to."""

_TO_CONNECT = 25.0

_GRACE = 0.5
"""Seconds past its deadline in which a connection that is being made says so itself."""

log = logging.getLogger(__name__)


class Lanes:
    """Carries letters over up to ``most`` connections at once; thread-safe.

    Args:
        server: where to.
        context: what its certificate is verified against.
        most: connections at a time.
        sign: puts a signature before a letter.
    """

    def __init__(
        self,
        server: Server,
        context: ssl.SSLContext,
        most: int,
        sign: Sign | None = None,
    ) -> None:
        self._server = server
        self._context = context
        self._most = most
        self._sign = sign
        self._queue = Queue()
        self._pool = Pool()
        self._turn = threading.Condition()
        self._is_led = False
        self._loop: Loop | None = None
        self._running = 0
        self._carrying = 0
        self._crowded = (most, 0.0)
        self._reached = False

    def batch(
        self,
        size: int,
        begin_by: float,
        until: float,
        stopping: Callable[[], bool],
    ) -> Batch:
        """Return what letters of one hand-over belong to; see :class:`Batch`."""
        return Batch(size, begin_by, until, stopping, self._tell)

    def carry(self, letters: Sequence[Letter]) -> None:
        """Have letters carried, by whoever works."""
        self._queue.put(letters)
        with self._turn:
            if self._is_led and self._loop:
                self._loop.wake()

    def work(self, batch: Batch, seconds: float) -> bool:
        """Take all lanes further until a batch is answered, or have another thread do it.

        Returns:
            Whether that was so within so many seconds.
        """
        until = time.monotonic() + seconds
        with self._turn:
            self._turn.wait_for(lambda: batch.is_answered() or not self._is_led, seconds)
            if batch.is_answered() or self._is_led:
                return batch.is_answered()
            self._is_led = True
        try:
            loop = self._loop = self._loop or Loop()
            while not batch.is_answered() and time.monotonic() < until:
                self._begin_lanes(loop)
                loop.turn(until)
        finally:
            with self._turn:
                self._is_led = False
                self._turn.notify_all()
        return batch.is_answered()

    def waiting(self) -> int:
        """Count letters that no lane has taken."""
        return len(self._queue)

    def withdraw(self, batch: Batch) -> None:
        """Answer what is not begun of a batch."""
        self._queue.withdraw(batch)

    def close(self) -> None:
        """Say goodbye on every idle connection."""
        with self._turn:
            if self._loop and not self._is_led:
                self._loop.close()
                self._loop = None
        self._pool.close()

    def _tell(self) -> None:
        with self._turn:
            self._turn.notify_all()

    def _begin_lanes(self, loop: Loop) -> None:
        """Begin as many lanes as there are letters for.

        As long as the server was not reached, one at a time tries: one refused login is enough.
        """
        most, until = self._crowded
        most = most if time.monotonic() < until else self._most
        while len(self._queue) and self._running < min(
            most if self._reached else 1, self._queue.open()
        ):
            self._running += 1
            loop.begin(self._run())

    def _run(self) -> Steps[None]:
        """Carry letters over one connection after the other, until none waits."""
        again: Letter | None = None
        try:
            while again is not None or len(self._queue):
                line = None if again else (yield from self._pool.take(self._until()))
                line = line or (yield from self._new_line(again))
                if line is None:
                    break
                self._carrying += 1
                try:
                    carrying = Carrying(line, self._queue, self._pool, self._sign)
                    again = yield from carrying.carry(again)
                finally:
                    self._carrying -= 1
        except Exception as fault:  # noqa: BLE001 - whoever waits for its letters has answers
            log.error("sending failed: %s", where_it_arose(fault))  # noqa: TRY400
        finally:
            self._running -= 1

    def _new_line(self, again: Letter | None) -> Steps[Line | None]:
        """Return a new connection; ``None`` where there is none for this lane."""
        until = again.batch.until if again else self._until()
        try:
            session = yield from elsewhere(
                lambda: connect(self._server, self._context, until), until + _GRACE
            )
        except FAULTS as fault:
            if again is not None:
                self._queue.put_back(again)
            self._give_up(unreachable(fault))
            return None
        self._reached = True
        return Line(session)

    def _give_up(self, outcome: Outcome) -> None:
        """Leave the letters to lanes that may have a connection; without any, there is no hope."""
        if self._carrying:
            self._crowded = (self._carrying, time.monotonic() + _CROWDED)
        else:
            self._reached = False
        if self._running == 1:
            self._queue.answer_all(outcome)

    def _until(self) -> float:
        return self._queue.until(time.monotonic() + _TO_CONNECT)
