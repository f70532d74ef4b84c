"""A web door over a store and clocks that a test has in its hands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.worker.ledger import LINKS, HandClock, Mailbox
from tests.worker.tiny_course import environment
from worker.installation import Installation
from worker.model import Open
from worker.pseudonyms import Pseudonyms
from worker.settings import read_settings
from worker.store import Store
from worker.web import build_web
from worker.web.server import Server


def installation_on(store: Store, clock: HandClock, folder: Path) -> Installation:
    """Return an installation over a store that stays the caller's to close."""
    settings = read_settings(environment(folder))
    return Installation(settings, store, Mailbox(), LINKS, Pseudonyms(["k" * 16]), clock, Open())


@contextmanager
def served(installation: Installation, *, moving: bool = True) -> Iterator[httpx.Client]:
    """Serve its web application; ``moving`` is what its own worker does."""
    server = Server(build_web(installation, lambda: moving), "127.0.0.1", 0)
    server.start()
    try:
        with httpx.Client(base_url=server.url, timeout=30) as client:
            yield client
    finally:
        server.stop()
        assert server.join(time.monotonic() + 5)
