"""Where the letters of both sides go: one fast mail server that throws away and counts.

It is postfix's ``smtp-sink``, from PATH or unpacked from Debian's package without installing it
(it needs no set-up); elsewhere our own in :mod:`bench.plain_sink`, which is half as fast.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.programs import ROOT
from tests.servers.ports import free_port

CACHE = ROOT / "bench" / ".cache"
"""What was unpacked or built for measurements; not kept under version control."""

LOOK_EVERY = 0.02
_COUNT = re.compile(rb"mesg=(\d+)")


@dataclass
class Sink:
    """A running sink.

    Attributes:
        name: which one it is.
        curve: seconds of the monotonic clock, and letters taken by then; only where it changes.
    """

    name: str
    pid: int
    port: int
    curve: list[tuple[float, int]] = field(default_factory=lambda: [(time.monotonic(), 0)])

    @property
    def taken(self) -> int:
        """Letters taken so far, a moment ago at most."""
        return self.curve[-1][1]


@contextmanager
def sink(*, plain: bool = False) -> Iterator[Sink]:
    """Run a sink on a free port of loopback; the ``plain`` one is ours."""
    port = free_port()
    name, command, environment = choose(port, None if plain else smtp_sink())
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd=ROOT
    ) as running:
        assert running.stdout is not None
        started = Sink(name, running.pid, port)
        counting = threading.Thread(
            target=_count, args=[running.stdout.fileno(), started.curve], daemon=True
        )
        counting.start()
        try:
            yield started
        finally:
            running.terminate()
            running.wait(10)
            counting.join(10)


def choose(port: int, found: Path | None) -> tuple[str, Sequence[str], Mapping[str, str]]:
    """Return the sink's name, command and environment; ``found`` is postfix's."""
    if found is None:
        command = [sys.executable, "-m", "bench.plain_sink", str(port)]
        return "our own sink", command, {**os.environ, "PYTHONPATH": str(ROOT)}
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    libraries = str(found.parents[1] / "lib" / "postfix")
    command = [str(found), *user, "-c", f"127.0.0.1:{port}", "1000"]
    return "smtp-sink", command, {**os.environ, "LD_LIBRARY_PATH": libraries}


def smtp_sink() -> Path | None:
    """Return postfix's sink, unpacked into the cache where it is not installed."""
    if installed := shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        return Path(installed)
    unpacked = CACHE / "postfix"
    if not unpacked.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        packages = CACHE / "packages"
        packages.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["apt-get", "download", "postfix"], cwd=packages, capture_output=True, check=False
        )
        for package in packages.glob("postfix_*.deb"):
            subprocess.run(["dpkg", "-x", package, unpacked], check=True)
    program = unpacked / "usr" / "sbin" / "smtp-sink"
    return program if program.exists() else None


def _count(output: int, curve: list[tuple[float, int]]) -> None:
    """Note when the count changed; what is printed for each letter is read in large pieces."""
    rest = b""
    while piece := os.read(output, 1 << 20):
        counts = _COUNT.findall(rest + piece)
        rest = piece[-40:]
        if counts and int(counts[-1]) > curve[-1][1]:
            curve.append((time.monotonic(), int(counts[-1])))
        time.sleep(LOOK_EVERY)
