"""Signing up through the door of a running ``up``, with a mail server that takes what comes."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.acceptance.processes import up, wait_for
from tests.acceptance.test_up import url
from tests.worker.smtp_sink import Hold, Sink, sink
from tests.worker.tiny_course import edition, environment, found
from worker.model import Moment

ADDRESS = "mira@example.org"
PROMPT = 5.0
"""Seconds that somebody who waits in front of their mailbox may be asked to wait, at worst."""


def mail(server: Sink, number: int) -> EmailMessage:
    parsed = message_from_bytes(server.taken[number].content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_from_the_form_to_the_welcome_in_seconds(tmp_path: Path) -> None:
    with sink() as server:
        settings = {"provider": "smtp", "smtp_url": server.url}
        installation = found(tmp_path, **settings)
        installation.store.publish(edition(), installation.now())
        with up(environment(tmp_path, **settings), tmp_path / "log") as process:
            door = url(process)
            began = time.monotonic()
            answer = httpx.post(f"{door}/subscribe/tiny", data={"email": ADDRESS})
            assert answer.status_code == 200
            wait_for(lambda: len(server.taken) == 1, PROMPT, process, what="the confirmation")
            text = mail(server, 0).get_body(("plain",))
            assert text is not None
            link = re.search(r"https?://\S+/confirm/[a-z2-7]+", text.get_content())
            assert link is not None
            assert "List-Id" not in mail(server, 0)
            httpx.post(f"{door}{urlsplit(link[0]).path}")
            wait_for(lambda: len(server.taken) == 2, PROMPT, process, what="the welcome")
            assert mail(server, 1)["X-Letter"] == "welcome"
            assert time.monotonic() - began < 2 * PROMPT
            assert ADDRESS not in process.output
        installation.close()


def test_killed_between_gate_and_answer_a_confirmation_is_in_doubt_and_never_doubled(
    tmp_path: Path,
) -> None:
    with sink(content=[Hold("250 ok")]) as server:
        settings = {"provider": "smtp", "smtp_url": server.url}
        installation = found(tmp_path, **settings)
        store = installation.store
        store.publish(edition(), installation.now())
        with up(environment(tmp_path, **settings), tmp_path / "log") as process:
            httpx.post(f"{url(process)}/subscribe/tiny", data={"email": ADDRESS})
            wait_for(server.held.is_set, 20, process, what="the confirmation")
            process.kill()
        assert store.is_handing_notices()
        server.release()
        later = installation.clock.wall() + timedelta(minutes=1)
        store.reap(Moment(installation.now(), later))
        assert not store.is_handing_notices()
        with up(environment(tmp_path, **settings), tmp_path / "again") as process:
            httpx.post(f"{url(process)}/subscribe/tiny", data={"email": "jo@example.org"})
            wait_for(lambda: arrived(server, "jo@example.org"), 20, process, what="the other one")
        assert arrived(server, ADDRESS) <= 1
        assert store.next_due_at() is None
        installation.close()


def arrived(server: Sink, address: str) -> int:
    return sum(taken.recipient == address for taken in server.taken)
