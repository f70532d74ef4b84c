from __future__ import annotations

import logging
import smtplib
import socket
import threading
import time
from asyncio import all_tasks
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from course.errors import LettercourseError
from tests.worker.post import REPLIES, bounce, mail
from tests.worker.test_inbound_hook import reply, without_database, written
from tests.worker.tiny_course import enroll, found
from worker.delivery import tick
from worker.installation import Installation
from worker.model import SubscriberState
from worker.stack import Stack
from worker.web.listener import FILING, LARGEST_MAIL, Listener

AUTHSERV = "mx.example.org"
TRUSTED = f"Authentication-Results: {AUTHSERV}; dkim=pass header.d=example.org\r\n".encode()


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """One person was sent the welcome."""
    opened = found(tmp_path, reply_domain=REPLIES, authserv_id=AUTHSERV)
    enroll(opened, 1)
    tick(opened.courier())
    yield opened
    opened.close()


@contextmanager
def listening(installation: Installation, protocol: str = "lmtp") -> Iterator[int]:
    listener = Listener(installation, f"{protocol}://127.0.0.1:{free_port()}")
    listener.start()
    try:
        yield listener.port
    finally:
        listener.stop()
        assert listener.join(time.monotonic() + 5)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found_port:
        return int(found_port.getsockname()[1])


@contextmanager
def speaking(port: int, protocol: str = "lmtp") -> Iterator[smtplib.SMTP]:
    kind = smtplib.LMTP if protocol == "lmtp" else smtplib.SMTP
    client = kind("127.0.0.1", port)
    try:
        yield client
        client.quit()
    finally:
        client.close()


@pytest.fixture(params=["lmtp", "smtp"])
def client(request: pytest.FixtureRequest, installation: Installation) -> Iterator[smtplib.SMTP]:
    with listening(installation, request.param) as port, speaking(port, request.param) as opened:
        yield opened


def to(installation: Installation) -> str:
    (letter,) = installation.store.deliveries()
    return installation.links.reply_address(letter.id)


def test_a_reply_becomes_a_reflection(installation: Installation, client: smtplib.SMTP) -> None:
    words = "I did it.\n\n.\n..\n.hidden dots\n\nGrüße"
    raw = TRUSTED + reply(installation, words).replace(b"\n", b"\r\n")
    for _ in range(2):
        assert client.sendmail("p000@example.org", to(installation), raw) == {}
    assert written(installation) == [(words, True)]


def test_without_the_name_of_our_server_nothing_is_verified(tmp_path: Path) -> None:
    opened = found(tmp_path, reply_domain=REPLIES)
    try:
        enroll(opened, 1)
        tick(opened.courier())
        with listening(opened) as port, speaking(port) as client:
            client.sendmail("p000@example.org", to(opened), TRUSTED + reply(opened, "I did it."))
        assert written(opened) == [("I did it.", False)]
    finally:
        opened.close()


def test_mail_for_others_is_refused(installation: Installation, client: smtplib.SMTP) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        client.sendmail("p000@example.org", "someone@example.com", mail("Relay me."))
    assert refused.value.recipients["someone@example.com"][0] == 550


def test_a_bounce_comes_with_an_empty_sender(
    installation: Installation, client: smtplib.SMTP
) -> None:
    (letter,) = installation.store.deliveries()
    address = installation.links.bounce_address(letter.id)
    assert client.sendmail("", address, bounce(address)) == {}
    assert installation.store.standing("p000@example.org").state is SubscriberState.BOUNCED


def test_each_recipient_is_answered_for_in_lmtp(installation: Installation) -> None:
    with listening(installation) as port, speaking(port) as client:
        client.ehlo_or_helo_if_needed()
        client.mail("p000@example.org")
        assert client.rcpt(to(installation))[0] == 250
        assert client.rcpt(f"other@{REPLIES}")[0] == 250
        client.docmd("DATA")
        client.send(reply(installation, "For two.").replace(b"\n", b"\r\n") + b".\r\n")
        assert [client.getreply()[0], client.getreply()[0]] == [250, 250]
        assert client.noop()[0] == 250
    assert [text for text, _ in written(installation)] == ["For two."]


def test_lines_of_any_length_and_an_empty_mail_are_taken(
    installation: Installation, client: smtplib.SMTP
) -> None:
    words = "word " * 200_000
    raw = reply(installation, "x").replace(b"\nx\n", f"\n{words}\n".encode())
    assert client.sendmail("p000@example.org", to(installation), raw) == {}
    assert len(written(installation)) == 1
    assert client.mail("p000@example.org")[0] == 250
    assert client.rcpt(to(installation))[0] == 250
    assert client.docmd("DATA")[0] == 354
    client.send(b".\r\n")
    assert client.getreply()[0] == 250


def test_a_mail_that_is_too_large_is_refused_and_the_session_goes_on(
    installation: Installation, client: smtplib.SMTP
) -> None:
    client.ehlo_or_helo_if_needed()
    assert client.esmtp_features["size"] == str(LARGEST_MAIL)
    assert client.mail("p000@example.org", [f"SIZE={LARGEST_MAIL + 1}"])[0] == 552
    client.mail("p000@example.org")
    client.rcpt(to(installation))
    client.docmd("DATA")
    client.send(b"Subject: large\r\n\r\n")
    for _ in range(34):
        client.send((b"x" * 62 + b"\r\n") * 2**14)
    client.send(b".\r\n")
    assert client.getreply()[0] == 552
    assert (
        client.sendmail("p000@example.org", to(installation), reply(installation, "Small.")) == {}
    )
    assert [text for text, _ in written(installation)] == ["Small."]


@pytest.mark.parametrize(
    "line", [pytest.param(b"\r\n", id="line ends"), pytest.param(b"..\r\n", id="dots")]
)
def test_thirty_megabytes_of_short_lines_are_taken_in_seconds(
    installation: Installation, line: bytes
) -> None:
    with listening(installation) as port, speaking(port) as client:
        client.ehlo_or_helo_if_needed()
        client.mail("p000@example.org")
        client.rcpt(to(installation))
        client.docmd("DATA")
        head = reply(installation, "Words.").replace(b"\n", b"\r\n")
        began = time.perf_counter()
        client.send(head + line * (31_000_000 // len(line)) + b".\r\n")
        assert client.getreply()[0] == 250
        assert time.perf_counter() - began < 30


def test_a_fault_of_ours_has_the_mail_sent_again_and_it_is_taken_once(
    installation: Installation, client: smtplib.SMTP, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    raw, address = reply(installation, "My secret words."), to(installation)
    with without_database(installation), pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("p000@example.org", address, raw)
    assert refused.value.smtp_code == 451
    for _ in range(2):
        assert client.sendmail("p000@example.org", address, raw) == {}
    assert [text for text, _ in written(installation)] == ["My secret words."]
    assert not any("secret" in r.getMessage() or "@" in r.getMessage() for r in caplog.records)


def test_many_at_once_are_each_taken_once(installation: Installation) -> None:
    address = to(installation)

    def send(number: int) -> None:
        with speaking(port) as client:
            for copy in range(2):
                raw = reply(installation, f"Words {number}.", message_id=f"<{number}@x.example>")
                client.sendmail("p000@example.org", address, raw + b"\r\n" * copy)

    with listening(installation) as port:
        threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert sorted(text for text, _ in written(installation)) == [f"Words {n}." for n in range(8)]


def test_a_connection_that_breaks_off_in_a_mail_leaves_nothing(installation: Installation) -> None:
    with listening(installation) as port:
        client = smtplib.LMTP("127.0.0.1", port)
        client.ehlo_or_helo_if_needed()
        client.mail("p000@example.org")
        client.rcpt(to(installation))
        client.docmd("DATA")
        client.send(reply(installation, "Half"))
        client.close()
        with speaking(port) as another:
            assert another.noop()[0] == 250
    assert written(installation) == []


def test_a_port_that_is_taken_is_one_clear_line(installation: Installation) -> None:
    with listening(installation) as port:
        second = Listener(installation, f"lmtp://127.0.0.1:{port}")
        with pytest.raises(LettercourseError, match="cannot listen there"):
            second.start()


def test_the_process_of_up_and_web_listens_where_it_is_set_and_ends_with_the_rest(
    tmp_path: Path,
) -> None:
    port = free_port()
    opened = found(tmp_path, inbound_listen=f"smtp://127.0.0.1:{port}", reply_domain=REPLIES)
    stack = Stack(opened, port=0, deliver=False)
    try:
        enroll(opened, 1)
        tick(opened.courier())
        stack.start()
        with speaking(port, "smtp") as client:
            client.sendmail("p000@example.org", to(opened), reply(opened, "I did it."))
        assert [text for text, _ in written(opened)] == ["I did it."]
        stack.refuse_half()
    finally:
        assert stack.stop()
        opened.close()
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP("127.0.0.1", port)


def test_a_mail_that_is_being_filed_when_it_ends_is_filed_and_answered_for(
    installation: Installation,
) -> None:
    listener = Listener(installation, f"lmtp://127.0.0.1:{free_port()}")
    listener.start()
    client = smtplib.LMTP("127.0.0.1", listener.port)
    client.ehlo_or_helo_if_needed()
    client.mail("p000@example.org")
    client.rcpt(to(installation))
    client.docmd("DATA")
    with installation.store._database.writing():
        client.send(reply(installation, "Just in time.").replace(b"\n", b"\r\n") + b".\r\n")
        until = time.monotonic() + 10
        while not any(each.get_name() == FILING for each in all_tasks(listener._loop)):
            assert time.monotonic() < until
        listener.stop()
    assert client.getreply()[0] == 250
    client.close()
    assert listener.join(time.monotonic() + 5)
    assert [text for text, _ in written(installation)] == ["Just in time."]
