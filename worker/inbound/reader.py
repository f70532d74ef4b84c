"""Mail is parsed where a parser that runs away can be killed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from worker.inbound.child import describe, read_frame, write_frame
from worker.inbound.model import InboundMail, ParsedMail
from worker.inbound.parse import last_resort, skim_mail

_START = 30.0
"""Seconds that a child may take to start, on a machine that is busy."""

_LARGEST = 2**32 - 1
_FAULTS = (OSError, EOFError, ValueError, KeyError, TypeError)


class MailReader:
    """Parses mail in one child process, which ends at its limits and is then replaced.

    Whatever a mail does to the child, :meth:`read` answers: with the mail understood, or else with
    its full text (:func:`worker.inbound.skim_mail`). Thread-safe; after a fork each process has a
    child of its own.

    Args:
        deadline: seconds that one mail may take.
        memory: bytes of address space that the child may have.
        seconds: of processor time for one mail; the system ends the child, should this process be
            too busy to.
    """

    def __init__(
        self, *, deadline: float = 5.0, memory: int = 768 * 2**20, seconds: int = 5
    ) -> None:
        self._deadline = deadline
        self._command = [
            sys.executable, "-m", "worker.inbound.child", str(memory), str(seconds)
        ]  # fmt: skip
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def read(self, mail: InboundMail) -> ParsedMail:
        """Return the mail understood, or its full text if that takes too much."""
        with self._lock:
            try:
                return ParsedMail.from_json(self._ask(mail).decode())
            except _FAULTS:
                self._end()
            except BaseException:
                self._end()  # its answer would be taken for the next mail's
                raise
        try:
            return skim_mail(mail)
        except Exception:  # noqa: BLE001 - whatever it is, the mail is kept
            return last_resort(mail)

    def close(self) -> None:
        """End the child; the reader may be used again afterwards."""
        with self._lock:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, mail: InboundMail) -> bytes:
        """Return the child's answer.

        Raises:
            OSError, EOFError: there is none, because the child died or was killed.
            ValueError: the mail is larger than a frame.
        """
        if len(mail.raw) > _LARGEST:
            raise ValueError("a frame holds four gigabytes")
        child = self._running()
        source, sink = _pipes(child)
        with _killing(child, self._deadline):
            write_frame(source, describe(mail))
            write_frame(source, mail.raw)
            return read_frame(sink)

    def _running(self) -> subprocess.Popen[bytes]:
        """Return a child that is ready for a mail.

        Raises:
            OSError, EOFError: none could be started.
        """
        if self._child is not None and self._owner != os.getpid():
            self._child = None  # it belongs to the process that this one was forked from
        if self._child is not None and self._child.poll() is not None:
            self._end()
        if self._child is None:
            self._child = subprocess.Popen(  # noqa: S603 - our own module
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=Path(__file__).parents[2],
            )
            self._owner = os.getpid()
            with _killing(self._child, _START):
                read_frame(_pipes(self._child)[1])
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None or self._owner != os.getpid():
            return
        child.kill()
        for pipe in _pipes(child):
            with contextlib.suppress(OSError):
                pipe.close()
        child.wait()


@contextlib.contextmanager
def _killing(child: subprocess.Popen[bytes], deadline: float) -> Iterator[None]:
    """Kill a child unless the block ends before the deadline, so that no pipe is waited for."""
    timer = threading.Timer(deadline, child.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _pipes(child: subprocess.Popen[bytes]) -> tuple[BinaryIO, BinaryIO]:
    if child.stdin is None or child.stdout is None:
        raise OSError("the child has no pipes")
    return child.stdin, child.stdout  # type: ignore[return-value]
