"""The Celery app: two tasks over two use cases. A message is a doorbell; the truth is in SQL.

``celery -A worker.tasks worker`` and ``... beat`` use :data:`app`; the embedded stack builds its
own. Doorbells may be lost, doubled or late, so they are acknowledged early, never retried and
expire soon: the next tick, or a process's own sweep, finds what they would have found.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

import click
from billiard.util import set_pdeathsig
from celery import Celery, beat, bootsteps, signals
from celery.concurrency.prefork import TaskPool
from celery.utils.log import get_logger
from kombu.exceptions import OperationalError
from kombu.transport.redis import QoS

from course.errors import LettercourseError
from worker.delivery import MOST_RINGS, Courier, ring_for_due
from worker.errors import Refused
from worker.installation import Installation, open_installation
from worker.logs import log_as
from worker.settings import Settings, settings_from_environment
from worker.workplace import Workplace, touch

QUEUE = "lettercourse"
SCALED_TICK = 10.0
DOORBELL_LIFE = 30.0

LANES = 4
"""Windows that one task of a scaled-out worker has in flight at once."""

MOST_MEMORY = 500_000
"""KiB of memory with which a forked process is replaced by a fresh one, after its task."""

# Doorbells that nobody began are let go with their connection: kombu 5.7 ends the whole worker when
# it cannot put them back, as after a kill of Redis.
QoS.restore_at_shutdown = False

logger = get_logger(__name__)


class AtOnce(beat.Scheduler):  # type: ignore[misc]
    """Keeps its schedule in memory, and everything on it is due when it starts."""

    producer = None
    """None of its own, which would hold up the first tick until there is a broker."""

    def setup_schedule(self) -> None:
        """Read the schedule from the configuration."""
        super().setup_schedule()
        for entry in self.schedule.values():
            entry.last_run_at -= entry.schedule.run_every

    def apply_entry(self, entry: Any, producer: Any = None) -> None:  # noqa: ARG002
        """Ring once; what cannot be rung for now, the next tick rings for."""
        _publish(self.app.tasks[entry.task], entry.options)


class WithSignOfLife(AtOnce):
    """The same in a process of its own, which a health check looks at."""

    def setup_schedule(self) -> None:
        """Read the schedule from the configuration, its file from the environment."""
        super().setup_schedule()
        self._sign_of_life = settings_from_environment().sign_of_life

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Ring once, and show that it goes on."""
        super().apply_entry(entry, producer)
        touch(self._sign_of_life)


def build_app(
    workplace: Workplace, configure: Callable[[], dict[str, Any]], most_rings: int = MOST_RINGS
) -> Celery:
    """Return a Celery app whose tasks work at ``workplace``.

    Args:
        workplace: opened by the tasks, not here.
        configure: called when Celery first asks for its configuration.
        most_rings: doorbells of one tick; more than there are who hear them only wait.
    """
    celery = Celery("lettercourse", set_as_current=False)
    celery.add_defaults(configure)

    def ring_for_all(courier: Courier) -> None:
        heard = [True]

        def once_more() -> None:
            heard.append(heard[-1] and ring(celery))  # of a broker that is away one wait is enough

        in_flight = workplace.lanes * courier.window
        ring_for_due(courier.store, courier.clock, once_more, in_flight, most_rings)

    @celery.task(name="lettercourse.deliver", shared=False)
    def deliver() -> None:
        workplace.heard()
        if workplace.deliver():
            ring(celery)

    @celery.task(name="lettercourse.tick", shared=False)
    def tick() -> None:
        workplace.heard()
        workplace.do(ring_for_all)

    return celery


def ring(celery: Celery) -> bool:
    """Ask any worker to deliver; tell whether the broker took it. The next tick asks again."""
    return _publish(celery.tasks["lettercourse.deliver"], {"expires": DOORBELL_LIFE})


def _publish(task: Any, options: dict[str, Any]) -> bool:
    try:
        task.apply_async(**options, retry=False)
    except OperationalError as fault:
        logger.warning("the broker cannot be reached: %s", type(fault.__cause__ or fault).__name__)
        return False
    return True


def configuration(settings: Settings, tick_seconds: float) -> dict[str, Any]:
    """Return Celery's configuration; every value differs from its default for a reason.

    The socket time-outs keep a frozen Redis from holding a task or a tick for minutes, and the
    retries for ever bring a worker back after any outage of the broker.
    """
    embedded = settings.broker_url == "memory://"
    sockets = {
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 30,
        "max_retries": 0,  # of whoever publishes; a worker's own connection retries for ever
    }
    return {
        "broker_url": "memory://localhost" if embedded else settings.broker_url,
        "broker_transport_options": {"polling_interval": 0.05} if embedded else sockets,
        "broker_connection_timeout": 2,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "task_default_queue": QUEUE,
        "task_ignore_result": True,
        "task_publish_retry": False,
        "task_annotations": {"*": {"max_retries": 0}},
        "result_expires": None,
        "worker_prefetch_multiplier": 1,  # more would wait where no doorbell expires any more
        "worker_redirect_stdouts": False,
        "worker_max_memory_per_child": MOST_MEMORY,
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
    scaled = configuration(settings, SCALED_TICK)
    return {**scaled, "beat_scheduler": f"{__name__}:WithSignOfLife"}


def _open() -> Installation:
    return open_installation(settings_from_environment(), force=_forced())


def _end(fault: LettercourseError) -> NoReturn:
    sys.stderr.write(f"{fault}\n")
    sys.exit(2)


_forced = _Flag()
_stopping = _Flag()
_workplace = Workplace(_open, _stopping, LANES)
app = build_app(_workplace, _configure)
app.user_options["worker"].add(
    click.Option(["--force"], is_flag=True, help="Work although the database was rehearsed.")
)


class _Keeper(bootsteps.StartStopStep):  # type: ignore[misc]
    """Keeps the workplace of a worker that does not fork, whether it has a broker or not."""

    requires = ("celery.worker.components:Pool",)

    def start(self, worker: Any) -> None:
        """Begin once the pool is there: a pool that forks has a workplace in each process."""
        if not isinstance(worker.pool, TaskPool):
            _workplace.keep()


app.steps["worker"].add(_Keeper)


def _before_work(instance: Any, options: dict[str, Any], **_: object) -> None:
    """Refuse in one line what would otherwise fail in every task; leave nothing open to a fork."""
    if instance.app is not app:
        return
    if options.get("force"):
        _forced.set()
    try:
        if options.get("beat"):
            raise Refused(
                "a scheduler inside a worker outlives it when that is killed",
                where="celery worker --beat",
                remedy="run: celery -A worker.tasks beat, any number of them",
            )
        installation = _open()
        try:
            installation.refuse_rehearsed()
            installation.look_at_journal()
        finally:
            installation.close()
    except LettercourseError as fault:
        _end(fault)


def _in_a_child(**_: object) -> None:
    """Keep a forked process's workplace.

    Linux would kill it together with its parent, and leave its windows in doubt; it looks for
    itself instead, finishes the letters in hand and ends.
    """
    set_pdeathsig(0)
    _workplace.keep(os.getppid())


def _after_work(**_: object) -> None:
    _workplace.end()
    _workplace.close()


def _log(**_: object) -> None:
    """Log as our settings say, in place of Celery's own way; faults in them are told elsewhere."""
    with contextlib.suppress(LettercourseError):
        log_as("beat" if "beat" in sys.argv else "worker", settings_from_environment())


signals.setup_logging.connect(_log, weak=False)
signals.celeryd_init.connect(_before_work, weak=False)
signals.worker_shutting_down.connect(_stopping.set, weak=False)
signals.worker_process_init.connect(_in_a_child, weak=False)
signals.worker_process_shutdown.connect(_after_work, weak=False)
signals.worker_shutdown.connect(_after_work, weak=False)
