"""nodemailer behind BullMQ: a queue in Valkey, emptied by two Node processes.

As their documentation has it: jobs are added in bulk with attempts and back-off, each worker has
a concurrency, completed jobs stay in Valkey with their result as the record of what was sent, and
nodemailer keeps a pool of connections (its default of five).
"""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from pathlib import Path

from bench.measure import Run
from bench.passage import watch
from bench.peers.letter import content
from bench.programs import Program, once, program
from bench.servers import Servers, folder
from bench.sink import CACHE, Sink

HERE = Path(__file__).parent
ENVIRONMENT = CACHE / "bullmq"


def install() -> None:
    """Install its packages from npm's registry, the first time; its programs lie beside them."""
    ENVIRONMENT.mkdir(parents=True, exist_ok=True)
    done = ENVIRONMENT / "done"
    wanted = (HERE / "package.json").read_text()
    for each in ("package.json", "queue.js", "worker.js"):
        shutil.copy(HERE / each, ENVIRONMENT)
    if not (done.exists() and done.read_text() == wanted):
        quiet = ("--no-audit", "--no-fund", "--no-package-lock", "--loglevel", "error")
        once(["npm", "install", *quiet], folder=ENVIRONMENT)
        done.write_text(wanted)


def deliver(around: Servers, server: Sink, letters: int, workers: int = 2) -> Run:
    """Queue so many letters, then watch the workers send them."""
    install()
    with folder() as place, ExitStack() as stack:
        (place / "letter.json").write_text(json.dumps(content()))
        queue = ("node", "queue.js", str(around.valkey_port), place.name)
        once([*queue, str(letters)], folder=ENVIRONMENT)
        named: dict[str, Program] = {}
        for number in range(1, workers + 1):
            given = (str(around.valkey_port), place.name, str(server.port), place / "letter.json")
            worker = program(
                ("node", "worker.js", *given), place / f"{number}.log", folder=ENVIRONMENT
            )
            named[f"node {number}"] = stack.enter_context(worker)
        for each in named.values():
            each.wait_for("ready")

        def go() -> None:
            for each in named.values():
                each.tell("go")

        pids = {"valkey": around.valkey_pid}
        run = watch(server, server.port, letters, go, named, pids)
        stack.close()
        once([*queue, "0"], folder=ENVIRONMENT)
        return run
