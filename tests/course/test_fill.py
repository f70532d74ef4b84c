from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from course.compile import compile_edition
from course.errors import LettercourseError
from course.fill import fill_html, fill_mime, fill_subject, fill_text
from course.layout import Form
from course.mail.headers import clean, date_time, mailbox, phrase, words
from course.mail.mime import Envelope, message
from course.mail.quoted import encode
from course.model import Pictures
from course.segments import Literal, Values
from tests.course.building import course_of

LESSON = """## Über die *Mitte*: "eins" & zwei

Ein Absatz mit einem [Verweis](https://example.org/?a=1&b=2), so lang, dass er umbrochen wird, und
mit einem Punkt am Anfang der nächsten Zeile.

From here on it goes downhill, and this line begins with a word that mail programs quote.

    .dot at the start of code
    trailing space\x20

Emoji 🎉 und 日本語のとても長い文章がここにあります。
"""
COURSE = course_of(
    "Welcome text.", LESSON, "The end.", title="Die Mitte 🎉", language="de",
    prompts=("", "Was siehst du?", ""),
    subjects={"lesson-1": "Über alles, was man sehen kann, wenn man sich wirklich Zeit nimmt"},
)  # fmt: skip
LETTERS = compile_edition(COURSE, Pictures({}, ())).letters
LETTER = LETTERS[1]
GIVEN = Values(
    name="Ada",
    address="ada@example.org",
    message_id="<1@letters.example>",
    date=datetime(2026, 1, 5, 8, tzinfo=UTC),
    view_url="https://letters.example/v/abc",
    unsubscribe_url="https://letters.example/u/abc",
)

names = st.one_of(
    st.text(st.characters(), max_size=60),
    st.text(alphabet="ab\"'<>@,;:\\()=?_ .\r\n\t\x00\u202eé日🎉\ud800", max_size=200),
    st.sampled_from(["x" * 10_000, "é" * 10_000, "a b " * 2_500, "=?utf-8?q?x?=", "From me", "."]),
)
urls = st.builds(
    lambda path, query: f"https://letters.example/{path}?{query}",
    st.text(alphabet="abcXYZ0123456789-._~/%", max_size=300),
    st.text(alphabet="abc=&+%\"'<>é", max_size=60),
)


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def mailbox_of(raw: bytes, header: str) -> tuple[str, str]:
    """Decode by RFC 2047, 6.2; the newer parser leaves spaces between encoded words in 3.11."""
    written = message_from_bytes(raw, policy=policy.compat32)[header]
    name, address = parseaddr(str(written).replace("\r\n", ""))
    return str(make_header(decode_header(name))), address


def part(message: EmailMessage, subtype: str) -> str:
    body = message.get_body((subtype,))
    assert body is not None
    content: str = body.get_content()
    return content.replace("\r\n", "\n")


@given(name=names, view=urls, leave=urls, test=st.sampled_from(["", "Test"]))
@example(name="x" * 10_000, view="", leave="", test="")
@example(name="Ada\r\nBcc: all@example.org", view="", leave="", test="Test")
@settings(max_examples=150, deadline=None)
def test_every_filled_message_parses_back_to_what_the_parts_say(
    name: str, view: str, leave: str, test: str
) -> None:
    values = Values(
        name=name, address="ada@example.org", message_id="<1@letters.example>",
        date=datetime(2026, 1, 5, 8, tzinfo=UTC), view_url=view, unsubscribe_url=leave, test=test,
    )  # fmt: skip
    raw = fill_mime(LETTER, values)
    message = parsed(raw)
    assert part(message, "plain") == fill_text(LETTER, values)
    assert part(message, "html") == fill_html(LETTER, values)
    assert message["Subject"] == fill_subject(LETTER, values)
    assert mailbox_of(raw, "To") == (clean(name), "ada@example.org")
    assert message["Message-ID"] == "<1@letters.example>"
    assert message["Date"].datetime == values.date
    assert (message["List-Unsubscribe"] is None) == (not leave)
    assert message.get_all("Bcc") is None
    assert not message.defects
    assert not any(body.defects for body in message.walk())
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    body = raw.partition(b"\r\n\r\n")[2]
    assert max(map(len, body.split(b"\r\n"))) <= 76


copies = st.builds(
    Values,
    name=st.just("") | names,
    view_url=st.just("") | urls,
    unsubscribe_url=st.just("") | urls,
    page_url=st.just("") | urls,
    reply_to=st.sampled_from(["", "raaa@reply.example", "a+b@c.example"]),
    address=st.sampled_from(["", "ada@example.org"]),
    date=st.sampled_from([None, GIVEN.date]),
    test=st.sampled_from(["", "Test"]),
)


@given(st.lists(copies, min_size=2, max_size=6))
@settings(max_examples=100, deadline=None)
def test_nobodys_copy_depends_on_whose_was_filled_before(people: list[Values]) -> None:
    one_by_one = [fill_mime(LETTER, values) for values in people]
    assert one_by_one == [Form(LETTER.mime).filled(values) for values in people]


@pytest.mark.parametrize("name", ["Ada", "Zoë", "", 'O\'Neil, J. "Jay"'])
def test_a_short_letters_header_lines_are_at_most_78(name: str) -> None:
    raw = fill_mime(LETTER, replace(GIVEN, name=name))
    head = raw.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78


def test_the_greeting_uses_the_name_or_none() -> None:
    assert "Hallo Ada," in fill_text(LETTER, GIVEN)
    nameless = replace(GIVEN, name=" \r\n ")
    assert "Hallo," in fill_text(LETTER, nameless)
    assert parsed(fill_mime(LETTER, nameless))["To"] == "ada@example.org"


def test_a_name_is_escaped_for_the_part_it_stands_in() -> None:
    values = replace(GIVEN, name='<b>"A&B"</b>')
    assert 'Hallo <b>"A&B"</b>,' in fill_text(LETTER, values)
    assert "Hallo &lt;b&gt;&quot;A&amp;B&quot;&lt;/b&gt;," in fill_html(LETTER, values)


def test_the_headers_say_what_providers_ask_for() -> None:
    message = parsed(fill_mime(LETTER, GIVEN))
    assert message["From"] == "Nora Field <nora@letters.example>"
    assert message["Reply-To"] == "nora@letters.example"
    assert message["List-Id"].endswith("<learning-to-see.letters.example>")
    assert message["List-Unsubscribe"] == "<https://letters.example/u/abc>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Feedback-ID"] == "lesson-1:learning-to-see:lettercourse:letters.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "de"
    assert message.get_content_type() == "multipart/alternative"
    assert [body.get_content_type() for body in message.iter_parts()] == [
        "text/plain",
        "text/html",
    ]


def test_a_reply_goes_to_the_address_of_this_one_copy_by_header_and_by_button() -> None:
    own = replace(GIVEN, reply_to="raaa+b?c&d@reply.example")
    assert parsed(fill_mime(LETTER, own))["Reply-To"] == "raaa+b?c&d@reply.example"
    assert 'href="mailto:raaa%2Bb%3Fc%26d@reply.example?subject=Re%3A' in fill_html(LETTER, own)
    assert 'href="mailto:nora@letters.example?subject=Re%3A' in fill_html(LETTER, GIVEN)


def test_one_may_leave_by_mail_too_where_mail_comes_back_to_us() -> None:
    values = replace(GIVEN, unsubscribe_mail="uaaa@reply.example")
    raw = fill_mime(LETTER, values)
    assert (
        b"List-Unsubscribe: <https://letters.example/u/abc>,\r\n"
        b" <mailto:uaaa@reply.example?subject=unsubscribe>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    ) in raw
    assert b"mailto" not in fill_mime(LETTER, GIVEN).partition(b"\r\n\r\n")[0]


def test_a_mark_that_is_not_ascii_is_encoded_with_the_subject() -> None:
    envelope = Envelope(
        sender=COURSE.sender, sender_name="x", subject="日本", language="ja", test_mark="[試]"
    )
    body = (Literal(b"x"),)
    made = replace(LETTER, mime=message(envelope, body, body))
    assert parsed(fill_mime(made, replace(GIVEN, test="Test")))["Subject"] == "[試] 日本"
    assert parsed(fill_mime(made, GIVEN))["Subject"] == "日本"


def test_a_letter_leads_to_its_readers_own_page() -> None:
    values = replace(GIVEN, page_url="https://letters.example/p/abc")
    for part in (fill_html(LETTER, values), fill_text(LETTER, values)):
        assert "eine Pause" in part
        assert "https://letters.example/p/abc" in part
    assert "eine Pause" not in fill_html(LETTER, GIVEN)


def test_a_test_letter_is_marked_in_subject_and_body() -> None:
    marked = replace(GIVEN, test="Test")
    assert fill_subject(LETTER, marked) == f"[Test] {LETTER.subject}"
    assert "Das ist ein Testbrief." in fill_text(LETTER, marked)
    assert "Das ist ein Testbrief." in fill_html(LETTER, marked)
    assert "Testbrief" not in fill_html(LETTER, GIVEN)


@pytest.mark.parametrize("address", ["a@b\r\nBcc: c@d", "a b@c", "é@b.c", "a", "<a@b>", "a@b, c@d"])
def test_an_address_that_would_alter_the_header_is_refused(address: str) -> None:
    with pytest.raises(LettercourseError):
        fill_mime(LETTER, Values(address=address))


def test_an_address_of_the_web_that_no_line_can_hold_is_refused() -> None:
    with pytest.raises(LettercourseError):
        fill_mime(LETTER, Values(unsubscribe_url=f"https://letters.example/{'x' * 1000}"))


def test_dates_are_written_in_english_with_their_offset() -> None:
    east = datetime(2026, 7, 4, 9, 5, 6, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    raw = fill_mime(LETTER, Values(date=east))
    assert b"\r\nDate: Sat, 04 Jul 2026 09:05:06 +0530\r\n" in raw


def test_the_same_instant_is_dated_in_each_letters_own_zone() -> None:
    there = datetime(2026, 7, 4, 10, 0, tzinfo=timezone(timedelta(hours=2)))
    here = there.astimezone(UTC)
    assert there == here
    assert [date_time(there), date_time(here)] == [
        "Sat, 04 Jul 2026 10:00:00 +0200",
        "Sat, 04 Jul 2026 08:00:00 +0000",
    ]


def test_filling_needs_no_template_no_mjml_and_no_message_building() -> None:
    program = (
        "import sys, course.fill\n"
        "bad = {'jinja2', 'mjml', 'email.message', 'css_inline', 'nh3'} & set(sys.modules)\n"
        "sys.exit(f'imported: {bad}' if bad else 0)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), max_size=5))
@settings(max_examples=200, deadline=None)
def test_pieces_encoded_apart_decode_to_the_whole(pieces: list[str]) -> None:
    import quopri

    encoded = b"".join(map(encode, pieces))
    lines = [re.sub(r"\r\n|\r|\n", "\r\n", piece) for piece in pieces]
    assert quopri.decodestring(encoded).decode() == "".join(lines)
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t", b" ="))


@given(names)
@settings(max_examples=200, deadline=None)
def test_display_names_and_subjects_survive_any_text(text: str) -> None:
    head = f"From: {mailbox(text, 'a@b.example', 6)}\r\nSubject: {words(text, 9)}\r\n"
    raw = f"{head}List-Id: {phrase(text, 9)}\r\n <a.b>\r\n\r\n".encode("ascii")
    assert mailbox_of(raw, "From") == (clean(text), "a@b.example")
    assert mailbox_of(raw, "List-Id") == (clean(text), "a.b")
    assert parsed(raw)["Subject"] == clean(text)
    assert max(map(len, head.split("\r\n"))) <= 76
