"""A served installation with a tiny course, and its mailbox as a person sees it."""

from __future__ import annotations

import mailbox
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from worker.delivery import tick
from worker.installation import Installation
from worker.web import build_web
from worker.web.server import Server

TOKEN = "a-token-that-nobody-guesses"
FORM = "/subscribe/tiny"


@contextmanager
def served(installation: Installation) -> Iterator[httpx.Client]:
    """Serve an installation over real HTTP."""
    server = Server(build_web(installation), "127.0.0.1", 0)
    server.start()
    try:
        with httpx.Client(base_url=server.url) as client:
            yield client
    finally:
        server.stop()
        assert server.join(time.monotonic() + 5)


def mails(installation: Installation, address: str) -> list[EmailMessage]:
    """Deliver what is due and return every mail that an address got, oldest first."""
    tick(installation.courier())
    folder = installation.settings.data_dir / "maildir"
    if not folder.exists():
        return []
    paths = sorted((folder / "new").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    parsed = [BytesParser(policy=policy.default).parsebytes(path.read_bytes()) for path in paths]
    assert len(parsed) == len(mailbox.Maildir(folder, create=False))
    return [each for each in parsed if address in each["To"]]


def confirm_link(installation: Installation, address: str) -> str:
    """Return the path that the newest mail to an address asks to open."""
    newest = mails(installation, address)[-1]
    text = newest.get_body(("plain",))
    assert text is not None
    found = re.search(r"https?://\S+/confirm/[a-z2-7]+", text.get_content())
    assert found is not None, text.get_content()
    return urlsplit(found[0]).path


def folder_of(installation: Installation) -> Path:
    return installation.settings.data_dir
