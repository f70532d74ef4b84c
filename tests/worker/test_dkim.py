"""Signatures, each verified by dkimpy, which shares no line with the signer."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import UTC, datetime
from hashlib import sha256

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from dkim.canonicalization import CanonicalizationPolicy
from hypothesis import given, settings
from hypothesis import strategies as st

from course.errors import LettercourseError
from tests.worker.smtp_sink import sink
from worker.model import Message, Verdict
from worker.providers import open_provider
from worker.providers.dkim import Signer, dns_record, relaxed_body
from worker.providers.smtp import SmtpProvider
from worker.settings import read_settings

HEAD = (
    "From: =?utf-8?b?QWRh?=\r\n <ada@example.org>\r\nTo: Ben <ben@example.net>\r\n"
    "Subject: Goals\r\nDate: Mon, 02 Mar 2026 07:00:00 +0000\r\nMessage-ID: <d1@example.org>\r\n"
    "Reply-To: r@reply.example.org\r\nList-Id: Course\r\n <course.example.org>\r\n"
    "List-Unsubscribe: <https://example.org/u/x>,\r\n <mailto:u@example.org?subject=leave>\r\n"
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFeedback-ID: a:b:c:example.org\r\n"
    "Auto-Submitted: auto-generated\r\nContent-Language: en\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/alternative;\r\n boundary="b"\r\n\r\n'
)
MIME = (HEAD + "--b\r\n\r\n.dots  and\ttabs \r\n\r\n--b--\r\n").encode()


def pem_of(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


RSA = pem_of(rsa.generate_private_key(65537, 2048))
ED25519 = pem_of(ed25519.Ed25519PrivateKey.generate())
KEYS = {"rsa": RSA, "ed25519": ED25519}


def is_valid(mime: bytes, pem: str, domain: str = "example.org") -> bool:
    """Look the key up as a receiver does, in the very record that the operator is shown."""
    record = dns_record(pem, "lc", domain)
    name, _, text = record.partition(" IN TXT ")
    value = "".join(re.findall(r'"([^"]*)"', text)).encode()
    if b"k=ed25519" in value:
        return is_signed_by(value.partition(b"p=")[2], mime)

    def answer(asked: bytes, timeout: int = 5) -> bytes | None:
        return value if asked.decode() == name else None

    return bool(dkim.verify(mime, dnsfunc=answer))


def is_signed_by(public: bytes, mime: bytes) -> bool:
    """Verify as dkimpy does, but for the curve: it asks a package for that which is not here."""
    fields, body = dkim.rfc822_parse(mime)
    tags = dkim.util.parse_tag_value(fields[0][1])
    policy = CanonicalizationPolicy.from_c_value(tags[b"c"])
    if sha256(policy.canonicalize_body(body)).digest() != b64decode(tags[b"bh"]):
        return False
    hashed, names = sha256(), [each.strip().lower() for each in tags[b"h"].split(b":")]
    dkim.hash_headers(hashed, policy, policy.canonicalize_headers(fields), names, fields[0], tags)
    key = ed25519.Ed25519PublicKey.from_public_bytes(b64decode(public))
    try:
        key.verify(b64decode(re.sub(rb"\s", b"", tags[b"b"])), hashed.digest())
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("kind", KEYS)
def test_a_receiver_that_looks_up_the_record_verifies_the_letter(kind: str) -> None:
    signed = Signer(KEYS[kind], "lc")(MIME)
    assert signed.endswith(MIME)
    assert is_valid(signed, KEYS[kind])
    assert max(map(len, signed.partition(b"\r\nFrom:")[0].split(b"\r\n"))) <= 78


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"dots", b"dogs"),
        (b"Subject: Goals", b"Subject: Gaols"),
        (b"https://example.org/u/x", b"https://example.com/u/x"),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Clicks"),
        (b"Reply-To: r@", b"Reply-To: s@"),
        (b"From: ", b"From: Eve <eve@example.com>\r\nFrom: "),
        (b"To: ", b"To: eve@example.com\r\nTo: "),
        (b"Subject: ", b"Subject: Buy this\r\nSubject: "),
        (b"Message-ID: ", b"Message-ID: x"),
    ],
)
def test_what_it_covers_cannot_be_changed_or_added_to(kind: str, old: bytes, new: bytes) -> None:
    signed = Signer(KEYS[kind], "lc")(MIME)
    changed = signed.replace(old, new, 1)
    assert changed != signed
    assert not is_valid(changed, KEYS[kind])


NAMES = st.sampled_from(
    ["Subject", "To", "List-Id", "List-Unsubscribe", "Content-Type", "X-Other", "Reply-To", "DATE"]
)
WORDS = st.text(st.sampled_from("ab:;=. \t"), max_size=20)
LINES = st.lists(st.text(st.sampled_from("ab.= \t-"), max_size=12), max_size=12)


@st.composite
def letters(draw: st.DrawFn) -> bytes:
    fields = ["From: Ada\r\n\t<ada@example.org>"]
    for name, parts in draw(st.lists(st.tuples(NAMES, st.lists(WORDS, min_size=1, max_size=3)))):
        # A line of a header that holds only white space is obsolete (RFC 5322, 4.2).
        folded = "\r\n ".join(f"{part}x" for part in parts)
        fields.insert(draw(st.integers(0, len(fields))), f"{name}:{folded}")
    body = "\r\n".join(draw(LINES)) + draw(st.sampled_from(["", "\r\n", "\r\n\r\n \r\n"]))
    return ("\r\n".join(fields) + "\r\n\r\n" + body).encode()


@given(letters(), st.sampled_from(sorted(KEYS)))
@settings(max_examples=40, deadline=None)
def test_any_letter_is_signed_so_that_it_verifies(mime: bytes, kind: str) -> None:
    signed = Signer(KEYS[kind], "lc", "example.org")(mime)
    assert is_valid(signed, KEYS[kind])


@pytest.mark.parametrize(
    ("body", "hashed"),
    [
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b" \t \r\n", b""),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # RFC 6376, 3.4.5
    ],
)
def test_a_body_is_hashed_as_the_standard_says(body: bytes, hashed: bytes) -> None:
    assert relaxed_body(body) == hashed


def test_the_domain_is_the_senders_unless_it_is_set() -> None:
    assert b" d=example.org;" in Signer(RSA, "lc")(MIME)
    signed = Signer(RSA, "lc", "mail.example.org")(MIME)
    assert b" d=mail.example.org;" in signed
    assert is_valid(signed, RSA, "mail.example.org")


def test_a_letter_goes_through_the_wire_with_a_signature_that_verifies() -> None:
    with sink() as server:
        provider = SmtpProvider(server.url, sign=Signer(RSA, "lc"))
        people = [f"p{number}@example.net" for number in range(5)]
        letters = [Message(each, "b@example.org", each, MIME) for each in people]
        outcomes = provider.send_all(letters)
        provider.close()
    assert {each.verdict for each in outcomes} == {Verdict.ACCEPTED}
    assert len(server.taken) == 5
    assert all(is_valid(taken.content, RSA) for taken in server.taken)


def test_the_settings_make_a_provider_that_signs() -> None:
    with sink() as server:
        environment = {"PROVIDER": "smtp", "SMTP_URL": server.url, "SEND_WINDOW": "7"}
        signing = {"DKIM_KEY": RSA, "DKIM_SELECTOR": "lc", "DKIM_DOMAIN": "example.org"}
        for more in ({}, signing):
            variables = {f"LETTERCOURSE_{n}": v for n, v in (environment | more).items()}
            provider = open_provider(read_settings(variables), lambda: datetime.now(UTC))
            assert provider.at_once == 7
            provider.send(Message("d", "b@example.org", "a@example.net", MIME))
            provider.close()
    plain, signed = (taken.content for taken in server.taken)
    assert plain == MIME
    assert is_valid(signed, RSA)


def test_a_letter_that_cannot_be_signed_waits_and_stops_nobody_else() -> None:
    with sink() as server:
        provider = SmtpProvider(server.url, sign=Signer(RSA, "lc"))
        bad = Message("bad", "b@example.org", "a@example.net", b"Subject: nobody\r\n\r\nx\r\n")
        good = Message("good", "b@example.org", "a@example.net", MIME)
        outcomes = provider.send_all([bad, good])
        provider.close()
    assert [each.verdict for each in outcomes] == [Verdict.DEFERRED, Verdict.ACCEPTED]
    assert outcomes[0].detail == "it cannot be signed: ValueError"


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "nonsense",
        RSA.replace("PRIVATE", "PUBLIC"),
        pem_of(ec.generate_private_key(ec.SECP256R1())),
        rsa.generate_private_key(65537, 2048)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
        .decode(),
    ],
)
def test_a_key_that_cannot_be_used_is_one_line_that_does_not_repeat_it(pem: str) -> None:
    with pytest.raises(LettercourseError) as fault:
        Signer(pem, "lc")
    assert "LETTERCOURSE_DKIM_KEY" in str(fault.value)
    assert "\n" not in str(fault.value)
    assert not pem or pem not in str(fault.value)


def test_a_key_whose_line_ends_were_written_as_two_characters_is_read() -> None:
    assert is_valid(Signer(RSA.replace("\n", "\\n"), "lc")(MIME), RSA)
