"""Tokens: made by us or refused, whatever is typed, forwarded or guessed."""

from __future__ import annotations

import hmac
import re
import string
from base64 import b32encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from worker.links import Links

OLD, NEW = "an old key of sixteen", "the newest key of all"
LINKS = Links("https://letters.example.org", [OLD, NEW])

ids = st.integers(0, 2**63 - 1)
base32 = string.ascii_lowercase + "234567"


def token(address: str) -> str:
    return address.rpartition("/")[2]


@settings(deadline=None)
@given(ids)
def test_what_was_signed_is_read_in_any_case(number: int) -> None:
    for made, read in (
        (LINKS.unsubscribe(number), LINKS.read_unsubscribe),
        (LINKS.view(number), LINKS.read_view),
    ):
        signed = token(made)
        assert re.fullmatch(r"[a-z2-7]{28,40}", signed)
        assert read(signed) == read(signed.upper()) == read(signed.title()) == number


@settings(max_examples=300, deadline=None)
@given(ids, st.integers(0, 39), st.characters())
@example(1, 28, "k")
def test_a_token_with_one_character_changed_is_refused(number: int, place: int, other: str) -> None:
    signed = token(LINKS.unsubscribe(number))
    place %= len(signed)
    changed = signed[:place] + other + signed[place + 1 :]
    if changed.isascii() and changed.lower() == signed:
        assert LINKS.read_unsubscribe(changed) == number
    else:
        assert LINKS.read_unsubscribe(changed) is None


def test_every_neighbour_of_a_token_is_refused() -> None:
    signed = token(LINKS.view(7))
    for place in range(len(signed)):
        for other in base32:
            changed = signed[:place] + other + signed[place + 1 :]
            assert (LINKS.read_view(changed) == 7) == (changed == signed)
        assert LINKS.read_view(signed[:place] + signed[place + 1 :]) is None


@settings(deadline=None)
@given(ids)
def test_a_token_of_one_kind_is_no_token_of_another(number: int) -> None:
    assert LINKS.read_view(token(LINKS.unsubscribe(number))) is None
    assert LINKS.read_unsubscribe(token(LINKS.view(number))) is None
    swapped = token(LINKS.view(number)).replace(
        token(LINKS.view(number))[0], token(LINKS.unsubscribe(number))[0], 1
    )
    assert LINKS.read_unsubscribe(swapped) is None


@settings(max_examples=300, deadline=None)
@given(st.text() | st.text(base32, max_size=60) | st.binary().map(lambda raw: raw.decode("latin1")))
@example("")
@example("\0")
@example("ma")
@example("ſ" * 32)
@example("\ud800" * 32)
@example("=" * 32)
@example("a" * 1_000_000)
def test_garbage_is_nobody(text: str) -> None:
    assert LINKS.read_unsubscribe(text) is None
    assert LINKS.read_view(text) is None


def test_a_retired_key_still_unsubscribes_and_the_newest_signs() -> None:
    before = Links("https://letters.example.org", [OLD])
    after = Links("https://letters.example.org", [NEW])
    assert LINKS.read_unsubscribe(token(before.unsubscribe(42))) == 42
    assert LINKS.unsubscribe(42) == after.unsubscribe(42)
    assert before.read_unsubscribe(token(after.unsubscribe(42))) is None


def test_addresses_hang_on_the_public_url() -> None:
    assert LINKS.unsubscribe(1).startswith("https://letters.example.org/u/")
    assert LINKS.view(1).startswith("https://letters.example.org/v/")
    assert LINKS.assets() == "https://letters.example.org/assets"


def test_a_token_made_today_is_read_for_ever() -> None:
    links = Links("https://letters.example.org", ["a key that never changes"])
    assert links.read_unsubscribe("oucwgv3vsk6jakow5mhqnlhxk3sqw") == 5
    assert links.read_view("oycnenkzek4ldv7z76vkx6ilbzgpczy") == 1234


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=16))
@example(b"")
@example(bytes(16))
@example(b"\xff" * 16)
def test_a_token_is_kind_payload_and_half_a_mac_in_base32(payload: bytes) -> None:
    links = Links("https://letters.example.org", [NEW], "reply.example.org")
    key = hmac.digest(NEW.encode(), b"lettercourse link r", "sha256")
    signed = b"r" + payload
    whole = signed + hmac.digest(key, signed, "sha256")[:16]
    written = b32encode(whole).decode().rstrip("=").lower()
    assert links.reply_address(payload.hex()) == f"{written}@reply.example.org"


def test_links_without_a_key_are_not_made() -> None:
    with pytest.raises(ValueError, match="secret key"):
        Links("https://letters.example.org", [])


deliveries = st.binary(min_size=16, max_size=16).map(bytes.hex)


@settings(deadline=None)
@given(deliveries)
def test_a_reply_address_fits_and_names_its_delivery_in_any_case(delivery: str) -> None:
    links = Links("https://letters.example.org", [OLD, NEW], "reply.example.org")
    for address, read in (
        (links.reply_address(delivery), links.read_reply),
        (links.bounce_address(delivery), links.read_bounce),
    ):
        local, _, domain = address.partition("@")
        assert domain == "reply.example.org"
        assert len(local) <= 64
        assert read(local) == read(local.upper()) == delivery
    assert links.read_bounce(links.reply_address(delivery).partition("@")[0]) is None


def test_without_a_reply_domain_there_are_no_addresses() -> None:
    assert LINKS.reply_address("ab" * 16) == LINKS.bounce_address("ab" * 16) == ""
    assert LINKS.leaving(7)[1] == ""


@settings(deadline=None)
@given(ids)
def test_a_link_to_own_words_is_good_until_its_instant_and_not_after(number: int) -> None:
    expires = datetime(2026, 3, 2, 7, 15, tzinfo=UTC)
    signed = token(LINKS.mine(number, expires))
    assert LINKS.read_mine(signed, expires - timedelta(seconds=1)) == number
    assert LINKS.read_mine(signed, expires) is None
    assert LINKS.read_page(signed) is None
    assert LINKS.read_mine(token(LINKS.page(number)), expires - timedelta(days=9)) is None
