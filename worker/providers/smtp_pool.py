"""Connections that wait for the next letter."""

from __future__ import annotations

import threading
import time

from worker.providers.smtp_line import Line
from worker.providers.smtp_loop import Steps, finish

_IDLE = 5.0
"""Seconds after which a kept connection is asked whether it is still there."""

_LINGER = 30.0
"""Seconds for which an idle connection is kept."""


class Pool:
    """Idle connections, the one used last first; thread-safe."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._lock = threading.Lock()
        self._is_watched = False

    def take(self, until: float) -> Steps[Line | None]:
        """Return a connection that is there, or was a moment ago; ``None`` without one."""
        while True:
            with self._lock:
                if not self._lines:
                    return None
                line = self._lines.pop()
            now = time.monotonic()
            if now - line.idle_since >= _IDLE:
                line.give_until(min(until, now + 1.0))
                alive = yield from line.is_alive()
                if not alive:
                    line.close()
                    continue
            line.served = True  # whatever it said when it was new
            return line

    def keep(self, line: Line) -> None:
        """Have a connection wait for the next letter."""
        line.idle_since = time.monotonic()
        with self._lock:
            self._lines.append(line)
            if not self._is_watched:
                self._is_watched = True
                threading.Thread(target=self._watch, name="smtp", daemon=True).start()

    def close(self, idle: float = 0.0) -> None:
        """Say goodbye on every connection that waited for so many seconds."""
        before = time.monotonic() - idle
        with self._lock:
            leaving = [line for line in self._lines if line.idle_since <= before]
            self._lines = [line for line in self._lines if line.idle_since > before]
        for line in leaving:
            finish(line.say_goodbye())

    def _watch(self) -> None:
        """Close what was idle for long, until nothing is left."""
        while True:
            time.sleep(_LINGER)
            self.close(idle=_LINGER)
            with self._lock:
                self._is_watched = bool(self._lines)
                if not self._is_watched:
                    return
