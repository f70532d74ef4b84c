"""Where one process delivers: its installation, its windows in flight, and its own sweep.

A doorbell says that something may be due. It may be lost with whatever carries it, so every
process also looks by itself when it has heard none for a while, and needs no broker for that.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from course.errors import LettercourseError
from worker.delivery import Courier, deliver_round, give_back_waiting
from worker.errors import where_it_arose
from worker.installation import Installation
from worker.pulse import Pulse

ROUND = 5.0
"""Seconds after which a task that still finds letters makes room for others, and rings again."""

SWEEP_AFTER = 15.0
"""Seconds without a doorbell after which a process looks by itself: one and a half scaled ticks."""

END_WITHIN = 10.0
"""Seconds that letters in hand have in a process that is about to end."""

_LOOK_EVERY = 0.25
_LEAVE_WITHIN = 1.0

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Workplace:
    """What the tasks of one process work with; opened by the first of them, after any fork.

    Args:
        open_: opens the installation.
        told: whether the letters in hand are to be the last.
        lanes: how many windows one task has in flight at once.
        sweep_after: seconds without a doorbell until the process looks by itself.
    """

    def __init__(
        self,
        open_: Callable[[], Installation],
        told: Callable[[], bool],
        lanes: int = 1,
        sweep_after: float = SWEEP_AFTER,
    ) -> None:
        self.moved = threading.Condition()
        self.moved_at: float | None = None
        self._open = open_
        self._told = told
        self.lanes = lanes
        self._sweep_after = sweep_after
        self._lock = threading.Lock()
        self._opened: tuple[int, Installation, Pulse] | None = None
        self._held_back = ""
        self._beating: threading.Thread | None = None
        self._couriers: list[Courier] = []
        self._ending = threading.Event()
        self._parent: int | None = None
        self._heard_at = float("-inf")

    def stopping(self) -> bool:
        """Whether the letters in hand are the last: told so, at this process's end, an orphan."""
        return self._ending.is_set() or self._told() or self._is_orphan()

    def heard(self) -> None:
        """Note that a doorbell came, or that one is about to."""
        self._heard_at = time.monotonic()

    def do(self, duty: Callable[[Courier], T]) -> T | None:
        """Do one duty with a courier of its own, and note when it is done.

        A fault ends the duty and is logged without its text, which may quote a row: what was
        due stays due, and the next tick finds it.
        """
        try:
            installation, pulse = self._installation()
            courier = installation.courier(self.stopping, pulse.gated)
            self._couriers.append(courier)
            try:
                done = duty(courier)
            finally:
                self._couriers.remove(courier)
                self._held_back = courier.flow.why
        except LettercourseError as fault:
            logger.error("%s", fault)  # noqa: TRY400
        except Exception as fault:  # noqa: BLE001 - Celery would log the text too
            logger.error("a task failed: %s", where_it_arose(fault))  # noqa: TRY400
        else:
            self._note(installation, pulse)
            return done
        return None

    def deliver(self, seconds: float = ROUND) -> bool:
        """Deliver windows, several at once, until nothing is due or so many seconds have passed.

        Returns:
            Whether more is due that can go on at once.
        """
        until = time.monotonic() + seconds
        going: list[bool | None] = []

        def lane() -> None:
            going.append(self.do(lambda courier: self._go_on(courier, until)))

        wanted = self.do(self._reap_and_count)
        if not wanted:
            return False
        # One is this thread, as a new one may take megabytes of its own from malloc, which keeps
        # them; but not a main thread, which a signal to end the process interrupts anywhere.
        here = threading.current_thread() is not threading.main_thread()
        lanes = [
            threading.Thread(target=lane, name="lane", daemon=True) for _ in range(wanted - here)
        ]
        for each in lanes:
            each.start()
        if here:
            lane()
        for each in lanes:
            each.join()
        return any(going) and not self.stopping()

    def keep(self, parent: int | None = None) -> None:
        """Sweep from now on when no doorbell comes; end soon after ``parent`` has died.

        Args:
            parent: the process without which this one is no part of a worker.
        """
        self._parent = parent
        threading.Thread(target=self._keep, name="keeper", daemon=True).start()
        self._beating = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._beating.start()

    def end(self, within: float = END_WITHIN) -> None:
        """Finish the letters in hand, within so many seconds, and give back the others."""
        self._ending.set()
        until = time.monotonic() + within
        while self._couriers and time.monotonic() < until:
            time.sleep(0.01)
        self.give_back()
        if self._opened is not None and self._beating is not None:
            leaving = threading.Thread(target=self._leave, name="leaving", daemon=True)
            leaving.start()
            leaving.join(_LEAVE_WITHIN)

    def give_back(self) -> None:
        """Give back what no courier has begun, for one that hangs cannot; once it is stopping."""
        for courier in tuple(self._couriers):
            give_back_waiting(courier)

    def close(self) -> None:
        """Close what this process opened."""
        with self._lock:
            if self._opened is not None and self._opened[0] == os.getpid():
                self._opened[1].close()
            self._opened = None

    def _installation(self) -> tuple[Installation, Pulse]:
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                installation = self._open()
                self._opened = (os.getpid(), installation, installation.pulse())
                gc.collect()
                gc.freeze()  # all that was loaded stays, and need not be looked at again
            return self._opened[1:]

    def _reap_and_count(self, courier: Courier) -> int:
        """Return how many windows are due, up to what may be in flight at once."""
        courier.store.reap(courier.moment())
        due = courier.store.due_count(courier.clock.now(), self.lanes * courier.window)
        return -(-due // courier.window)

    def _go_on(self, courier: Courier, until: float) -> bool:
        """Deliver one window after another; return whether the time ended before they did."""
        while deliver_round(courier).claimed and not self.stopping():
            if time.monotonic() >= until:
                return True
        return False

    def _note(self, installation: Installation, pulse: Pulse) -> None:
        pulse.moved(installation.clock.wall())
        with self.moved:
            self.moved_at = installation.clock.boot()
            self.moved.notify_all()
        touch(installation.settings.sign_of_life)

    def _beat(self) -> None:
        """Give a sign of life now and then, also while every duty hangs."""
        while not self._ending.wait(_LOOK_EVERY):
            if self._opened is None or not self._opened[2].is_due(self._opened[1].clock.boot()):
                continue
            _, installation, pulse = self._opened
            with contextlib.suppress(LettercourseError):
                installation.store.beat(pulse.beat(installation.clock.wall(), self._held_back))

    def _leave(self) -> None:
        """Take the sign of life away; one that cannot be taken away is forgotten in time."""
        if self._beating is not None:
            self._beating.join()
        if self._opened is not None and self._opened[0] == os.getpid():
            with contextlib.suppress(LettercourseError):
                self._opened[1].store.leave_work(self._opened[2].identity.name)

    def _is_orphan(self) -> bool:
        return self._parent is not None and os.getppid() != self._parent

    def _keep(self) -> None:
        swept_at, sweep = float("-inf"), threading.Thread()
        while not self._ending.wait(_LOOK_EVERY):
            if self._is_orphan():
                self.end()
                os._exit(0)
            if sweep.is_alive():
                swept_at = time.monotonic()
            elif time.monotonic() - max(self._heard_at, swept_at) >= self._sweep_after:
                sweep = threading.Thread(target=self._sweep, name="sweep", daemon=True)
                sweep.start()

    def _sweep(self) -> None:
        while not self.stopping() and self.deliver():
            pass


def touch(sign_of_life: Path | None) -> None:
    """Show by a file's time that a process goes on; a health check reads it."""
    if sign_of_life is not None:
        try:
            sign_of_life.touch()
        except OSError as fault:
            logger.warning("the sign of life cannot be given: %s", fault.strerror)
