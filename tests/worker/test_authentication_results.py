from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.inbound.authentication import authenticated_domains

US = "mx.example.org"


def headed(*headers: str) -> bytes:
    return "".join(f"{each}\r\n" for each in headers).encode() + b"\r\nBody.\r\n"


def results(value: str) -> str:
    return f"Authentication-Results: {value}"


@pytest.mark.parametrize(
    ("value", "domains"),
    [
        (f"{US}; dkim=pass header.d=Example.NET", ("example.net",)),
        (f"{US} 1; spf=pass smtp.mailfrom=ben@example.net", ("example.net",)),
        (f"{US}; spf=pass smtp.mailfrom=example.net", ("example.net",)),
        (f"{US}; dmarc=pass (p=none dis=none) header.from=example.net", ("example.net",)),
        (
            f"{US};\r\n dkim=pass (2048-bit key; secure) header.d=example.net header.i=@b.c;"
            "\r\n spf=pass (sender (really) ok) smtp.mailfrom=b.example",
            ("example.net", "b.example"),
        ),
        (f'{US}; dkim=pass reason="good; really" header.d=example.net', ("example.net",)),
        (f"{US}; dkim=fail header.d=example.net", ()),
        (f"{US}; dkim=pass", ()),
        (f"{US}; spf=pass smtp.helo=example.net", ()),
        (f"{US}; auth=pass smtp.auth=ben@example.net", ()),
        (f"{US}; none", ()),
        (f"{US}; dkim=fail (dkim=pass header.d=example.net) header.d=example.net", ()),
        (f'{US}; dkim=fail reason="; dkim=pass header.d=example.net"', ()),
        ("", ()),
    ],
)
def test_what_our_server_found_to_pass_counts(value: str, domains: tuple[str, ...]) -> None:
    assert authenticated_domains(headed(results(value), "From: ben@example.net"), US) == domains


def test_only_the_topmost_header_of_our_server_counts() -> None:
    forged = results(f"{US}; dkim=pass header.d=bank.example")
    honest = results(f"{US}; dkim=fail header.d=bank.example")
    assert authenticated_domains(headed(honest, "Received: by x", forged), US) == ()


def test_other_servers_are_not_believed() -> None:
    other = results("mx.example.com; dkim=pass header.d=bank.example")
    assert authenticated_domains(headed(other), US) == ()
    assert authenticated_domains(headed(other), "") == ()


def test_a_header_in_the_body_is_none() -> None:
    raw = headed("From: ben@example.net") + results(f"{US}; dkim=pass header.d=a.example").encode()
    assert authenticated_domains(raw, US) == ()


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=300))
def test_nothing_in_such_a_header_can_make_reading_it_fail(value: str) -> None:
    line = f"Authentication-Results: {US}; {value}".encode("utf-8", "surrogatepass")
    assert isinstance(authenticated_domains(line + b"\r\n\r\n", US), tuple)
