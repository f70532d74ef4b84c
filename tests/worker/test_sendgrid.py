"""One letter a call, against a SendGrid that is as strict as its documentation."""

from __future__ import annotations

import http.server
import json
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from course.compile import compile_course
from course.model import Sender
from tests.peers.loopback import (
    CutAfter,
    CutBefore,
    Deaf,
    Drip,
    Fault,
    Late,
    Refuse,
    Say,
    Stall,
)
from tests.peers.sendgrid import RateLimit, SendGrid, sendgrid
from worker.compose import compose, compose_test
from worker.links import Links
from worker.model import Claimed, Gated, Message, Outcome, StoredLetter, Verdict
from worker.model import Fault as OfProvider
from worker.providers.sendgrid import SendGridProvider
from worker.providers.sendgrid_payload import headers, single

NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
LINKS = Links("https://letters.example.org", ["a secret of at least sixteen"], "in.example.org")
SAMPLE = Path(__file__).parents[2] / "course" / "samples" / "stay-motivated"
AUTHOR = Sender("Àda, of Courses", "ada@example.org", "1 Small Street, Town")
ADDRESS = "ben.long@example.com"


@pytest.fixture(scope="module")
def stored() -> StoredLetter:
    edition = compile_course(SAMPLE).edition
    return StoredLetter(7, edition.course, edition.title, AUTHOR, edition.letters[1])


@pytest.fixture
def write(stored: StoredLetter) -> Callable[..., Message]:
    """Return what composes the letter to one person."""

    def written(address: str = ADDRESS, name: str = "Bén, the 1st;", number: int = 1) -> Message:
        claimed = Claimed(
            f"{number:032x}",
            1,
            number,
            number,
            1,
            address,
            name,
            1,
            7,
            "goals",
            stored.letter.kind,
            NOW,
        )
        return compose(stored, Gated(claimed, number, 1, NOW), LINKS)

    return written


@contextmanager
def provider(server: SendGrid, **options: Any) -> Iterator[SendGridProvider]:
    made = SendGridProvider(server.api_key, server.url, lambda: NOW, **options)
    try:
        yield made
    finally:
        made.close()


def send_once(message: Message, *faults: Fault, **options: Any) -> tuple[Outcome, SendGrid]:
    with sendgrid() as server, provider(server, **options) as carrier:
        server.meet(*faults)
        return carrier.send(message), server


def error(message: str, field: str | None = None) -> bytes:
    return json.dumps({"errors": [{"message": message, "field": field, "help": None}]}).encode()


def test_a_letter_arrives_as_it_was_written(write: Callable[..., Message]) -> None:
    message = write()
    outcome, server = send_once(message)
    assert outcome.verdict is Verdict.ACCEPTED
    (mail,) = server.accepted
    assert outcome.detail == f"202 {mail.message_id}"
    assert (mail.recipient, mail.name) == (ADDRESS, "Bén the 1st")
    assert (mail.sender, mail.sender_name) == ("ada@example.org", "Àda, of Courses")
    assert mail.reply_to == LINKS.reply_address(message.delivery_id)
    assert "Bén, the 1st;" in mail.text
    assert "Bén, the 1st;" in mail.html
    assert mail.custom_args == {"lettercourse_delivery": message.delivery_id}
    assert mail.tracked == frozenset()
    assert mail.categories == ()


def test_its_headers_are_those_of_the_message_and_none_that_are_reserved(
    write: Callable[..., Message],
) -> None:
    message = write()
    _, server = send_once(message)
    (mail,) = server.accepted
    assert mail.headers["Message-ID"] == f"<{message.delivery_id}@example.org>"
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert LINKS.unsubscribe(1) in mail.headers["List-Unsubscribe"]
    assert {"List-Id", "Feedback-ID", "Auto-Submitted", "Content-Language"} <= set(mail.headers)
    assert not {"Date", "MIME-Version", "Reply-To", "Content-Type"} & set(mail.headers)
    assert not any("\n" in value or "\r" in value for value in mail.headers.values())


def test_folded_headers_become_one_line() -> None:
    mime = b"List-Id: =?utf-8?b?w6Q=?=\r\n <a.b>\r\nX-A: b\r\nreply-to: a@b.c\r\n\r\nX-Not: one"
    assert headers(mime) == {"List-Id": "=?utf-8?b?w6Q=?= <a.b>", "X-A": "b"}


def test_a_test_letter_has_no_reply_address_of_its_own(stored: StoredLetter) -> None:
    message = compose_test(stored, ADDRESS, "", LINKS, message_id="<t@example.org>", date=NOW)
    outcome, server = send_once(message)
    assert outcome.verdict is Verdict.ACCEPTED
    assert server.accepted[0].reply_to == "ada@example.org"
    assert server.accepted[0].subject.startswith("[")


def test_a_message_without_what_it_was_filled_from_is_carried_too(
    write: Callable[..., Message],
) -> None:
    message = write()
    bare = Message(message.delivery_id, message.sender, message.recipient, message.mime)
    with sendgrid() as server, provider(server) as carrier:
        assert [carrier.send(each).verdict for each in (message, bare)] == [Verdict.ACCEPTED] * 2
    filled, parsed = server.accepted
    assert parsed.html.split() == filled.html.split()
    assert parsed.text.split() == filled.text.split()
    assert (parsed.subject, parsed.headers) == (filled.subject, filled.headers)
    assert parsed.sender == "course@example.org"  # as the message has it


def test_the_sandbox_takes_letters_and_delivers_none(write: Callable[..., Message]) -> None:
    outcome, server = send_once(write(), sandbox=True)
    assert (outcome.verdict, server.accepted) == (Verdict.ACCEPTED, [])
    assert server.calls[0].status == 200


@pytest.mark.parametrize(
    ("status", "verdict", "fault"),
    [
        (400, Verdict.REFUSED, None),
        (401, Verdict.DEFERRED, OfProvider.CREDENTIALS),
        (403, Verdict.DEFERRED, OfProvider.CREDENTIALS),
        (404, Verdict.REFUSED, None),
        (405, Verdict.REFUSED, None),
        (408, Verdict.DEFERRED, OfProvider.DOWN),
        (413, Verdict.REFUSED, None),
        (415, Verdict.REFUSED, None),
        (418, Verdict.REFUSED, None),
        (429, Verdict.DEFERRED, OfProvider.RATE),
        (301, Verdict.DEFERRED, OfProvider.CREDENTIALS),
        (307, Verdict.DEFERRED, OfProvider.CREDENTIALS),
        (303, Verdict.UNKNOWN, OfProvider.DOWN),
        (200, Verdict.UNKNOWN, OfProvider.DOWN),
        (201, Verdict.UNKNOWN, OfProvider.DOWN),
        (500, Verdict.UNKNOWN, OfProvider.DOWN),
        (502, Verdict.UNKNOWN, OfProvider.DOWN),
        (503, Verdict.UNKNOWN, OfProvider.DOWN),
        (504, Verdict.UNKNOWN, OfProvider.DOWN),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b'{"errors": 1}', b"[" * 99_999])
def test_every_status_has_one_meaning_whatever_comes_with_it(
    write: Callable[..., Message],
    status: int,
    verdict: Verdict,
    fault: OfProvider | None,
    body: bytes,
) -> None:
    outcome, server = send_once(write(), Refuse(status, body))
    assert (outcome.verdict, outcome.fault) == (verdict, fault)
    assert outcome.detail == f"{status} without a reason"
    assert not outcome.address_at_fault
    assert server.http.connections == 1


@pytest.mark.parametrize(
    ("field", "at_fault"),
    [
        ("personalizations.0.to", True),
        ("personalizations.0.to.0", True),
        ("personalizations.0.to.0.email", True),
        ("personalizations.0.to.0.name", False),
        ("personalizations.0.tonic", False),
        ("personalizations", False),
        ("from.email", False),
        (None, False),
    ],
)
def test_a_refusal_blames_the_address_only_when_its_field_does(
    write: Callable[..., Message], field: str | None, *, at_fault: bool
) -> None:
    outcome, _ = send_once(write(), Refuse(400, error("No.", field)))
    assert (outcome.verdict, outcome.address_at_fault) == (Verdict.REFUSED, at_fault)


def test_an_address_that_sendgrid_does_not_take_is_at_fault(write: Callable[..., Message]) -> None:
    with sendgrid() as server, provider(server) as carrier:
        server.unknown_addresses.add(ADDRESS)
        outcome = carrier.send(write())
    assert (outcome.verdict, outcome.address_at_fault) == (Verdict.REFUSED, True)
    assert outcome.detail == (
        "400 personalizations.0.to.0.email: Does not contain a valid address."
    )


def test_its_words_are_kept_without_the_person(write: Callable[..., Message]) -> None:
    said = error(f"You included [{ADDRESS}] and <x@y.z>; Ben.Long twice, at\r\nonce")
    outcome, _ = send_once(write(), Refuse(400, said))
    assert outcome.detail == "400 You included <address> and <address>; <address> twice, at once"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 42)}, 42),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) - 42)}, 1),
        ({"X-RateLimit-Reset": "9" * 11}, 3600),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({"Retry-After": "30", "X-RateLimit-Reset": "1"}, 30),
        ({"Retry-After": "Mon, 02 Mar 2026 07:01:00 GMT"}, 60),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
def test_too_many_calls_wait_as_long_as_was_asked_for(
    write: Callable[..., Message], headers: dict[str, str], seconds: int | None
) -> None:
    outcome, _ = send_once(write(), Refuse(429, error("too many requests"), headers))
    assert outcome.verdict is Verdict.DEFERRED
    assert outcome.retry_after == (None if seconds is None else timedelta(seconds=seconds))


def test_a_503_may_say_for_how_long(write: Callable[..., Message]) -> None:
    outcome, _ = send_once(write(), Refuse(503, b"", {"Retry-After": "90"}))
    assert (outcome.verdict, outcome.retry_after) == (Verdict.UNKNOWN, timedelta(seconds=90))
    outcome, _ = send_once(write(), Refuse(503, b"", {"X-RateLimit-Reset": "9" * 11}))
    assert outcome.retry_after is None


def test_a_sender_that_is_not_verified_says_nothing_about_other_courses(
    write: Callable[..., Message],
) -> None:
    outcome, _ = send_once(write(), Refuse(403, error("not a verified Sender Identity", "from")))
    assert (outcome.verdict, outcome.fault) == (Verdict.DEFERRED, None)


def test_a_limit_defers_what_is_over_it(write: Callable[..., Message]) -> None:
    with sendgrid() as server, provider(server) as carrier:
        server.rate = RateLimit(calls=2, seconds=3600)
        verdicts = [carrier.send(write()).verdict for _ in range(3)]
    assert verdicts == [Verdict.ACCEPTED, Verdict.ACCEPTED, Verdict.DEFERRED]


@pytest.mark.parametrize(
    "fault",
    [
        CutAfter(),
        CutAfter(reset=False),
        Say(b"SSH-2.0\r\n\r\n", handled=True),
        Say(b"HTTP/1.1 2", handled=True),
        Say(b"HTTP/1.1 202 OK\r\nContent-Length: a\r\n\r\n", handled=True),
    ],
)
def test_an_answer_that_is_lost_after_the_letter_was_taken_is_unknown(
    write: Callable[..., Message], fault: Fault
) -> None:
    outcome, server = send_once(write(), fault)
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.detail.startswith("after the content: ")
    assert len(server.accepted) == 1


def test_an_answer_that_breaks_off_after_its_head_is_an_answer(
    write: Callable[..., Message],
) -> None:
    taken = Say(b"HTTP/1.1 202 OK\r\nContent-Length: 9\r\n\r\nab", handled=True)
    assert send_once(write(), taken)[0].verdict is Verdict.ACCEPTED
    refused = Say(b"HTTP/1.1 400 OK\r\nContent-Length: 9\r\n\r\nab")
    assert send_once(write(), refused)[0].verdict is Verdict.REFUSED


def test_a_connection_cut_before_it_was_read_is_unknown_too(
    write: Callable[..., Message],
) -> None:
    outcome, server = send_once(write(), CutBefore())
    assert outcome.verdict is Verdict.UNKNOWN
    assert server.accepted == []


@pytest.mark.parametrize("fault", [Stall(), Drip(0.05), Late(9.0), Deaf()])
def test_a_server_that_never_ends_is_left_at_the_deadline(
    write: Callable[..., Message], fault: Fault
) -> None:
    started = time.monotonic()
    outcome, _ = send_once(write(), fault, deadline=0.5)
    assert outcome.verdict is Verdict.UNKNOWN
    assert 0.4 < time.monotonic() - started < 1.5


def test_an_answer_in_time_is_waited_for(write: Callable[..., Message]) -> None:
    outcome, _ = send_once(write(), Late(0.2), deadline=5.0)
    assert outcome.verdict is Verdict.ACCEPTED


def test_nobody_there_defers(write: Callable[..., Message]) -> None:
    with sendgrid() as server:
        pass
    with provider(server) as carrier:
        outcome = carrier.send(write())
    assert (outcome.verdict, outcome.detail) == (
        Verdict.DEFERRED,
        "before the content: Connection refused",
    )


@pytest.mark.parametrize("host", ["nowhere.invalid", f"{'a' * 70}.example.org"])
def test_a_name_that_does_not_resolve_defers(write: Callable[..., Message], host: str) -> None:
    carrier = SendGridProvider("SG.x", f"https://{host}", lambda: NOW)
    assert carrier.send(write()).verdict is Verdict.DEFERRED


def test_a_server_that_does_not_speak_tls_defers(write: Callable[..., Message]) -> None:
    with sendgrid() as server:
        carrier = SendGridProvider(
            server.api_key, server.url.replace("http:", "https:"), lambda: NOW, deadline=2.0
        )
        outcome = carrier.send(write())
    assert outcome.verdict is Verdict.DEFERRED
    assert server.calls == []


def test_a_certificate_that_nobody_signed_defers(
    write: Callable[..., Message], tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path))
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"https://127.0.0.1:{server.server_port}"
        outcome = SendGridProvider("SG.x", url, lambda: NOW).send(write())
    finally:
        server.shutdown()
        server.server_close()
    assert outcome.verdict is Verdict.DEFERRED
    assert "self-signed certificate" in outcome.detail


def test_connecting_for_too_long_defers(
    write: Callable[..., Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.providers.sendgrid_transport._FRESH", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, says nothing
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        outcome = SendGridProvider("SG.x", url, lambda: NOW).send(write())
    assert outcome.verdict is Verdict.DEFERRED
    assert time.monotonic() - started < 1.5


def test_connections_are_used_again(write: Callable[..., Message]) -> None:
    with sendgrid() as server, provider(server) as carrier:
        server.meet(None, Refuse(400), Refuse(500, b"no"))
        for _ in range(6):
            carrier.send(write())
        assert server.http.connections == 1


def test_a_kept_connection_that_was_closed_costs_nothing(write: Callable[..., Message]) -> None:
    with sendgrid() as server, provider(server) as carrier:
        carrier.send(write())
        server.http.drop_idle()
        assert carrier.send(write()).verdict is Verdict.ACCEPTED
        assert len(server.accepted) == 2
        assert server.http.connections == 2


def test_a_provider_that_was_closed_works_again(write: Callable[..., Message]) -> None:
    with sendgrid() as server, provider(server) as carrier:
        carrier.send(write())
        carrier.close()
        assert carrier.send(write()).verdict is Verdict.ACCEPTED
        assert server.http.connections == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_makes_connections_of_its_own(write: Callable[..., Message]) -> None:
    with sendgrid() as server, provider(server) as carrier:
        carrier.send(write())
        child = os.fork()
        if not child:
            os._exit(carrier.send(write()).verdict is not Verdict.ACCEPTED)
        assert os.waitpid(child, 0)[1] == 0
        assert carrier.send(write()).verdict is Verdict.ACCEPTED
        assert [call.connection for call in server.calls] == [1, 2, 1]


def test_many_threads_send_each_letter_once(write: Callable[..., Message]) -> None:
    with sendgrid() as server, provider(server) as carrier:
        letters = [write(f"p{number}@example.com", number=number) for number in range(60)]
        verdicts: list[Verdict] = []

        def work(share: list[Message]) -> None:
            verdicts.extend(carrier.send(message).verdict for message in share)

        threads = [threading.Thread(target=work, args=[letters[n::6]]) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(verdicts) == {Verdict.ACCEPTED}
        assert sorted(mail.recipient for mail in server.accepted) == sorted(
            message.recipient for message in letters
        )
        assert server.http.connections <= 6


@pytest.mark.parametrize("status", [202, 400, 401, 403, 429, 500])
def test_neither_key_nor_person_is_ever_logged(
    write: Callable[..., Message], caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "sendgrid", "python_http_client", "worker"):
        caplog.set_level(logging.DEBUG, logger=name)
    with sendgrid() as server, provider(server) as carrier:
        if status != 202:
            server.meet(Refuse(status, error(f"{ADDRESS} and {server.api_key}?")))
        carrier.send(write())
        logged = caplog.text
        assert "httpcore" in logged
        assert server.api_key.split(".")[2] not in logged
    assert ADDRESS not in logged
    assert "Bén" not in logged


@pytest.mark.parametrize("status", [401, 403])
def test_being_turned_away_is_said_once_and_again_after_it_was_mended(
    write: Callable[..., Message], caplog: pytest.LogCaptureFixture, status: int
) -> None:
    with sendgrid() as server, provider(server) as carrier:
        no = Refuse(status, error("access forbidden"))
        server.meet(no, no, None, no)
        for _ in range(4):
            carrier.send(write())
    lines = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert len(lines) == 2
    assert "access forbidden" in lines[0].getMessage()
    assert "LETTERCOURSE_SENDGRID_API_KEY" in lines[0].getMessage()


@pytest.mark.parametrize("key", ["", "SG.a b", "SG.ä", "SG.a\r\nX: y"])
def test_a_key_that_is_none_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(Exception, match="SENDGRID_API_KEY"):
        SendGridProvider(key, "https://api.example.org", lambda: NOW)


def test_the_body_holds_no_key(write: Callable[..., Message]) -> None:
    assert b"SG." not in single(write(), sandbox=False)


def _certificate(folder: Path) -> Path:
    """Return a file with a key and a certificate that it signed itself, for 127.0.0.1."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    path = folder / "own.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
