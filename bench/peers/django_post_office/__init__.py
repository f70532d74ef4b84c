"""Django with django-post-office: its own queue in PostgreSQL, sent by two processes.

As its documentation has it: ``mail.send_many`` fills the queue, ``send_queued_mail --processes 2``
empties it, every letter's status is kept and its sending logged (the default log level), with the
default five threads and connections a process.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.measure import Run
from bench.passage import watch
from bench.peers.letter import content
from bench.programs import once, program
from bench.servers import Servers, folder
from bench.sink import CACHE, Sink

HERE = Path(__file__).parent
ENVIRONMENT = CACHE / "django_post_office"
PYTHON = ENVIRONMENT / "bin" / "python"


def install() -> None:
    """Make its environment from the package index, the first time."""
    done = ENVIRONMENT / "done"
    wanted = (HERE / "requirements.txt").read_text()
    if done.exists() and done.read_text() == wanted:
        return
    once([sys.executable, "-m", "venv", "--clear", ENVIRONMENT])
    quiet = ("--quiet", "--disable-pip-version-check")
    once([PYTHON, "-m", "pip", "install", *quiet, "--requirement", HERE / "requirements.txt"])
    done.write_text(wanted)


def deliver(around: Servers, server: Sink, letters: int) -> Run:
    """Queue so many letters, then watch two processes send them."""
    install()
    with folder() as place:
        database = around.postgresql.create()
        (place / "letter.json").write_text(json.dumps(content()))
        settings = {
            "PYTHONPATH": str(HERE),
            "DJANGO_SETTINGS_MODULE": "project",
            "PEER_DATABASE": database,
            "PEER_DATABASE_PORT": str(around.postgresql.port),
            "PEER_SMTP_PORT": str(server.port),
        }
        once([PYTHON, "-m", "django", "migrate", "--verbosity", "0"], settings, place)
        once([PYTHON, HERE / "fill_queue.py", place / "letter.json", str(letters)], settings, place)
        lock = ("--lockfile", place / "lock")
        command = (PYTHON, "-m", "django", "send_queued_mail", "--processes", "2", *lock)
        with program(command, place / "log", settings, place) as sending:
            named = {"send_queued_mail": sending}
            run = watch(server, server.port, letters, lambda: None, named, around.pids)
            sending.finish(60)
        around.postgresql.drop(database)
        return run
