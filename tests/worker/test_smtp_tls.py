from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.worker.smtp_sink import sink
from worker.model import Message, Outcome, Verdict
from worker.providers.smtp import SmtpProvider

MIME = b"Subject: One\r\n\r\nBe well.\r\n"
LETTER = Message("d1", "course@example.net", "anna@example.org", MIME)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a PEM file of a key and a certificate for 127.0.0.1 that only itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


class Inbox:
    """Remembers each letter with what the connection was when it came."""

    def __init__(self) -> None:
        self.letters: list[tuple[bytes, bool, bool]] = []

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.original_content, bytes)
        assert server.transport is not None
        encrypted = server.transport.get_extra_info("cipher") is not None
        self.letters.append((envelope.original_content, encrypted, bool(session.authenticated)))
        return "250 2.0.0 taken"


def only_one_login(server: Any, session: Any, envelope: Any, how: str, login: Any) -> AuthResult:
    return AuthResult(success=login == LoginPassword(b"course", b"p@ss:word"))


@contextmanager
def mail_server(
    certificate: Path, *, implicit: bool, **options: Any
) -> Iterator[tuple[Inbox, int]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    inbox = Inbox()
    tls: dict[str, Any] = {"ssl_context": context} if implicit else {"tls_context": context}
    controller = Controller(inbox, hostname="127.0.0.1", port=0, **tls, **options)
    # The controller knocks at the port that it was given, so it has to be told a real one.
    with sink() as free:
        port = free.port
    controller.port = port
    controller.start()
    try:
        yield inbox, port
    finally:
        controller.stop()


def send(url: str) -> Outcome:
    provider = SmtpProvider(url, deadline=5.0)
    try:
        return provider.send(LETTER)
    finally:
        provider.close()


LOGIN = {"authenticator": only_one_login, "auth_required": True}


def test_starttls_and_login(certificate: Path) -> None:
    with mail_server(certificate, implicit=False, require_starttls=True, **LOGIN) as (inbox, port):
        outcome = send(f"smtp://course:p%40ss%3Aword@127.0.0.1:{port}?cafile={certificate}")
    assert outcome.verdict is Verdict.ACCEPTED
    assert inbox.letters == [(MIME, True, True)]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_tls_from_the_first_byte(certificate: Path) -> None:
    with mail_server(certificate, implicit=True, **LOGIN, auth_require_tls=False) as (inbox, port):
        outcome = send(f"smtps://course:p%40ss%3Aword@127.0.0.1:{port}?cafile={certificate}")
    assert outcome.verdict is Verdict.ACCEPTED
    assert inbox.letters == [(MIME, True, True)]


def test_a_wrong_password_defers_and_is_not_repeated() -> None:
    with sink(EHLO=["250-sink\r\n250 AUTH PLAIN"], AUTH=["535 5.7.8 wrong: secret"]) as server:
        outcome = send(server.url.replace("//", "//course:secret@"))
    assert outcome.verdict is Verdict.DEFERRED
    assert outcome.detail == "connecting: the login was refused (535)"
    assert "MAIL" not in server.verbs


@pytest.mark.parametrize("implicit", [True, False])
def test_a_certificate_that_nobody_vouches_for_defers(certificate: Path, *, implicit: bool) -> None:
    with mail_server(certificate, implicit=implicit) as (inbox, port):
        outcome = send(f"smtp{'s' if implicit else ''}://127.0.0.1:{port}")
    assert outcome.verdict is Verdict.DEFERRED
    assert "certificate" in outcome.detail.lower()
    assert not inbox.letters


def test_a_certificate_for_another_name_defers(certificate: Path) -> None:
    with mail_server(certificate, implicit=True) as (inbox, port):
        outcome = send(f"smtps://localhost:{port}?cafile={certificate}")
    assert outcome.verdict is Verdict.DEFERRED
    assert not inbox.letters


def test_starttls_can_be_left_alone(certificate: Path) -> None:
    with mail_server(certificate, implicit=False) as (inbox, port):
        assert send(f"smtp://127.0.0.1:{port}?starttls=never").verdict is Verdict.ACCEPTED
    assert inbox.letters == [(MIME, False, False)]


def test_a_server_without_starttls_gets_nothing_where_it_is_required() -> None:
    with sink() as server:
        outcome = send(f"{server.url}?starttls=required")
        assert outcome.verdict is Verdict.DEFERRED
        assert "STARTTLS" in outcome.detail
        assert "MAIL" not in server.verbs
