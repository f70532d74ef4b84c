"""The Celery app: two tasks over two use cases. A message is a doorbell; the truth is in SQL.

``celery -A worker.tasks worker`` and ``... beat`` use :data:`app`; the embedded stack builds its
own. Doorbells may be lost, doubled or late, so they are acknowledged early, never retried and
expire soon: the next tick finds what they would have found.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

import click
from celery import Celery, beat, signals
from celery.utils.log import get_logger
from kombu.exceptions import OperationalError

from course.errors import LettercourseError
from worker.delivery import (
    Courier,
    deliver_window,
    give_back_waiting,
    ring_for_due,
)
from worker.errors import Refused, where_it_arose
from worker.installation import Installation, open_installation
from worker.settings import Settings, settings_from_environment

QUEUE = "lettercourse"
SCALED_TICK = 10.0
DOORBELL_LIFE = 30.0

logger = get_logger(__name__)


class Workplace:
    """What the tasks of one process work with; opened by the first task, after any fork.

    Args:
        open_: opens the installation.
        stopping: whether the letter in hand is to be the last.
    """

    def __init__(self, open_: Callable[[], Installation], stopping: Callable[[], bool]) -> None:
        self.stopping = stopping
        self.moved = threading.Condition()
        self.moved_at: float | None = None
        self._open = open_
        self._lock = threading.Lock()
        self._opened: tuple[int, Installation] | None = None
        self._couriers: list[Courier] = []

    def do(self, duty: Callable[[Courier], None]) -> None:
        """Do one task's duty with a courier of its own, and note when it is done.

        A fault ends the task and is logged without its text, which may quote a row: what was
        due stays due, and the next tick finds it.
        """
        try:
            installation = self._installation()
            courier = installation.courier(self.stopping)
            self._couriers.append(courier)
            try:
                duty(courier)
            finally:
                self._couriers.remove(courier)
        except LettercourseError as fault:
            logger.error("%s", fault)  # noqa: TRY400
        except Exception as fault:  # noqa: BLE001 - Celery would log the text too
            logger.error("a task failed: %s", where_it_arose(fault))  # noqa: TRY400
        else:
            with self.moved:
                self.moved_at = installation.clock.boot()
                self.moved.notify_all()

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

    def _installation(self) -> Installation:
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                self._opened = (os.getpid(), self._open())
            return self._opened[1]


class AtOnce(beat.Scheduler):  # type: ignore[misc]
    """Keeps its schedule in memory, and everything on it is due when it starts."""

    def setup_schedule(self) -> None:
        """Read the schedule from the configuration."""
        super().setup_schedule()
        for entry in self.schedule.values():
            entry.last_run_at -= entry.schedule.run_every


def build_app(workplace: Workplace, configure: Callable[[], dict[str, Any]]) -> Celery:
    """Return a Celery app whose tasks work at ``workplace``.

    Args:
        workplace: opened by the tasks, not here.
        configure: called when Celery first asks for its configuration.
    """
    celery = Celery("lettercourse", set_as_current=False)
    celery.add_defaults(configure)

    def deliver_and_ring(courier: Courier) -> None:
        if deliver_window(courier).claimed >= courier.window and not workplace.stopping():
            ring(celery)

    def ring_for_all(courier: Courier) -> None:
        ring_for_due(courier.store, courier.clock, lambda: ring(celery), courier.window)

    @celery.task(name="lettercourse.deliver", shared=False)
    def deliver() -> None:
        workplace.do(deliver_and_ring)

    @celery.task(name="lettercourse.tick", shared=False)
    def tick() -> None:
        workplace.do(ring_for_all)

    return celery


def ring(celery: Celery) -> None:
    """Ask any worker to deliver one window; what cannot be asked now, the next tick asks."""
    try:
        celery.tasks["lettercourse.deliver"].apply_async(expires=DOORBELL_LIFE, retry=False)
    except OperationalError as fault:
        logger.warning("the broker cannot be reached: %s", type(fault).__name__)


def configuration(settings: Settings, tick_seconds: float) -> dict[str, Any]:
    """Return Celery's configuration; every value differs from its default for a reason.

    The socket time-outs keep a frozen Redis from holding a task or a tick for minutes, and the
    retries for ever bring a worker back after any outage of the broker.
    """
    embedded = settings.broker_url == "memory://"
    sockets = {"socket_timeout": 5, "socket_connect_timeout": 2, "health_check_interval": 30}
    return {
        "broker_url": "memory://localhost" if embedded else settings.broker_url,
        "broker_transport_options": {"polling_interval": 0.01} if embedded else sockets,
        "broker_connection_timeout": 2,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "task_default_queue": QUEUE,
        "task_ignore_result": True,
        "task_publish_retry": False,
        "task_annotations": {"*": {"max_retries": 0}},
        "result_expires": None,
        "worker_prefetch_multiplier": 0 if embedded else 1,
        "worker_redirect_stdouts": False,
        "beat_scheduler": f"{__name__}:AtOnce",
        "beat_schedule": {
            "tick": {
                "task": "lettercourse.tick",
                "schedule": timedelta(seconds=tick_seconds),
                "options": {"expires": max(tick_seconds, 5.0)},
            }
        },
    }


class _Flag:
    """One bit that processes forked from this one share."""

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    def __call__(self) -> bool:
        return self._byte[0] == 1

    def set(self, *_: object, **__: object) -> None:
        self._byte[0] = 1


def _configure() -> dict[str, Any]:
    """Configure from the environment, or say in one line what to mend, and end."""
    try:
        settings = settings_from_environment()
        if settings.broker_url == "memory://":
            raise Refused(
                "on memory:// no other process hears a worker or beat",
                where="LETTERCOURSE_BROKER_URL",
                remedy="set it to redis://host:6379/0, or run lettercourse up",
            )
    except LettercourseError as fault:
        _end(fault)
    return configuration(settings, SCALED_TICK)


def _open() -> Installation:
    return open_installation(settings_from_environment(), force=_forced())


def _end(fault: LettercourseError) -> NoReturn:
    sys.stderr.write(f"{fault}\n")
    sys.exit(2)


_forced = _Flag()
_stopping = _Flag()
_workplace = Workplace(_open, _stopping)
app = build_app(_workplace, _configure)
app.user_options["worker"].add(
    click.Option(["--force"], is_flag=True, help="Work although the database was rehearsed.")
)


def _before_work(instance: Any, options: dict[str, Any], **_: object) -> None:
    """Refuse in one line what would otherwise fail in every task."""
    if instance.app is not app:
        return
    if options.get("force"):
        _forced.set()
    try:
        installation = _open()
        try:
            installation.refuse_rehearsed()
        finally:
            installation.close()
    except LettercourseError as fault:
        _end(fault)


def _after_work(**_: object) -> None:
    _workplace.close()


signals.celeryd_init.connect(_before_work, weak=False)
signals.worker_shutting_down.connect(_stopping.set, weak=False)
signals.worker_process_shutdown.connect(_after_work, weak=False)
signals.worker_shutdown.connect(_after_work, weak=False)
