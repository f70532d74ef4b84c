"""Real processes for acceptance tests: started, watched, stopped, and never waited for blindly."""

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

ROOT = Path(__file__).parents[2]
UP = (sys.executable, "-m", "worker", "up", "--port", "0")


class Process:
    """One running program; its output goes to a file, so that it never blocks."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as output:
            self._running = subprocess.Popen(
                command,
                env={**inherited(), **environment},
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._log.read_text("utf-8", "replace")

    @property
    def pid(self) -> int:
        return self._running.pid

    def send(self, number: signal.Signals) -> None:
        self._running.send_signal(number)

    def is_running(self) -> bool:
        return self._running.poll() is None

    def end(self, within: float) -> int:
        """Return the exit code, which has to come in time."""
        return self._running.wait(within)

    def kill(self) -> None:
        """Kill the program and everything that it started, at once; it leads their group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._running.pid, signal.SIGKILL)
        self._running.wait(10)


def children_of(process: Process) -> list[int]:
    """Return the numbers of the processes that a program has forked and that are alive."""
    children = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (folder / "stat").read_text().rpartition(") ")[2].split()[:2]
            if int(parent) == process.pid and state != "Z":
                children.append(int(folder.name))
    return sorted(children)


def inherited() -> dict[str, str]:
    """Return what a program needs of our environment, and none of our settings."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("LETTERCOURSE")
    }
    scripts = str(Path(sys.executable).parent)
    path = os.pathsep.join([scripts, kept.get("PATH", "")])
    return {**kept, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Process]:
    process = Process(command, environment, log)
    try:
        yield process
    finally:
        process.kill()


@contextmanager
def up(environment: Mapping[str, str], log: Path) -> Iterator[Process]:
    """Run the whole embedded stack in a process of its own, on any free port."""
    with running(UP, environment, log) as process:
        yield process


def wait_for(
    condition: Callable[[], object], within: float, *watched: Process, what: str = "it"
) -> None:
    """Return once ``condition`` holds; fail when it takes too long or a process has died."""
    until = time.monotonic() + within
    while not condition():
        for process in watched:
            assert process.is_running(), f"a process died:\n{process.output}"
        said = "\n".join(process.output for process in watched)
        assert time.monotonic() < until, f"{what} did not happen within {within} s\n{said}"
        time.sleep(0.02)
