from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.post import mail
from worker.inbound import MailReader, parse_mail
from worker.inbound.model import InboundMail
from worker.inbound.sendgrid_form import read_inbound_form

TYPE = "multipart/form-data; boundary=xYzZY"
HEADERS = (
    b"From: Ben <ben@example.net>\nTo: abc@reply.example.org\nSubject: Re: Goals\n"
    b"Message-ID: <one@mail.example>\nContent-Type: multipart/alternative; boundary=gone\n"
)


def form(
    fields: dict[str, bytes], *files: tuple[str, str, bytes], boundary: str = "xYzZY"
) -> bytes:
    pieces = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for name, content in fields.items()
    ]
    pieces += [
        f'--{boundary}\r\nContent-Disposition: form-data; name="attachment{number}"; '
        f'filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for number, (name, kind, content) in enumerate(files, 1)
    ]
    return b"".join(pieces) + f"--{boundary}--\r\n".encode()


def words(given: InboundMail) -> str:
    return parse_mail(given).own_words


def parsed(text: bytes, charset: str, **more: bytes) -> dict[str, bytes]:
    return {
        "headers": HEADERS,
        "text": text,
        "charsets": json.dumps({"text": charset}).encode(),
        **more,
    }


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("Größe – „so“ geht’s", "utf-8"),
        ("Größe – „so“ geht’s", "windows-1252"),
        ("naïve café", "iso-8859-1"),
        ("Привет, я сделал это", "koi8-r"),
        ("続けることが大切", "iso-2022-jp"),
        ("続けることが大切", "shift_jis"),
        ("坚持就是胜利", "gb2312"),
        ("שלום לכולם", "windows-1255"),
        ("Ich mach’ weiter", "utf-16"),
    ],
)
def test_words_arrive_in_the_charset_that_the_form_names(text: str, charset: str) -> None:
    body = form(parsed(text.encode(charset), charset))
    assert words(read_inbound_form(body, TYPE)) == text


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters(min_codepoint=32, exclude_categories=["C", "Z"]), min_size=1))
def test_any_words_arrive_whether_the_mail_comes_in_parts_or_raw(text: str) -> None:
    in_parts = read_inbound_form(form(parsed(text.encode(), "utf-8")), TYPE)
    whole = read_inbound_form(form({"email": mail(text)}), TYPE)
    assert text in parse_mail(in_parts).text
    assert words(in_parts) == words(whole)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=400), st.text(max_size=60))
def test_nothing_that_is_posted_makes_reading_it_fail(body: bytes, content_type: str) -> None:
    assert read_inbound_form(body, content_type).raw or not body


@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(["headers", "text", "charsets", "envelope", "dkim", "SPF", "to"]),
        st.binary(),
    )
)
def test_odd_fields_lose_no_mail(fields: dict[str, bytes]) -> None:
    read = read_inbound_form(form({**fields, "html": b"<p>I did it.</p>"}), TYPE)
    assert b"I did it." in read.raw
    assert parse_mail(read).text


def test_the_envelope_and_the_verdicts_are_taken() -> None:
    envelope = {"to": ["abc@reply.example.org", "<d@reply.example.org>"], "from": "ben@example.net"}
    fields = parsed(
        b"Done.",
        "utf-8",
        envelope=json.dumps(envelope).encode(),
        dkim=b"{@Mail.example : pass}{@other.example : fail}",
        SPF=b"pass",
    )
    read = read_inbound_form(form(fields), TYPE)
    assert read.envelope_to == ("abc@reply.example.org", "d@reply.example.org")
    assert read.envelope_from == "ben@example.net"
    assert read.authenticated == ("mail.example", "example.net")


@pytest.mark.parametrize(
    ("dkim", "spf", "domains"),
    [
        (b"none", b"none", ()),
        (b"{@a.example : pass, @b.example : pass}", b"softfail", ("a.example", "b.example")),
        (b"{@a.example : fail}", b"fail", ()),
        (b"{@a.example : pass}{@a.example : pass}", b"pass", ("a.example", "example.net")),
        (b"pass", b"", ()),
    ],
)
def test_only_what_passed_authenticates(dkim: bytes, spf: bytes, domains: tuple[str, ...]) -> None:
    envelope = b'{"to": "x@reply.example.org", "from": "ben@example.net"}'
    read = read_inbound_form(
        form(parsed(b"x", "utf-8", envelope=envelope, dkim=dkim, SPF=spf)), TYPE
    )
    assert read.authenticated == domains
    assert read.envelope_to == ("x@reply.example.org",)


def test_an_empty_envelope_sender_is_not_an_unknown_one() -> None:
    read = read_inbound_form(
        form(parsed(b"x", "utf-8", envelope=b'{"to":["a@b.c"],"from":""}')), TYPE
    )
    assert read.envelope_from == ""
    assert read_inbound_form(form(parsed(b"x", "utf-8")), TYPE).envelope_from is None


def test_attachments_are_noted_with_the_names_that_the_form_says() -> None:
    info = {"attachment1": {"filename": "Größe.png", "type": "image/png"}}
    fields = parsed(b"See the picture.", "utf-8", **{"attachment-info": json.dumps(info).encode()})
    body = form(
        fields,
        ("x.bin", "application/octet-stream", b"\x89PNG" * 10),
        ("a.txt", "text/plain", b"hi"),
    )
    read = parse_mail(read_inbound_form(body, TYPE))
    assert [(a.name, a.media_type, a.size) for a in read.attachments] == [
        ("Größe.png", "image/png", 40),
        ("a.txt", "text/plain", 2),
    ]
    assert read.own_words == "See the picture."


def test_an_attached_mail_with_boundaries_of_its_own_stays_one_attachment() -> None:
    inner = mail("Inner words") + b"\r\n--xYzZYnot\r\n--xYzZ\r\n"
    body = form(parsed(b"Outer words", "utf-8"), ("mail.eml", "message/rfc822", inner))
    read = read_inbound_form(body, TYPE)
    assert words(read) == "Outer words"
    assert inner in read.raw


def test_a_raw_mail_is_kept_byte_for_byte() -> None:
    raw = mail("Größe").replace(b"\n", b"\r\n") + b"\r\n\x00\xff odd\r\n"
    assert read_inbound_form(form({"email": raw, "to": b"x"}), TYPE).raw == raw


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "multipart/form-data",
        "text/plain",
        'Multipart/Form-Data; boundary="xYzZY"; charset=utf-8',
    ],
)
def test_the_boundary_is_found_however_it_is_told(content_type: str) -> None:
    assert words(read_inbound_form(form(parsed(b"Done.", "utf-8")), content_type)) == "Done."


def test_a_post_that_breaks_off_gives_what_is_there() -> None:
    body = form(parsed(b"Done, and more", "utf-8"))
    assert "Done, and" in words(read_inbound_form(body[: body.index(b" more")], TYPE))


def test_a_mail_without_its_headers_is_made_of_the_fields() -> None:
    fields = {
        "from": b"Ben <ben@example.net>",
        "subject": "Über Ziele".encode("latin-1"),
        "text": b"Done.",
        "charsets": b'{"subject": "iso-8859-1"}',
    }
    read = parse_mail(read_inbound_form(form(fields), TYPE))
    assert (read.from_address, read.subject, read.own_words) == (
        "ben@example.net",
        "Über Ziele",
        "Done.",
    )


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\r\n" * 15_000_000, id="only line ends"),
        pytest.param(b"\r\n--xYzZ" * 3_500_000, id="almost delimiters"),
        pytest.param(b"\r\n--xYzZY\r\n" * 2_500_000, id="only delimiters"),
        pytest.param(b"--xYzZY" + b" \t" * 15_000_000, id="a delimiter and blanks"),
        pytest.param(b'\r\n--xYzZY\r\nA: form-data; name="a' * 800_000, id="half heads"),
        pytest.param(b"a" * 30_000_000, id="one line"),
    ],
)
def test_thirty_megabytes_are_read_in_seconds(content: bytes) -> None:
    body = form(parsed(b"Words.", "utf-8", more=content))
    began = time.perf_counter()
    read = read_inbound_form(body, TYPE)
    assert time.perf_counter() - began < 10
    assert words(read) == "Words."


def test_thirty_megabytes_of_text_do_not_hold_up_the_reader() -> None:
    body = form(parsed(b"On a a a " * 3_300_000, "utf-8"))
    began = time.perf_counter()
    with MailReader() as reader:
        read = reader.read(read_inbound_form(body, TYPE))
    assert time.perf_counter() - began < 30
    assert read.text.startswith("On a a a")
