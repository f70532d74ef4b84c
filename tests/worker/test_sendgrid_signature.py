"""The vector is public: it stands in the tests of SendGrid's own libraries."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.inbound.sendgrid_signature import FURTHEST_AHEAD, OLDEST, is_key, verify

KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+"
    "2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
ANOTHER_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo"
    "7aNDthvj+y7GjUuFDb/R1NGe1OPzpA=="
)
SIGNATURE = (
    "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtE"
    "ZtM="
)
ANOTHER_SIGNATURE = (
    "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH3"
    "j/0="
)
TIMESTAMP = "1600112502"
BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",'
    b'"timestamp":1600112492}]\r\n'
)
THEN = datetime.fromtimestamp(1600112502, UTC)


def test_the_public_vector_verifies() -> None:
    assert verify(BODY, SIGNATURE, TIMESTAMP, KEY, THEN)


def test_the_key_may_stand_in_pem_armour() -> None:
    pem = f"-----BEGIN PUBLIC KEY-----\n{KEY[:64]}\n{KEY[64:]}\n-----END PUBLIC KEY-----\n"
    assert verify(BODY, SIGNATURE, TIMESTAMP, pem, THEN)


def test_the_public_vectors_counterexamples_fail() -> None:
    assert not verify(BODY, SIGNATURE, TIMESTAMP, ANOTHER_KEY, THEN)
    assert not verify(b"payload", SIGNATURE, TIMESTAMP, KEY, THEN)
    assert not verify(BODY, ANOTHER_SIGNATURE, TIMESTAMP, KEY, THEN)
    assert not verify(BODY, SIGNATURE, "timestamp", KEY, THEN)
    assert not verify(BODY.rstrip(), SIGNATURE, TIMESTAMP, KEY, THEN)


@pytest.mark.parametrize("change", [1, 0x20, 0x80])
def test_any_byte_of_the_body_that_changes_fails(change: int) -> None:
    for place, byte in enumerate(BODY):
        changed = BODY[:place] + bytes([byte ^ change]) + BODY[place + 1 :]
        assert not verify(changed, SIGNATURE, TIMESTAMP, KEY, THEN)


ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_ \n\0é"


def test_any_character_of_the_signature_that_changes_comes_or_goes_fails() -> None:
    for place, character in enumerate(SIGNATURE):
        before, after = SIGNATURE[:place], SIGNATURE[place + 1 :]
        assert not verify(BODY, before + after, TIMESTAMP, KEY, THEN)
        for other in ALPHABET:
            if other != character:
                assert not verify(BODY, before + other + after, TIMESTAMP, KEY, THEN)
            assert not verify(BODY, before + other + character + after, TIMESTAMP, KEY, THEN)
    assert not verify(BODY, SIGNATURE + "\n", TIMESTAMP, KEY, THEN)


def test_any_character_of_the_timestamp_that_changes_comes_or_goes_fails() -> None:
    for place, digit in enumerate(TIMESTAMP):
        before, after = TIMESTAMP[:place], TIMESTAMP[place + 1 :]
        for other in "0123456789 +-._a\0٣":
            if other != digit:
                assert not verify(BODY, SIGNATURE, before + other + after, KEY, THEN)
            # The clock goes along, so that it is the signature that refuses.
        near = str(int(TIMESTAMP) ^ (1 << place))
        now = datetime.fromtimestamp(int(near), UTC)
        assert not verify(BODY, SIGNATURE, near, KEY, now)
    for other in (f"0{TIMESTAMP}", f" {TIMESTAMP}", f"+{TIMESTAMP}", f"{TIMESTAMP}.0", ""):
        assert not verify(BODY, SIGNATURE, other, KEY, THEN)


@pytest.mark.parametrize(
    ("age", "passes"),
    [
        (timedelta(), True),
        (timedelta(hours=24), True),
        (OLDEST, True),
        (OLDEST + timedelta(seconds=1), False),
        (-FURTHEST_AHEAD, True),
        (-FURTHEST_AHEAD - timedelta(seconds=1), False),
        (timedelta(days=10_000), False),
    ],
)
def test_a_signature_is_good_as_long_as_sendgrid_tries_again(age: timedelta, passes: bool) -> None:
    assert verify(BODY, SIGNATURE, TIMESTAMP, KEY, THEN + age) is passes


def keys_of_other_kinds() -> list[str]:
    other_curve = ec.generate_private_key(ec.SECP384R1()).public_key()
    other_kind = rsa.generate_private_key(65537, 2048).public_key()
    return [
        base64.b64encode(
            key.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        ).decode()
        for key in (other_curve, other_kind)
    ]


@pytest.mark.parametrize("key", ["", "x", "AAAA", KEY[:-4], KEY[4:], "é", *keys_of_other_kinds()])
def test_what_is_no_p256_key_verifies_nothing(key: str) -> None:
    assert not is_key(key)
    assert not verify(BODY, SIGNATURE, TIMESTAMP, key, THEN)
    assert is_key(KEY)


@settings(max_examples=200, deadline=None)
@given(st.binary(), st.text(), st.text(), st.text() | st.just(KEY))
def test_nonsense_is_refused_without_an_exception(
    body: bytes, signature: str, timestamp: str, key: str
) -> None:
    assert verify(body, signature, timestamp, key, THEN) is False
    der = base64.b64encode(signature.encode()).decode()
    assert verify(body, der, TIMESTAMP, KEY, THEN) is False


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=2000), st.integers(0, 3 * 10**9))
def test_whatever_was_signed_verifies(body: bytes, at: int) -> None:
    signer = ec.generate_private_key(ec.SECP256R1())
    der = signer.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signature = signer.sign(str(at).encode() + body, ec.ECDSA(hashes.SHA256()))
    spelled, key = base64.b64encode(signature).decode(), base64.b64encode(der).decode()
    now = datetime.fromtimestamp(at, UTC)
    assert verify(body, spelled, str(at), key, now)
    assert not verify(body + b"\n", spelled, str(at), key, now)
