"""A message's parts, charsets and headers, well-formed and otherwise."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.inbound.mails import mail, parsed
from worker.inbound import (
    Attachment,
    Enclosure,
    InboundMail,
    MailKind,
    ParsedMail,
    assemble_mail,
    decode,
    parse_mail,
    skim_mail,
)

TEXT = "Grüße, žluťoučký, Привет, こんにちは, 你好, مرحبا"


@pytest.mark.parametrize(
    ("text", "codec", "label"),
    [
        ("Grüße – “so”", "cp1252", "iso-8859-1"),
        ("Grüße – “so”", "cp1252", "windows-1252"),
        ("Grüße – “so”", "cp1252", ""),
        ("Grüße – “so”", "cp1252", "us-ascii"),
        ("Grüße – “so”", "cp1252", "utf-8"),
        ("Grüße – “so”", "cp1252", "x-unknown"),
        ("Grüße", "utf-8", "iso-8859-1"),
        ("Grüße", "utf-8", ""),
        ("Grüße", "utf-8", '"UTF8"'),
        ("Привет", "koi8-r", "KOI8-R"),
        ("Привет", "cp1251", "windows-1251"),
        ("你好，朱镕基", "gb18030", "gb2312"),
        ("你好", "big5", "big5"),
        ("您好！ 你今天好吗？", "utf-8", "big5"),
        ("Привет, друг", "utf-8", "shift_jis"),
        ("こんにちは", "iso-2022-jp", "iso-2022-jp"),
        ("こんにちは", "iso-2022-jp", ""),
        ("こんにちは①", "cp932", "shift_jis"),
        ("안녕하세요", "cp949", "ks_c_5601-1987"),
        ("Żółw", "iso8859-2", "iso-8859-2"),
        ("5 €", "iso8859-15", "ISO-8859-15"),
        ("Grüße", "utf-16", "utf-16"),
        ("Grüße", "utf-16", ""),
    ],
)
def test_text_is_read_in_what_its_sender_meant(text: str, codec: str, label: str) -> None:
    assert decode(text.encode(codec), label) == text


@pytest.mark.parametrize("label", ["utf-7", "unicode-1-1-utf-7", "zip", "idna", "unicode_escape"])
def test_a_codec_that_is_no_charset_is_refused(label: str) -> None:
    assert decode(b"+ADw-b\\x41", label) == "+ADw-b\\x41"


@given(content=st.binary(max_size=300), label=st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_bytes_become_text_that_can_be_stored(content: bytes, label: str) -> None:
    text = decode(content, label)
    text.encode("utf-8")
    assert "\x00" not in text
    assert "\r" not in text


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
@pytest.mark.parametrize("subtype", ["plain", "html"])
def test_every_transfer_encoding_is_undone(encoding: str, subtype: str) -> None:
    message = EmailMessage()
    message["From"] = "ada@example.org"
    message.set_content(f"{TEXT}\n", subtype=subtype, cte=encoding)
    assert parse_mail(InboundMail(message.as_bytes())).text == TEXT


@given(
    plain=st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C"]), max_size=80),
    name=st.text("abcäß", min_size=1, max_size=20),
    content=st.binary(max_size=200),
    alternative=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_well_formed_messages_are_read_as_the_standard_library_wrote_them(
    plain: str, name: str, content: bytes, *, alternative: bool
) -> None:
    message = EmailMessage()
    message["From"] = "ada@example.org"
    message["Subject"] = name
    message.set_content(plain)
    if alternative:
        message.add_alternative("<p>markup</p>", subtype="html")
    message.add_attachment(content, maintype="application", subtype="pdf", filename=f"{name}.pdf")
    found = parse_mail(InboundMail(message.as_bytes(policy=email.policy.SMTP)))
    assert found.subject == name
    assert found.attachments == (Attachment(f"{name}.pdf", "application/pdf", len(content)),)
    if plain.strip() and not plain.lstrip(" ").startswith(">"):
        assert found.text.split() == decode(plain.encode()).split()


def test_headers_are_read() -> None:
    found = parsed(
        "x",
        "From: =?utf-8?q?Ada_=C3=84?= <ADA@Bücher.example>",
        'To: "a, b" <R123@Reply.example.net>, x@example.com (a comment)',
        "Cc: y@example.com",
        "Delivered-To: z@example.com",
        "X-Original-To: r123@reply.example.net",
        "Subject: =?utf-8?b?R3LDvMOf?=\r\n =?utf-8?b?ZQ==?= you",
        "References: <a@x> <b@x>\r\n\t<c@x>",
        "In-Reply-To: <d@x>",
    )
    assert found.from_address == "ada@xn--bcher-kva.example"
    assert found.recipients == (
        "r123@reply.example.net",
        "x@example.com",
        "y@example.com",
        "z@example.com",
    )
    assert found.subject == "Grüße you"
    assert found.references == ("<a@x>", "<b@x>", "<c@x>", "<d@x>")
    assert found.message_id == "<1@example.org>"


def test_empty_lines_above_the_headers_are_the_carriers() -> None:
    inbound = mail("I swam.\n", "X-Autoreply: yes")
    below = InboundMail(b"\r\n\n" + inbound.raw, inbound.envelope_from)
    for read in (parse_mail, skim_mail):
        assert read(below).from_address == "ada@example.org"
        assert read(below).kind is MailKind.AUTO_REPLY
    assert parse_mail(InboundMail(b"\nI swam.\n")).own_words == "I swam."


def test_a_character_cut_in_two_encoded_words_is_whole_again() -> None:
    assert parsed("x", "Subject: =?utf-8?b?w?= =?utf-8?b?w7w=?=").subject == "ü"
    assert parsed("x", "Subject: =?utf-8?q?=C3?= =?utf-8?q?=BC?=").subject == "ü"


@pytest.mark.parametrize(
    "sender",
    ["", "nobody", "a@b@c", "<>", '"ada@example.org" <no one>', "a@example.org, b@example.org"],
)
def test_an_unusable_sender_is_nobody(sender: str) -> None:
    assert parsed("x", f"From: {sender}").from_address == ""


def test_two_senders_are_nobody() -> None:
    raw = b"From: ada@example.org\r\nFrom: eve@example.com\r\n\r\nx"
    assert parse_mail(InboundMail(raw)).from_address == ""


def test_a_name_that_looks_like_an_address_is_no_address() -> None:
    found = parsed("x", 'From: "bob@example.org" <ada@example.org>')
    assert found.from_address == "ada@example.org"


def test_broken_boundaries_lose_no_text() -> None:
    unclosed = parsed("--b\n\nfirst\n--b\n\nsecond", "Content-Type: multipart/mixed; boundary=b")
    assert unclosed.text == "first\n\nsecond"
    undeclared = parsed(
        "--=_b123\nContent-Type: text/plain\n\nhi\n--=_b123--\n", "Content-Type: multipart/mixed"
    )
    assert undeclared.text == "hi"
    missing = parsed("just text\n", "Content-Type: multipart/mixed; boundary=b")
    assert missing.text == "just text"


def test_the_text_of_an_alternative_is_preferred_unless_it_is_empty() -> None:
    kind = "Content-Type: multipart/alternative; boundary=b"
    html = "--b\nContent-Type: text/html\n\n<p>markup</p>\n--b--\n"
    assert parsed("--b\n\ntext\n" + html, kind).text == "text"
    assert parsed("--b\n\n\n" + html, kind).text == "markup"


def test_a_uuencoded_file_is_an_attachment() -> None:
    body = "See:\nbegin 644 cat.txt\n#0V%T\n`\nend\nbegin the day\n"
    found = parsed(body)
    assert found.own_words == "See:\nbegin the day"
    assert found.attachments == (Attachment("cat.txt", "application/octet-stream", 3),)


def test_an_enclosed_mail_is_an_attachment_and_no_words() -> None:
    body = (
        "--b\n\nmine\n--b\nContent-Type: message/rfc822\n\nSubject: theirs\n\ntheir words\n--b--\n"
    )
    found = parsed(body, "Content-Type: multipart/mixed; boundary=b")
    assert found.own_words == "mine"
    assert [each.media_type for each in found.attachments] == ["message/rfc822"]
    assert found.kind is MailKind.PERSON


HEADERS = (
    "From: Ada <ada@example.org>\nSubject: Re: Day 1\nMessage-ID: <1@example.org>\n"
    "MIME-Version: 1.0\nContent-Type: multipart/alternative;\n boundary=gone\n"
)


def test_a_mail_taken_apart_is_put_together_again() -> None:
    raw = assemble_mail(
        HEADERS,
        text=f"{TEXT}\n",
        html="<p>x</p>",
        enclosures=[Enclosure('a".pdf', "application/pdf", b"\r\n--binary\x00\r\n")],
    )
    found = parse_mail(InboundMail(raw))
    assert (found.text, found.subject, found.message_id) == (TEXT, "Re: Day 1", "<1@example.org>")
    assert found.attachments == (Attachment("a.pdf", "application/pdf", 13),)
    peer = email.message_from_bytes(raw, policy=email.policy.default)
    assert peer.get_body(("plain",)).get_content().strip() == TEXT  # type: ignore[union-attr]


def test_a_report_stays_a_report_when_it_is_put_together_again() -> None:
    headers = (
        "From: MAILER-DAEMON@example.org\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x\n"
    )
    status = b"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; ada@example.org\nStatus: 5.1.1\n"
    raw = assemble_mail(
        headers,
        text="It failed.",
        html=None,
        enclosures=[Enclosure("", "message/delivery-status", status)],
    )
    found = parse_mail(InboundMail(raw))
    assert found.kind is MailKind.BOUNCE
    assert found.report is not None
    assert found.report.permanent


@given(
    headers=st.text(max_size=200),
    text=st.none() | st.text(max_size=100),
    html=st.none() | st.text(max_size=100),
    files=st.lists(
        st.builds(Enclosure, st.text(max_size=10), st.text(max_size=20), st.binary(max_size=50)),
        max_size=3,
    ),
)
@settings(max_examples=100, deadline=None)
def test_nothing_in_the_fields_breaks_the_message_made_of_them(
    headers: str, text: str | None, html: str | None, files: list[Enclosure]
) -> None:
    raw = assemble_mail(headers, text=text, html=html, enclosures=files)
    found = parse_mail(InboundMail(raw))
    assert ParsedMail.from_json(found.to_json()) == found


PIECES = st.sampled_from(
    [
        b"From: a@b.example\n", b"Content-Type: multipart/mixed; boundary=b\n", b"\n", b"--b\n",
        b"--b--\n", b"Content-Type: text/html\n", b"<div>", b"<blockquote type=cite>", b"</div>",
        b"> ", b"On 3/3/25, 8:00 AM, C <c@d.example> wrote:\n", b"=?utf-8?q?", b"?=", b"\xff\xfe",
        b"Content-Transfer-Encoding: base64\n", b"Content-Type: message/delivery-status\n",
        b"Final-Recipient: rfc822;a@b.example\n", b"-- \n", b"begin 644 x\n", b"\x00", b"\r",
        b"Content-Type: text/plain; charset*0*=utf-7''x; name*1=y\n", b"From: ", b"Sent: 3/3/25\n",
        b'Content-Disposition: attachment; filename*=idna\'\'%ff"\n', b"wrote:",
        b"<a href='", b"&#x0;",
    ]
)  # fmt: skip


@given(raw=st.one_of(st.binary(max_size=400), st.lists(PIECES, max_size=40).map(b"".join)))
@settings(max_examples=200, deadline=None)
def test_any_bytes_at_all_become_a_mail(raw: bytes) -> None:
    for found in (parse_mail(InboundMail(raw)), skim_mail(InboundMail(raw))):
        assert ParsedMail.from_json(found.to_json()) == found
        assert found.own_words or not found.text
        found.to_json().encode("ascii")
        found.text.encode()
        assert "\x00" not in found.text + found.subject


def test_skimming_keeps_the_full_text_and_knows_machines_by_their_headers() -> None:
    quoted = "I swam.\n\n> What did you do?\n"
    found = skim_mail(mail(quoted))
    assert found.text == found.own_words
    assert found.own_words.startswith("I swam.")
    assert (found.kind, found.in_full, found.truncated) == (MailKind.PERSON, True, True)
    assert skim_mail(mail(quoted, "Auto-Submitted: auto-replied")).kind is MailKind.AUTO_REPLY
