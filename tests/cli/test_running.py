"""``up`` and ``web`` as processes of their own, with other commands beside them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import urlopen

import pytest

from tests.cli.conftest import Terminal

PATIENCE = 30.0


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running command and the first line it said."""
    with subprocess.Popen(
        [sys.executable, "-m", "worker", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        watchdog = threading.Timer(PATIENCE, running.kill)
        watchdog.start()
        try:
            yield running, running.stdout.readline()
        finally:
            watchdog.cancel()
            running.kill()


def address(line: str) -> str:
    return next(word for word in line.split() if word.startswith("http")).rstrip(",")


def test_up_delivers_what_is_due_beside_other_commands(enrolled: Terminal) -> None:
    with process("up", "--port", "0") as (_, line):
        with urlopen(address(line) + "/healthz", timeout=PATIENCE) as answer:
            assert answer.status == 200
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if enrolled("audit", "--json").json()["sent"] == 3:
                break
        else:
            pytest.fail("up delivered nothing")
        assert enrolled("subscribers", "pause", "ann@example.com").code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_up_stops_when_it_is_told_to(enrolled: Terminal, number: signal.Signals) -> None:
    enrolled.patch.setenv("LETTERCOURSE_LOG_LEVEL", "warning")
    with process("up", "--port", "0") as (running, _):
        asked = time.monotonic()
        running.send_signal(number)
        _, err = running.communicate(timeout=PATIENCE)
        assert (running.returncode, err) == (0, "")
        assert time.monotonic() - asked < 6
    assert enrolled("audit").code == 0


def test_only_one_up_runs_on_a_data_folder(bread: Terminal) -> None:
    with process("up", "--port", "0"):
        answer = bread("up", "--port", "0")
        assert answer.code == 1
        assert "another lettercourse up" in answer.line()


def test_up_refuses_a_rehearsed_database_without_force(enrolled: Terminal) -> None:
    assert enrolled("tick", "--at", "2033-03-03T12:00Z").code == 0
    answer = enrolled("up", "--port", "0")
    assert answer.code == 1
    assert "--force" in answer.line()
    with process("up", "--port", "0", "--force") as (_, line):
        assert address(line)


def test_a_port_that_is_taken_is_one_line(bread: Terminal) -> None:
    with process("web", "--port", "0") as (_, line):
        port = address(line).rpartition(":")[2]
        assert port in bread("web", "--port", port).line()


def test_web_delivers_nothing(enrolled: Terminal) -> None:
    with process("web", "--port", "0") as (running, line):
        with urlopen(address(line) + "/healthz", timeout=PATIENCE) as answer:
            assert answer.status == 200
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=PATIENCE)
        assert running.returncode == 0
    assert enrolled("audit", "--json").json()["sent"] == 0


def test_ctrl_c_ends_a_command_cleanly(enrolled: Terminal) -> None:
    """A tick that was asked to stop says what it did, and 130."""
    script = (
        "import os, signal, sys; from worker.app import run; from worker.cli import tick;"
        "deliver = tick.deliver_due;"
        "tick.deliver_due = lambda *c: (os.kill(os.getpid(), signal.SIGINT), deliver(*c))[1];"
        "sys.exit(run(['tick', '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (130, "")
    assert '"sent": 0' in done.stdout
    assert enrolled("tick", "--json").json()["sent"] == 3
