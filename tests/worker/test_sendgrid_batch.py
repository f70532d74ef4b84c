"""Copies of one letter in one call: one answer for all, and nobody harmed by another's address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from course.compile import compile_course
from course.fill import fill_html, fill_text
from course.segments import Encoding, Literal, Slot
from tests.peers.loopback import CutAfter, CutBefore, Fault, Late, Refuse, Stall
from tests.peers.sendgrid import SendGrid, sendgrid
from worker.compose import compose
from worker.links import Links
from worker.model import Claimed, Gated, Message, Outcome, StoredLetter, Verdict
from worker.providers.sendgrid import SendGridProvider

NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
KEYS = ["a secret of at least sixteen"]
LINKS = Links("https://letters.example.org", KEYS, "in.example.org")
SAMPLE = Path(__file__).parents[2] / "course" / "samples" / "stay-motivated"
NAMES = ("Ada", "", '<b>Bén</b> & Co, "x"', "-lc0n0-")


@pytest.fixture(scope="module")
def stored() -> StoredLetter:
    edition = compile_course(SAMPLE).edition
    assert edition.sender
    return StoredLetter(7, edition.course, edition.title, edition.sender, edition.letters[1])


@pytest.fixture
def write(stored: StoredLetter) -> Callable[..., list[Message]]:
    """Return what composes copies of the letter to so many people."""

    def written(count: int, links: Links = LINKS) -> list[Message]:
        return [copy(stored, number, links) for number in range(count)]

    return written


def copy(stored: StoredLetter, number: int, links: Links = LINKS) -> Message:
    name = NAMES[number % len(NAMES)]
    address = f"p{number}@example.com"
    kind = stored.letter.kind
    claimed = Claimed(
        f"{number:032x}", 1, number, number, 1, address, name, 1, 7, "goals", kind, NOW
    )
    return compose(stored, Gated(claimed, number, 1, NOW), links)


@contextmanager
def provider(server: SendGrid, **options: Any) -> Iterator[SendGridProvider]:
    made = SendGridProvider(server.api_key, server.url, lambda: NOW, **{"batch": 1000, **options})
    try:
        yield made
    finally:
        made.close()


def send(
    messages: Sequence[Message], *faults: Fault | None, **options: Any
) -> tuple[Sequence[Outcome], SendGrid]:
    with sendgrid() as server, provider(server, **options) as carrier:
        server.meet(*faults)
        return carrier.send_all(messages), server


def verdicts(outcomes: Sequence[Outcome]) -> set[Verdict]:
    return {outcome.verdict for outcome in outcomes}


def test_everybody_gets_in_one_call_what_they_would_get_alone(
    write: Callable[..., list[Message]],
) -> None:
    messages = write(8)
    outcomes, server = send(messages)
    assert verdicts(outcomes) == {Verdict.ACCEPTED}
    assert [call.status for call in server.calls] == [202]
    with sendgrid() as other, provider(other) as carrier:
        for message in messages:
            carrier.send(message)
    for together, alone, message in zip(server.accepted, other.accepted, messages, strict=True):
        assert together.recipient == message.recipient
        assert together.html == alone.html
        assert together.text == alone.text
        assert together.headers == alone.headers
        assert together.subject == alone.subject
        assert together.name == alone.name
        assert together.custom_args == {"lettercourse_delivery": message.delivery_id}
        assert together.tracked == frozenset()
        assert message.content
        assert together.html == fill_html(message.content.letter, message.content.values)
        assert together.text == fill_text(message.content.letter, message.content.values)


def test_the_reply_address_is_one_for_all(write: Callable[..., list[Message]]) -> None:
    _, server = send(write(3))
    assert {mail.reply_to for mail in server.accepted} == {"reply@in.example.org"}
    without = Links("https://letters.example.org", KEYS)
    _, server = send(write(3, without))
    assert {mail.reply_to for mail in server.accepted} == {"course@example.org"}


def test_a_thousand_go_in_one_call(write: Callable[..., list[Message]]) -> None:
    outcomes, server = send(write(1000))
    assert verdicts(outcomes) == {Verdict.ACCEPTED}
    assert len(server.calls) == 1
    assert [mail.recipient for mail in server.accepted] == [
        f"p{number}@example.com" for number in range(1000)
    ]


@pytest.mark.parametrize(
    ("fault", "verdict", "taken"),
    [
        (CutAfter(), Verdict.UNKNOWN, 5),
        (CutBefore(), Verdict.UNKNOWN, 0),
        (Stall(), Verdict.UNKNOWN, 5),
        (Late(9.0), Verdict.UNKNOWN, 5),
        (Refuse(503), Verdict.UNKNOWN, 0),
        (Refuse(429), Verdict.DEFERRED, 0),
        (Refuse(401), Verdict.DEFERRED, 0),
    ],
)
def test_one_answer_or_silence_is_that_of_all(
    write: Callable[..., list[Message]], fault: Fault, verdict: Verdict, taken: int
) -> None:
    outcomes, server = send(write(5), fault, deadline=0.5)
    assert verdicts(outcomes) == {verdict}
    assert len(server.accepted) == taken
    assert server.http.connections == 1


def test_bad_addresses_harm_nobody_else(write: Callable[..., list[Message]]) -> None:
    messages = write(40)
    bad = {messages[0].recipient, messages[17].recipient, messages[39].recipient}
    with sendgrid() as server, provider(server) as carrier:
        server.unknown_addresses |= bad
        outcomes = carrier.send_all(messages)
    refused = {
        message.recipient
        for message, outcome in zip(messages, outcomes, strict=True)
        if outcome.verdict is Verdict.REFUSED and outcome.address_at_fault
    }
    assert refused == bad
    assert sorted(mail.recipient for mail in server.accepted) == sorted(
        {message.recipient for message in messages} - bad
    )
    assert len(server.calls) == 5  # all, all but the three, and each of the three


def test_a_no_that_names_nobody_lets_each_be_asked_alone(
    write: Callable[..., list[Message]],
) -> None:
    outcomes, server = send(write(4), Refuse(400), None, Refuse(400))
    assert [outcome.verdict for outcome in outcomes] == [
        Verdict.ACCEPTED,
        Verdict.REFUSED,
        Verdict.ACCEPTED,
        Verdict.ACCEPTED,
    ]
    assert len(server.accepted) == 3


def test_a_doubt_among_those_sent_alone_is_its_own(
    write: Callable[..., list[Message]],
) -> None:
    outcomes, server = send(write(3), Refuse(413), CutAfter())
    assert [outcome.verdict for outcome in outcomes] == [
        Verdict.UNKNOWN,
        Verdict.ACCEPTED,
        Verdict.ACCEPTED,
    ]
    assert len(server.accepted) == 3


def test_what_there_is_no_time_for_is_deferred_and_was_never_begun(
    write: Callable[..., list[Message]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.providers.sendgrid._FRESH", 0.3)
    outcomes, server = send(write(4), Refuse(400), Late(0.4))
    assert [outcome.verdict for outcome in outcomes] == [
        Verdict.ACCEPTED,
        *[Verdict.DEFERRED] * 3,
    ]
    assert [mail.recipient for mail in server.accepted] == ["p0@example.com"]


def test_who_has_more_to_say_than_fits_goes_alone(stored: StoredLetter) -> None:
    wordy = replace(
        stored.letter,
        html=(*stored.letter.html, Slot("test", Encoding.HTML), Literal(b"<hr>")),
    )
    messages = []
    for number, words in enumerate(["short", "ä" * 5_000, "brief"]):
        message = copy(replace(stored, letter=wordy), number)
        assert message.content
        values = replace(message.content.values, test=words)
        messages.append(replace(message, content=replace(message.content, values=values)))
    outcomes, server = send(messages)
    assert verdicts(outcomes) == {Verdict.ACCEPTED}
    assert len(server.calls) == 2
    assert [mail.recipient for mail in server.accepted] == [
        "p0@example.com",
        "p2@example.com",
        "p1@example.com",
    ]
    assert "ä" * 5_000 in server.accepted[2].html


def test_an_address_stands_in_a_call_once(write: Callable[..., list[Message]]) -> None:
    first, second = write(2)
    twin = replace(second, recipient=first.recipient.upper())
    outcomes, server = send([first, twin])
    assert verdicts(outcomes) == {Verdict.ACCEPTED}
    assert [call.status for call in server.calls] == [202, 202]


def test_messages_without_content_go_alone(write: Callable[..., list[Message]]) -> None:
    outcomes, server = send([replace(each, content=None) for each in write(2)])
    assert verdicts(outcomes) == {Verdict.ACCEPTED}
    assert len(server.calls) == 2


def test_the_sandbox_checks_a_batch(write: Callable[..., list[Message]]) -> None:
    outcomes, server = send(write(3), sandbox=True)
    assert verdicts(outcomes) == {Verdict.ACCEPTED}
    assert [call.status for call in server.calls] == [200]
