"""What only a terminal gets: a progress bar and colours."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.cli.conftest import Terminal


def at_a_terminal(*arguments: str, **environment: str) -> tuple[str, str]:
    """What a command wrote to a pipe, and to a terminal on standard error."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "worker", *arguments],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env={**os.environ, "TERM": "xterm-256color", **environment},
    ) as running:
        os.close(theirs)
        shown = b""
        while piece := _read(ours):
            shown += piece
        assert running.stdout is not None
        said = running.stdout.read()
    os.close(ours)
    return said, shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so where others give an empty read: nobody holds the other end
        return b""


def test_a_terminal_sees_a_progress_bar_and_a_program_its_json(bread: Terminal) -> None:
    said, shown = at_a_terminal("enroll", "bread", "people.csv", "--json")
    assert json.loads(said)["enrolled"] == 3
    assert "enrolling" in shown
    assert "100%" in shown


def test_no_terminal_no_progress_bar(bread: Terminal) -> None:
    answer = bread("enroll", "bread", "people.csv", "--json")
    assert (answer.json()["enrolled"], answer.err) == (3, "")


def test_colours_are_for_terminals_that_want_them(bread: Terminal) -> None:
    (bread.folder / "bread" / "loaf.png").unlink()
    yellow = "\x1b[33mwarning"
    assert yellow in at_a_terminal("build", "bread", "--out", "out")[1]
    assert yellow not in at_a_terminal("build", "bread", "--out", "out", NO_COLOR="1")[1]
    assert "\x1b" not in bread("build", "bread", "--out", "out").err
