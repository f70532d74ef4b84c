"""Web door, scheduler and workers as threads of one process: what ``lettercourse up`` runs."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

from celery import Celery
from celery.beat import EmbeddedService
from celery.worker import state as worker_state

from course.errors import LettercourseError
from worker.installation import Installation, sole_occupant
from worker.tasks import build_app, configuration, ring
from worker.web import build_web
from worker.web.listener import Listener
from worker.web.server import Server
from worker.workplace import SWEEP_AFTER, Workplace

STOP_WITHIN = 4.0
"""Seconds from a signal to the end of every thread, whatever hangs."""

_READY_WITHIN = 5.0
_STILL_AFTER = 30.0

logger = logging.getLogger(__name__)


class Stack:
    """One process that does everything, or only a part of it.

    Args:
        installation: stays the caller's to close, after :meth:`stop`.
        host: where the web door listens.
        port: likewise; 0 takes any free one.
        tick_seconds: how often what is due is looked for; the first time at once.
        web: whether to open the web door, and the mail door where one is set.
        deliver: whether to run scheduler and workers.
        threads: how many windows are delivered at once.
    """

    def __init__(
        self,
        installation: Installation,
        host: str = "127.0.0.1",
        port: int = 8000,
        *,
        tick_seconds: float = 1.0,
        web: bool = True,
        deliver: bool = True,
        threads: int = 3,
    ) -> None:
        self._installation = installation
        self._stopping = threading.Event()
        self._workplace = Workplace(
            lambda: installation,
            self._stopping.is_set,
            sweep_after=max(SWEEP_AFTER, 1.5 * tick_seconds),
        )
        self._still_after = max(_STILL_AFTER, 10 * tick_seconds)
        self._web = Server(build_web(installation, self._is_moving), host, port) if web else None
        listen = installation.settings.inbound_listen if web else ""
        self._mail = Listener(installation, listen) if listen else None
        self._crew: _Crew | None = None
        if deliver:
            celery = build_app(
                self._workplace,
                lambda: configuration(installation.settings, tick_seconds),
                most_rings=threads,
            )
            self._crew = _Crew(celery, threads)

    @property
    def url(self) -> str:
        """Return where the web door listens; empty without one."""
        return self._web.url if self._web else ""

    def start(self) -> None:
        """Start everything and return once it works.

        Raises:
            LettercourseError: a port is taken.
        """
        if self._web:
            self._web.start()
        if self._mail:
            self._mail.start()
        if self._crew:
            self._crew.start()
            self._workplace.heard()
            self._workplace.keep()

    def ring(self) -> None:
        """Have what is due looked for at once."""
        if self._crew:
            ring(self._crew.celery)

    def is_quiet(self) -> bool:
        """Whether nothing is due and no mail is under way, by the calendar's instant now."""
        return self._installation.store.is_quiet(self._installation.now())

    def wait_until_quiet(self, timeout: float) -> bool:
        """Return true as soon as it is quiet, false when that took ``timeout`` seconds."""
        until = time.monotonic() + timeout
        while not self.is_quiet():
            if time.monotonic() >= until:
                return False
            with self._workplace.moved:
                self._workplace.moved.wait(0.02)
        return True

    def stop(self, timeout: float = STOP_WITHIN) -> bool:
        """Finish the letters in hand, give the rest back, and end every thread.

        Returns:
            Whether that was done within ``timeout`` seconds; what was not, ends with the process
            and is in doubt then.
        """
        until = time.monotonic() + timeout
        self._stopping.set()
        doors = [door for door in (self._web, self._mail) if door]
        for door in doors:
            door.stop()
        done = self._crew.stop(until) if self._crew else True
        self._workplace.end(max(until - time.monotonic(), 0.0))
        shut = [door.join(until) for door in doors]
        return all(shut) and done

    def refuse_half(self) -> None:
        """Let only a stack go on whose every part is alive.

        Raises:
            LettercourseError: a part ended by itself.
        """
        parts = (self._web, self._mail, self._crew)
        dead = [part for part in parts if part and not part.is_alive()]
        if dead:
            raise LettercourseError(
                f"the {' and the '.join(part.title for part in dead)} ended without being told to",
                remedy="see the log before this line, then start it again",
            )

    def is_stopping(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stopping.is_set()

    def _is_moving(self) -> bool:
        if self._crew is None:
            return True
        moved_at = self._workplace.moved_at
        now = self._installation.clock.boot()
        return moved_at is not None and now - moved_at < self._still_after


def run(
    installation: Installation,
    host: str,
    port: int,
    *,
    deliver: bool,
    announce: Callable[[str], None],
) -> None:
    """Run until SIGTERM or SIGINT; then be gone within five seconds, with nothing lost.

    Args:
        installation: the caller's to close.
        host: where the web door listens.
        port: likewise.
        deliver: as ``up`` does; without it only the web door is open.
        announce: called with the web door's address once everything works.

    Raises:
        LettercourseError: the port is taken, another ``up`` runs on the data folder, the
            database was rehearsed, or a part ended by itself.
    """
    with ExitStack() as held:
        if deliver:
            installation.refuse_rehearsed()
            held.enter_context(sole_occupant(installation.settings))
            installation.look_at_journal()
        else:
            _say_if_refused(installation)
        asked = held.enter_context(_asked_to_stop())
        stack = Stack(installation, host, port, deliver=deliver)
        try:
            stack.start()
            announce(stack.url)
            while not asked.wait(1.0):
                stack.refuse_half()
        finally:
            stopped = stack.stop()
    if not stopped:
        # A thread that hangs in the network would keep the interpreter from ending.
        logger.warning(
            "not all ended in time; a letter in hand, if there was one, will be in doubt"
        )
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _say_if_refused(installation: Installation) -> None:
    """Compare the journal here too: this host's departures may be what a restored database lacks.

    People must be able to leave whatever comes of it.
    """
    try:
        installation.look_at_journal()
    except LettercourseError as fault:
        logger.error("%s", fault)  # noqa: TRY400 - one line says it


@contextmanager
def _asked_to_stop() -> Any:
    """Turn the signals that ask a process to end into an event; a second one changes nothing."""
    asked = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.set()

    former = {name: signal.signal(name, ask) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for name, handler in former.items():
            signal.signal(name, handler)


class _Crew:
    """Celery's worker and scheduler in threads; one in a process, as Celery keeps their state."""

    title = "worker or its scheduler"

    def __init__(self, celery: Celery, threads: int) -> None:
        self.celery = celery
        self._threads = threads
        self._ready = threading.Event()
        self._scheduler: Any = None
        self._worker = threading.Thread(target=self._work, name="worker", daemon=True)

    def start(self) -> None:
        # Other threads, the pool's among them, would otherwise see an app without our tasks.
        self.celery.set_default()
        self.celery.finalize()
        self._controller = self.celery.WorkController(
            pool="threads",
            concurrency=self._threads,
            loglevel=logging.WARNING,
            use_eventloop=False,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            ready_callback=lambda _: self._ready.set(),
        )
        self._scheduler = EmbeddedService(
            self.celery, thread=True, scheduler_cls=self.celery.conf.beat_scheduler
        )
        self._worker.start()
        self._scheduler.start()
        # Without its broker the worker goes on trying; that must not keep the web door shut.
        self._ready.wait(_READY_WITHIN)

    def is_alive(self) -> bool:
        return self._worker.is_alive() and bool(self._scheduler.is_alive())

    def stop(self, until: float) -> bool:
        """Stop the scheduler, then the worker once it looks up from its letter."""
        if self._scheduler is None:
            return True
        self._scheduler.service.stop()
        worker_state.should_stop = 0
        threading.Thread(target=self._knock, name="knocking", daemon=True).start()
        self._worker.join(max(until - time.monotonic(), 0.0))
        if self._worker.is_alive():
            return False
        worker_state.should_stop = None
        self._scheduler.join(max(until - time.monotonic(), 0.0))
        return not bool(self._scheduler.is_alive())

    def _knock(self) -> None:
        """Wake the worker: it looks at the flag only between two messages, or every two seconds.

        In a thread of its own, as a broker that froze would hold up whoever rings.
        """
        while self._worker.is_alive():
            ring(self.celery)
            self._worker.join(0.05)

    def _work(self) -> None:
        self._controller.start()
