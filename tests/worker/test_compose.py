"""Composing: each value of the right person in the right place, and none where anyone may look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parsedate_to_datetime

import pytest

from course.mail.own_words import BUDGET
from course.model import Kind, Letter, Sender
from course.segments import Encoding, Literal, Section, Segments, Slot
from worker.compose import browser_view, compose, compose_test, message_id
from worker.links import Links
from worker.model import Claimed, Gated, Message, StoredLetter

LINKS = Links("https://letters.example.org", ["a secret for the tests"])
SENDER = Sender("Grace", "grace@course.example", "1 Main Street")
AT = datetime(2030, 1, 2, 7, 0, tzinfo=UTC)


def slots(*names: str, encoding: Encoding) -> Segments:
    segments: list[Literal | Slot | Section] = []
    for name in names:
        value = (Literal(f"[{name}]".encode()), Slot(name, encoding), Literal(b"\r\n"))
        segments.append(Section(name, present=True, segments=value))
    return tuple(segments)


def header(title: str, slot: str, encoding: Encoding = Encoding.HEADER) -> Segments:
    return (Literal(f"{title}: ".encode()), Slot(slot, encoding), Literal(b"\r\n"))


BODY = ("name", "view_url", "unsubscribe_url", "assets_url", "test")
LETTER = Letter(
    key="goals",
    kind=Kind.LESSON,
    number=1,
    title="Goals",
    subject="Goals",
    minutes=1,
    source_digest="0" * 64,
    subject_line=(Literal(b"Goals"),),
    html=slots(*BODY, encoding=Encoding.HTML),
    text=slots(*BODY, encoding=Encoding.PLAIN),
    mime=(
        *header("To", "address", Encoding.MAILBOX),
        *header("Message-ID", "message_id"),
        *header("Date", "date"),
        Literal(b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"),
        Literal(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"),
        *slots(*BODY, encoding=Encoding.QP_PLAIN),
    ),
)
STORED = StoredLetter(31, "bread", "Bread without fear", SENDER, LETTER)


def gated(name: str = "Zoë") -> Gated:
    claimed = Claimed(
        id="d41d8cd9",
        epoch=1,
        enrollment_id=7,
        subscriber_id=5,
        run=1,
        address="zoe@example.org",
        name=name,
        edition_id=3,
        letter_id=31,
        letter_key="goals",
        kind=Kind.LESSON,
        due_at=AT - timedelta(hours=3),
    )
    return Gated(claimed, attempt_id=1, number=1, gated_at=AT)


def parsed(message: Message) -> EmailMessage:
    found = message_from_bytes(message.mime, policy=SMTP)
    assert isinstance(found, EmailMessage)
    return found


def body(message: Message) -> dict[str, str]:
    lines = parsed(message).get_content().splitlines()
    return dict(line.removeprefix("[").split("]", 1) for line in lines if line)


def test_a_letter_carries_its_persons_own_links() -> None:
    message = compose(STORED, gated(), LINKS)
    found = body(message)
    assert found["name"] == "Zoë"
    assert LINKS.read_unsubscribe(found["unsubscribe_url"].rpartition("/")[2]) == 7
    assert LINKS.read_view(found["view_url"].rpartition("/")[2]) == 31
    assert found["assets_url"] == "https://letters.example.org/assets"
    assert "test" not in found


def test_a_letter_is_addressed_dated_by_its_gate_and_named_by_its_delivery() -> None:
    message = compose(STORED, gated(), LINKS)
    mail = parsed(message)
    assert message.delivery_id == "d41d8cd9"
    assert (message.sender, message.recipient) == ("grace@course.example", "zoe@example.org")
    assert "zoe@example.org" in mail["To"]
    assert mail["Message-ID"] == "<d41d8cd9@course.example>" == message_id("d41d8cd9", SENDER)
    assert parsedate_to_datetime(mail["Date"]) == AT


def test_a_persons_own_words_are_given_back_within_a_budget() -> None:
    slot = Slot("words:goals", Encoding.QP_LINES)
    letter = replace(LETTER, kind=Kind.FINALE, mime=(*LETTER.mime, Literal(b"[own]"), slot))
    stored = replace(STORED, letter=letter)
    short = compose(stored, replace(gated(), reflections={"goals": "one two"}), LINKS)
    assert body(short)["own"] == "    one two"
    long = compose(stored, replace(gated(), reflections={"goals": "x" * 7_000}), LINKS)
    assert body(long)["own"] == f"    {'x' * (BUDGET - 1)}…"


def test_composing_again_gives_the_same_bytes() -> None:
    assert compose(STORED, gated(), LINKS) == compose(STORED, gated(), LINKS)


@pytest.mark.parametrize(("letter_id", "viewable"), [(31, True), (0, False)])
def test_a_test_letter_is_marked_and_its_link_leaves_nothing(
    letter_id: int, *, viewable: bool
) -> None:
    stored = StoredLetter(letter_id, "bread", "Bread without fear", SENDER, LETTER)
    message = compose_test(
        stored, "me@course.example", "Grace", LINKS, message_id="<t@course.example>", date=AT
    )
    found = body(message)
    assert found["test"] == "Test"
    assert LINKS.read_unsubscribe(found["unsubscribe_url"].rpartition("/")[2]) == 0
    assert ("view_url" in found) == viewable
    assert message.recipient == "me@course.example"
    assert parsed(message)["Message-ID"] == "<t@course.example>"


LINKING = StoredLetter(
    31,
    "bread",
    "Bread without fear",
    SENDER,
    replace(
        LETTER,
        html=(Slot("letter:start", Encoding.HTML),),
        mime=(*LETTER.mime, *slots("letter:start", encoding=Encoding.QP_PLAIN)),
    ),
    {"start": 30},
)


def test_a_link_to_an_earlier_letter_opens_that_letter() -> None:
    (view,) = {
        body(compose(LINKING, gated(), LINKS))["letter:start"],
        browser_view(LINKING, LINKS),
    }
    assert LINKS.read_view(view.rpartition("/")[2]) == 30


def test_a_letter_without_such_links_looks_nothing_up() -> None:
    content = compose(STORED, gated(), LINKS).content
    assert content is not None
    assert content.values.letters == {}


def test_in_the_browser_nothing_is_about_a_person() -> None:
    page = browser_view(STORED, LINKS)
    assert page == "[assets_url]https://letters.example.org/assets\r\n"
