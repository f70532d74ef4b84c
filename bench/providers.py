"""Letters from the ledger into a Maildir, to nowhere, and through SendGrid, in one process."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE
from urllib.parse import urlsplit

from bench.measure import Case, Run, Size, timed
from bench.programs import ROOT
from bench.sample import NOW, Nowhere, courier, edition, enrolled, values
from course.fill import fill_mime
from worker.delivery import deliver_round, tick
from worker.model import Content, Message
from worker.providers.maildir import MaildirProvider
from worker.providers.sendgrid import SendGridProvider
from worker.providers.sendgrid_payload import batch as together
from worker.providers.sendgrid_payload import single

THREADS = 8


def delivering(size: Size) -> Iterator[Case]:
    """Claim, gate, hand over and settle, against writing the same files or filling them alone."""
    letter, count = edition().letters[0], size.of(1000)

    def to_nowhere() -> Run:
        with tempfile.TemporaryDirectory() as name:
            store = enrolled(Path(name), count)
            run = timed(count, lambda: tick(courier(store, Nowhere())))
            store.close()
            return run

    def to_maildir() -> Run:
        with tempfile.TemporaryDirectory() as name:
            store = enrolled(Path(name), count)
            provider = MaildirProvider(Path(name) / "maildir")
            run = timed(count, lambda: tick(courier(store, provider)))
            store.close()
            return run

    def files() -> Run:
        with tempfile.TemporaryDirectory() as name:
            provider = MaildirProvider(Path(name))

            def write() -> None:
                for n in range(count):
                    mime = fill_mime(letter, values(n))
                    provider.send(Message(f"{n:032x}", "a@example.org", "b@example.org", mime))

            return timed(count, write)

    def fills() -> Run:
        return timed(count, lambda: [fill_mime(letter, values(n)) for n in range(count)])

    yield Case("deliver into a Maildir", "letters/s", to_maildir, "files/s", files)
    yield Case("deliver to nowhere", "letters/s", to_nowhere, "fills/s", fills)


def through_sendgrid(size: Size) -> Iterator[Case]:
    """Deliver with 50 ms of latency, against as many bare posts of the same calls."""
    for batch, count in ((1, size.of(400)), (500, size.of(8_000))):
        with strict_sendgrid(latency=0.05) as (url, key):
            yield _through_sendgrid(batch, count, url, key)


def _through_sendgrid(batch: int, count: int, url: str, key: str) -> Case:
    letter, sender = edition().letters[0], edition().sender
    assert sender is not None
    messages = []
    for n in range(batch):
        copy = values(n)
        content = Content(letter, copy, sender)
        mime = fill_mime(letter, copy)
        messages.append(Message(f"{n:032x}", sender.email, copy.address, mime, content))
    body = (
        single(messages[0], sandbox=False) if batch == 1 else together(messages, sandbox=False).body
    )

    def ours() -> Run:
        with tempfile.TemporaryDirectory() as name:
            store = enrolled(Path(name), count)
            provider = SendGridProvider(key, url, lambda: NOW, batch=batch)

            def work() -> None:
                owner = f"bench-{threading.get_ident()}"
                each = courier(store, provider, owner, window=max(20, batch))
                while deliver_round(each).claimed:
                    pass

            run = timed(count, lambda: in_threads(work, THREADS))
            assert store.audit().sent == count
            provider.close()
            store.close()
            return run

    def bare() -> Run:
        calls = iter(range(-(-count // batch)))
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

        def work() -> None:
            connection = http.client.HTTPConnection(urlsplit(url).netloc)
            for _ in calls:
                connection.request("POST", "/v3/mail/send", body, headers)
                assert connection.getresponse().read() == b""
            connection.close()

        return timed(count, lambda: in_threads(work, THREADS))

    name = f"through SendGrid, {batch} a call"
    return Case(name, "letters/s", ours, "in bare posts/s", bare)


@contextlib.contextmanager
def strict_sendgrid(latency: float) -> Iterator[tuple[str, str]]:
    """Run a strict SendGrid as a process of its own; yield its address and key."""
    command = [sys.executable, "-m", "tests.peers.sendgrid", str(latency)]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, cwd=ROOT, text=True) as process:
        said = json.loads(process.stdout.readline()) if process.stdout else {}
        try:
            yield said["url"], said["api_key"]
        finally:
            process.communicate()


def in_threads(work: Callable[[], object], count: int) -> None:
    """Do the same work in so many threads at once."""
    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(work) for _ in range(count)]:
            done.result()
