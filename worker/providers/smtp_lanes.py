"""Threads that carry letters, each over a connection of its own, for as long as there are any."""

from __future__ import annotations

import contextlib
import logging
import ssl
import threading
import time
from collections.abc import Sequence

from worker.errors import where_it_arose
from worker.model import Outcome
from worker.providers.smtp_answers import FAULTS, unreachable
from worker.providers.smtp_carrying import Carrying, Sign
from worker.providers.smtp_line import Line
from worker.providers.smtp_pool import Pool
from worker.providers.smtp_queue import Batch, Letter, Queue
from worker.providers.smtp_session import Server, connect

_LINGER = 30.0
"""Seconds that a lane without letters waits for more; for so long connections are kept."""

_CROWDED = 60.0
"""Seconds for which no more lanes are tried than the server gave connections to."""

_TO_CONNECT = 25.0

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
        self._lock = threading.Lock()
        self._running = 0
        self._working = 0
        self._carrying = 0
        self._crowded = (most, 0.0)
        self._first = threading.Lock()
        self._reached = False

    def carry(self, letters: Sequence[Letter]) -> None:
        """Have letters carried; each is answered sooner or later."""
        self._queue.put(letters)
        with self._lock:
            most, until = self._crowded
            most = most if time.monotonic() < until else self._most
            for _ in range(min(most, self._queue.open()) - self._running):
                threading.Thread(target=self._run, name="smtp", daemon=True).start()
                self._running += 1

    def waiting(self) -> int:
        """Count letters that no lane has taken."""
        return len(self._queue)

    def withdraw(self, batch: Batch) -> None:
        """Answer what is not begun of a batch."""
        self._queue.withdraw(batch)

    def close(self) -> None:
        """Say goodbye on every idle connection, and end the lanes that wait."""
        self._queue.send_away()
        self._pool.close()

    def _run(self) -> None:
        """Work whenever there are letters, until there were none for long."""
        while True:
            found = self._queue.wait(_LINGER)
            with self._lock:
                if not found and not len(self._queue):
                    self._running -= 1
                    break
                self._working += 1
            try:
                self._work()
            except _TurnedAway:
                break
            except Exception as fault:  # noqa: BLE001 - whoever waits for its letters has answers
                log.error("sending failed: %s", where_it_arose(fault))  # noqa: TRY400
            with self._lock:
                self._working -= 1
        self._pool.close(idle=_LINGER)

    def _work(self) -> None:
        """Carry letters over one connection after the other, until none waits.

        Raises:
            _TurnedAway: there is no connection for this lane.
        """
        again: Letter | None = None
        while again is not None or len(self._queue):
            line = self._pool.take(self._until()) if again is None else None
            line = line or self._new_line(again)
            if line is None:
                return
            with self._lock:
                self._carrying += 1
            try:
                again = Carrying(line, self._queue, self._pool, self._sign).carry(again)
            finally:
                with self._lock:
                    self._carrying -= 1

    def _new_line(self, again: Letter | None) -> Line | None:
        """Return a new connection; ``None`` when no letter needs it any more.

        As long as the server was not reached, one lane at a time tries: one refused login is
        enough.

        Raises:
            _TurnedAway: there is none; this lane counts as ended.
        """
        until = again.batch.until if again else self._until()
        with contextlib.nullcontext() if self._reached else self._first:
            if again is None and not len(self._queue):
                return None
            try:
                session = connect(self._server, self._context, until)
            except FAULTS as fault:
                if again is not None:
                    self._queue.put_back(again)
                self._end_lane(unreachable(fault))
                raise _TurnedAway from None
            self._reached = True
            return Line(session)

    def _end_lane(self, outcome: Outcome) -> None:
        """Leave the letters to lanes that may have a connection; without any, there is no hope."""
        with self._lock:
            self._working -= 1
            self._running -= 1
            if self._carrying:
                self._crowded = (self._carrying, time.monotonic() + _CROWDED)
            if self._reached and self._working:
                return
            self._reached = False
        self._queue.answer_all(outcome)

    def _until(self) -> float:
        return self._queue.until(time.monotonic() + _TO_CONNECT)


class _TurnedAway(Exception):
    """The server gives this lane no connection."""
