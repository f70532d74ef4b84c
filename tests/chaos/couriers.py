"""Couriers as processes: the real one, forked at the cost of milliseconds and killed as often.

``python -m tests.chaos.couriers ORDERS`` reads the settings from its environment and its orders, a
JSON object, from its argument. It forks couriers that deliver until they are told to stop, says
``born PID`` and ``died PID STATUS`` on its output, and stops in order when its input ends.

What a courier dies of stands outside of it: its store is wrapped, and the wrapper ends the process
by SIGKILL, or stops it by SIGSTOP, before or after a step. The code that delivers knows nothing of
it.
"""

from __future__ import annotations

import json
import os
import random
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy import event

from course.errors import LettercourseError
from worker.clocks import SteadyClock, machine_time, since_boot
from worker.delivery import Courier, tick
from worker.installation import Installation, open_installation
from worker.settings import settings_from_environment
from worker.store import Store

PAUSE = 0.05
"""Seconds between two rounds of a courier that found nothing to do."""


@dataclass(frozen=True)
class Orders:
    """What the couriers are and what befalls them.

    Attributes:
        workers: how many at a time.
        lease: seconds.
        die: "before gate", "after gate" and so on: the step of the store at which the first
            courier's process ends.
        sign: the number of the signal by which it does.
        again: whether whoever died is replaced.
        kill_every: seconds, from and to, between two SIGKILLs of any of them; 0 for none.
        seed: of chance.
        clock: a file that says, as JSON, by how many seconds the wall is off and how many were
            slept; empty for the machine's own.
        skew: seconds by which each courier's wall is ahead of the one's before.
        pages: what a SQLite file may grow to; 0 for no limit.
        file_limit: bytes that any file may grow to; 0 for no limit.
    """

    workers: int = 1
    lease: float = 30.0
    die: str = ""
    sign: int = signal.SIGKILL
    again: bool = False
    kill_every: tuple[float, float] = (0.0, 0.0)
    seed: int = 0
    clock: str = ""
    skew: float = 0.0
    pages: int = 0
    file_limit: int = 0


class Mortal:
    """A store whose user meets a signal before or after one of its steps, the first time."""

    def __init__(self, store: Store, point: str, sign: int) -> None:
        self._store = store
        self._when, _, self._step = point.partition(" ")
        self._sign = sign

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return self._deadly(found) if name == self._step else found

    def _deadly(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*args: Any, **more: Any) -> Any:
            if self._when == "before":
                self._meet()
            answer = step(*args, **more)
            if self._when == "after" and answer:
                self._meet()
            return answer

        return stepped

    def _meet(self) -> None:
        self._step = ""
        os.kill(os.getpid(), self._sign)


def clock_of(orders: Orders, number: int) -> SteadyClock | None:
    """Return the clock of one courier; ``None`` for the installation's own."""
    if not (orders.clock or orders.skew):
        return None

    def off(what: str) -> float:
        return float(json.loads(Path(orders.clock).read_text())[what]) if orders.clock else 0.0

    return SteadyClock(
        lambda: (
            machine_time() + timedelta(seconds=off("set") + off("slept") + number * orders.skew)
        ),
        lambda: since_boot() + off("slept"),
    )


def courier_of(installation: Installation, orders: Orders, stopping: Callable[[], bool]) -> Courier:
    """Return a courier whose store is as mortal as the orders say."""
    courier = installation.courier(stopping)
    if orders.die:
        mortal = cast("Store", Mortal(installation.store, orders.die, orders.sign))
        courier = replace(courier, store=mortal)
    return replace(courier, lease=timedelta(seconds=orders.lease))


def deliver(orders: Orders, number: int) -> None:
    """Be a courier until SIGTERM, or an orphan: do what is due, again and again."""
    told: list[int] = []
    parent = os.getppid()
    signal.signal(signal.SIGTERM, lambda sign, _: told.append(sign))
    if orders.file_limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (orders.file_limit, orders.file_limit))

    def stopping() -> bool:
        return bool(told) or os.getppid() != parent

    installation: Installation | None = None
    while not stopping():
        # A database that is away just now ends no worker.
        try:
            installation = installation or open_for(orders, number)
            tick(courier_of(installation, orders, stopping))
        except LettercourseError as fault:
            say(f"fault {fault}")
        time.sleep(PAUSE)
    if installation is not None:
        installation.close()


def open_for(orders: Orders, number: int) -> Installation:
    """Open what the environment names, as one courier sees it."""
    installation = open_installation(settings_from_environment(), clock_of(orders, number))
    narrow(installation, orders.pages)
    return installation


def narrow(installation: Installation, pages: int) -> None:
    """Let the SQLite file grow to so many pages and no further."""

    def connected(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    if pages:
        installation.store.close()
        event.listen(installation.store._database.engine, "connect", connected)


class Brood:
    """Forks couriers, replaces them, kills them by chance, and ends them in order."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._chance = random.Random(orders.seed)
        self._alive: dict[int, int] = {}
        self._born = 0

    def live(self) -> None:
        for number in range(self._orders.workers):
            self._bear(number)
        kill_at = self._next_kill()
        while self._alive or self._orders.again:
            wait = 0.02 if kill_at is None else min(0.02, max(kill_at - time.monotonic(), 0.0))
            if select.select([sys.stdin], [], [], wait)[0]:
                if sys.stdin.readline() == "":
                    break
                kill_at = None  # whatever was said, it means: let them live
                say("calm")
            if kill_at is not None and time.monotonic() >= kill_at:
                self._kill_one()
                kill_at = self._next_kill()
            self._bury()
        for pid in self._alive:
            os.kill(pid, signal.SIGTERM)
            os.kill(pid, signal.SIGCONT)
        while self._alive:
            self._forget(*os.wait())

    def _bear(self, number: int) -> None:
        orders = (
            self._orders if self._born < self._orders.workers else replace(self._orders, die="")
        )
        self._born += 1
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                deliver(orders, number)
                code = 0
            except BaseException:
                traceback.print_exc()
                raise
            finally:
                sys.stdout.flush()
                os._exit(code)
        self._alive[pid] = number
        say(f"born {pid}")

    def _next_kill(self) -> float | None:
        least, most = self._orders.kill_every
        return time.monotonic() + self._chance.uniform(least, most) if most else None

    def _kill_one(self) -> None:
        if self._alive:
            os.kill(self._chance.choice(sorted(self._alive)), signal.SIGKILL)

    def _bury(self) -> None:
        while self._alive:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            number = self._forget(pid, status)
            if self._orders.again:
                self._bear(number)

    def _forget(self, pid: int, status: int) -> int:
        say(f"died {pid} {os.waitstatus_to_exitcode(status)}")
        return self._alive.pop(pid)


def say(what: str) -> None:
    print(what, flush=True)


def orders_as_text(orders: Orders) -> str:
    return json.dumps({each.name: getattr(orders, each.name) for each in fields(orders)})


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    Brood(Orders(**{**given, "kill_every": tuple(given["kill_every"])})).live()
