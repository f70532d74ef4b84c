"""Conversations that take turns in one thread: each goes on when its connection is ready.

A thread for each connection would be simpler, and twice as dear: for every answer that comes, it
first fights all others for the interpreter.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Generator
from math import ceil
from typing import NamedTuple, TypeVar

READABLE = select.POLLIN
WRITABLE = select.POLLOUT


class Wait(NamedTuple):
    """What a conversation waits for.

    Attributes:
        file: the descriptor of its connection.
        event: ``READABLE`` or ``WRITABLE``.
        until: on the monotonic clock; then it fails with ``TimeoutError``.
    """

    file: int
    event: int
    until: float


T = TypeVar("T")

Steps = Generator[Wait, None, T]
"""A conversation, or a part of one: it yields whenever it has to wait."""


class Loop:
    """Takes conversations further; one thread at a time."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._events: dict[int, int] = {}
        self._waiting: dict[int, tuple[Wait, Steps[None]]] = {}
        self._bell, self._rope = socket.socketpair()
        for end in (self._bell, self._rope):
            end.settimeout(0)
        self._poll.register(self._bell, READABLE)

    def begin(self, steps: Steps[None]) -> None:
        """Take a conversation to its first wait; from there on it takes turns."""
        self._go_on(steps)

    def wake(self) -> None:
        """End the wait of whoever takes them further; any thread may."""
        with contextlib.suppress(BlockingIOError):  # it rings already
            self._rope.send(b"!")

    def turn(self, until: float) -> None:
        """Wait for what is ready first and take it one step further, or until then."""
        now = time.monotonic()
        first = min([wait.until for wait, _ in self._waiting.values()], default=until)
        seconds = max(min(first, until) - now, 0.0)
        for file, _ in self._poll.poll(ceil(seconds * 1000)):
            if file in self._waiting:
                self._go_on(self._waiting.pop(file)[1], file)
            else:
                self._bell.recv(4096)
        now = time.monotonic()
        if first <= now:
            for wait, steps in [each for each in self._waiting.values() if each[0].until <= now]:
                del self._waiting[wait.file]
                self._go_on(steps, wait.file, TimeoutError("deadline passed"))

    def close(self) -> None:
        """Break off every conversation, for good."""
        for _, steps in self._waiting.values():
            steps.close()
        self._bell.close()
        self._rope.close()

    def _go_on(
        self, steps: Steps[None], file: int | None = None, fault: Exception | None = None
    ) -> None:
        try:
            wait = steps.throw(fault) if fault else next(steps)
        except StopIteration:
            wait = None
        if file is not None and (wait is None or wait.file != file):
            self._poll.unregister(file)
            del self._events[file]
        if wait is not None:
            self._waiting[wait.file] = (wait, steps)
            if self._events.get(wait.file) != wait.event:
                self._poll.register(wait.file, wait.event)
                self._events[wait.file] = wait.event


def finish(steps: Steps[T]) -> T:
    """Take one conversation to its end, in the caller's own thread."""
    try:
        wait = next(steps)
        while True:
            ready = select.poll()
            ready.register(wait.file, wait.event)
            left = max(wait.until - time.monotonic(), 0.0)
            if ready.poll(ceil(left * 1000)):
                wait = next(steps)
            else:
                wait = steps.throw(TimeoutError("deadline passed"))
    except StopIteration as end:
        answer: T = end.value
        return answer


def elsewhere(work: Callable[[], T], until: float) -> Steps[T]:
    """Do what blocks in a thread of its own, and wait for it.

    Raises:
        TimeoutError: it took too long, and goes on by itself.
        Exception: whatever it raised.
    """
    done, told = socket.socketpair()
    answers, faults = list[T](), list[Exception]()

    def do() -> None:
        with told:
            try:
                answers.append(work())
            except Exception as fault:  # noqa: BLE001 - raised where it is waited for
                faults.append(fault)

    threading.Thread(target=do, name="smtp", daemon=True).start()
    with done:
        yield Wait(done.fileno(), READABLE, until)
    if faults:
        raise faults[0]
    return answers[0]
