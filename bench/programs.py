"""Programs that a measurement starts, and what the kernel says they cost."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
ESTABLISHED = "01"


class Program:
    """A running program with everything it starts; its output goes to a file."""

    def __init__(
        self, command: Sequence[str | Path], log: Path, environment: Mapping[str, str], folder: Path
    ) -> None:
        self.log = log
        with log.open("wb") as output:
            self._running = subprocess.Popen(
                [str(part) for part in command],
                env=environment,
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._running.pid

    @property
    def output(self) -> str:
        """What it has said so far."""
        return self.log.read_text("utf-8", "replace")

    def tell(self, line: str) -> None:
        """Write one line to its standard input."""
        assert self._running.stdin is not None
        self._running.stdin.write(line.encode() + b"\n")
        self._running.stdin.flush()

    def wait_for(self, words: str, within: float = 180.0) -> None:
        """Return once it has said ``words``."""
        wait_until(lambda: words in self.output, within, self)

    def finish(self, within: float) -> None:
        """Wait for its end, which has to be a good one."""
        assert self._running.wait(within) == 0, self.output

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._running.poll() is None

    def has_failed(self) -> bool:
        """Whether it has ended, and not well."""
        return self._running.poll() not in (None, 0)

    def stop(self) -> None:
        """Ask it to end, and everything that it started; then make it."""
        if self._running.stdin is not None:
            with contextlib.suppress(OSError):
                self._running.stdin.close()
        if self.is_running():
            self._running.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._running.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._running.pid, signal.SIGKILL)
        self._running.wait(10)


@contextmanager
def program(
    command: Sequence[str | Path],
    log: Path,
    settings: Mapping[str, str] | None = None,
    folder: Path = ROOT,
) -> Iterator[Program]:
    """Run a program as long as the context lasts.

    Args:
        command: its path and arguments.
        log: made anew.
        settings: added to this process's environment, less what sets up Lettercourse.
        folder: where it runs.
    """
    started = Program(command, log, {**_environment(), **(settings or {})}, folder)
    try:
        yield started
    finally:
        started.stop()


@contextmanager
def module(name: str, *arguments: object, log: Path) -> Iterator[Program]:
    """Run one of our own modules as a program."""
    with program([sys.executable, "-m", name, *map(str, arguments)], log) as started:
        yield started


def once(
    command: Sequence[str | Path],
    settings: Mapping[str, str] | None = None,
    folder: Path = ROOT,
    within: float = 600.0,
) -> None:
    """Run a program to its end, which has to be a good one."""
    environment = {**_environment(), **(settings or {})}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        timeout=within,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout}\n{done.stderr}"


def wait_until(condition: Callable[[], bool], within: float, *watched: Program) -> None:
    """Return once ``condition`` holds; fail with what was said when it takes too long."""
    until = time.monotonic() + within
    while not condition():
        said = "\n".join(each.output[-2000:] for each in watched)
        assert not any(each.has_failed() for each in watched), f"a program failed:\n{said}"
        assert time.monotonic() < until, f"not within {within} s:\n{said}"
        time.sleep(0.02)


def processor_seconds(pid: int) -> float:
    """Return what a process and all its descendants have used of the processors so far."""
    return sum(sum(map(int, _stat(each)[11:15])) for each in _family(pid)) / TICKS


def resident_bytes(pid: int) -> int:
    """Return the memory that a process and its descendants hold, shared pages counted by each."""
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(int(_stat(each)[21]) * page for each in _family(pid))


def connections_to(port: int) -> int:
    """Return how many connections of this machine go to a port of loopback."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        int(remote.rpartition(":")[2], 16) == port and state == ESTABLISHED
        for _, _, remote, state, *_ in lines
    )


def _family(pid: int) -> list[int]:
    """Return a process and its descendants, as far as they still run."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
    family = [pid] if Path(f"/proc/{pid}").exists() else []
    for each in family:
        family += children.get(each, [])
    return family


def _stat(pid: int) -> list[str]:
    """Return the fields of ``/proc/PID/stat`` from the state on (proc(5), field 3)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "LETTERCOURSE" not in name}
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    return {**kept, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
