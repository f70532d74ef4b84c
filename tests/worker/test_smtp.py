from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.errors import LettercourseError
from tests.worker.smtp_sink import Answer, Drip, Drop, Hold, Sink, Stall, sink
from worker.model import Message, Outcome, Verdict
from worker.providers.smtp import SmtpProvider
from worker.providers.smtp_session import Starttls, read_server

MIME = b"To: anna@example.org\r\nSubject: One\r\n\r\n.hidden dot\r\nBe well.\r\n"


def letter(recipient: str = "anna@example.org") -> Message:
    return Message("d1", "course@example.net", recipient, MIME)


@contextmanager
def provider(server: Sink, deadline: float = 5.0) -> Iterator[SmtpProvider]:
    smtp = SmtpProvider(server.url, deadline=deadline)
    try:
        yield smtp
    finally:
        smtp.close()


def send_once(deadline: float = 5.0, /, **script: Sequence[Answer]) -> tuple[Outcome, Sink]:
    with sink(**script) as server, provider(server, deadline) as smtp:
        return smtp.send(letter()), server


def test_a_letter_arrives_byte_for_byte_in_its_envelope() -> None:
    outcome, server = send_once()
    assert outcome.verdict is Verdict.ACCEPTED
    (taken,) = server.taken
    assert (taken.sender, taken.recipient) == ("course@example.net", "anna@example.org")
    assert taken.content == MIME


@given(st.lists(st.sampled_from([b".", b"..", b"a", b"", b".\r"]), max_size=8))
@settings(max_examples=40, deadline=None)
def test_dots_survive_wherever_they_stand(lines: list[bytes]) -> None:
    mime = b"Subject: dots\r\n\r\n" + b"".join(line.strip() + b"\r\n" for line in lines)
    with sink() as server, provider(server) as smtp:
        assert smtp.send(Message("d", "a@b.c", "d@e.f", mime)).verdict is Verdict.ACCEPTED
        assert server.taken[0].content == mime


@pytest.mark.parametrize("verb", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", [Drop(), "421 later", "451 4.3.0 later", "gibberish"])
def test_before_the_content_a_temporary_fault_defers(verb: str, answer: Answer) -> None:
    script: dict[str, Sequence[Answer]] = {verb: [answer] * 9, "HELO": ["451 later"]}
    outcome, server = send_once(5.0, **script)
    assert outcome.verdict is Verdict.DEFERRED
    assert not server.taken


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "content"])
def test_a_permanent_no_refuses(verb: str) -> None:
    outcome, server = send_once(5.0, **{verb: ["554 5.7.1 policy"]})
    assert outcome.verdict is Verdict.REFUSED
    assert not outcome.address_at_fault
    assert not server.taken


@pytest.mark.parametrize(
    ("answer", "at_fault"),
    [
        ("550 no such user", True),
        ("551 moved", True),
        ("553 odd name", True),
        ("550 5.1.1 unknown", True),
        ("554 5.1.1 unknown", True),
        ("550 5.7.1 you look like spam", False),
        ("553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", False),
        ("550 relay not permitted", False),
        ("550 Sender verify failed", False),
        ("550 refused, you come from 5.1.1.20", True),
        ("550 5.1.8 your own domain is odd", False),
        ("552 5.2.2 full", False),
        ("554 no", False),
    ],
)
def test_a_refused_recipient_is_at_fault_only_when_the_address_is(
    answer: str, at_fault: bool
) -> None:
    outcome, _ = send_once(RCPT=[answer])
    assert (outcome.verdict, outcome.address_at_fault) == (Verdict.REFUSED, at_fault)


def test_a_refusal_of_content_does_not_blame_the_address_without_saying_so() -> None:
    assert not send_once(content=["550 spam"])[0].address_at_fault
    assert send_once(content=["550 5.1.1 unknown after all"])[0].address_at_fault


@pytest.mark.parametrize("answer", ["452 4.3.1 full", "421 4.3.2 going down"])
def test_a_temporary_no_to_the_content_defers(answer: str) -> None:
    assert send_once(content=[answer])[0].verdict is Verdict.DEFERRED


@pytest.mark.parametrize("answer", [Drop(), Drop(after_lines=1), "gibberish", "299"])
def test_a_connection_lost_after_the_first_byte_is_unknown_unless_answered(answer: Answer) -> None:
    expected = Verdict.ACCEPTED if answer == "299" else Verdict.UNKNOWN
    assert send_once(content=[answer])[0].verdict is expected


@pytest.mark.parametrize("silence", [Stall(), Drip(0.05)])
@pytest.mark.parametrize(
    ("verb", "verdict"),
    [
        ("connect", Verdict.DEFERRED),
        ("RCPT", Verdict.DEFERRED),
        ("content", Verdict.UNKNOWN),
    ],
)
def test_a_server_that_never_answers_is_left_at_the_deadline(
    verb: str, verdict: Verdict, silence: Answer
) -> None:
    started = time.monotonic()
    outcome, _ = send_once(0.5, **{verb: [silence]})
    assert outcome.verdict is verdict
    assert time.monotonic() - started < 2.0


def test_nobody_there_defers() -> None:
    with sink() as server:
        pass
    with provider(server) as smtp:
        outcome = smtp.send(letter())
    assert (outcome.verdict, outcome.detail) == (
        Verdict.DEFERRED,
        "connecting: Connection refused",
    )


def test_a_name_that_does_not_resolve_defers() -> None:
    outcome = SmtpProvider("smtp://nowhere.invalid").send(letter())
    assert outcome.verdict is Verdict.DEFERRED


def test_connections_are_used_again() -> None:
    with sink() as server, provider(server) as smtp:
        assert {smtp.send(letter()).verdict for _ in range(5)} == {Verdict.ACCEPTED}
        assert server.connections == 1


def test_a_refused_letter_does_not_spoil_the_connection_for_the_next() -> None:
    with sink(RCPT=["550 no"], content=["554 no"]) as server, provider(server) as smtp:
        assert smtp.send(letter()).verdict is Verdict.REFUSED
        assert smtp.send(letter()).verdict is Verdict.REFUSED
        assert smtp.send(letter()).verdict is Verdict.ACCEPTED
        assert server.connections == 1


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("MAIL", "421 idle for too long"),
        ("MAIL", "452 4.5.0 enough letters for one session"),
        ("MAIL", Drop()),
        ("RCPT", Drop()),
        ("DATA", Drop()),
    ],
)
def test_a_kept_connection_that_went_stale_costs_nothing(verb: str, answer: Answer) -> None:
    usual = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on"}[verb]
    with sink(**{verb: [usual, answer]}) as server, provider(server) as smtp:
        assert smtp.send(letter()).verdict is Verdict.ACCEPTED
        assert smtp.send(letter()).verdict is Verdict.ACCEPTED
        assert len(server.taken) == 2
        assert server.connections == 2


def test_a_server_that_hung_up_between_two_letters_costs_nothing() -> None:
    with sink() as server, provider(server) as smtp:
        smtp.send(letter())
        server.hang_up()
        assert smtp.send(letter()).verdict is Verdict.ACCEPTED
        assert len(server.taken) == 2


def test_a_kept_connection_is_never_tried_again_once_content_was_sent() -> None:
    with sink(content=["250 ok", Drop()]) as server, provider(server) as smtp:
        smtp.send(letter())
        assert smtp.send(letter()).verdict is Verdict.UNKNOWN
        assert server.connections == 1


def test_a_connection_that_was_idle_is_asked_before_it_is_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker.providers.smtp_pool._IDLE", 0.0)
    with sink(NOOP=["250 ok", "421 bye"]) as server, provider(server) as smtp:
        assert {smtp.send(letter()).verdict for _ in range(3)} == {Verdict.ACCEPTED}
        assert server.verbs.count("NOOP") == 2
        assert server.connections == 2


def test_connecting_for_too_long_defers_and_keeps_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with sink(connect=[Hold("220 at last")]) as server, provider(server) as smtp:
        monkeypatch.setattr("worker.providers.smtp._FRESH", 0.1)
        assert smtp.send(letter()).verdict is Verdict.DEFERRED
        server.release()
        monkeypatch.undo()
        assert smtp.send(letter()).verdict is Verdict.ACCEPTED
        assert server.connections == 1
        assert len(server.taken) == 1


@pytest.mark.parametrize("goodbye", ["421 no", Drop(), "500 what?"])
def test_whatever_follows_acceptance_changes_nothing(goodbye: Answer) -> None:
    outcome, server = send_once(QUIT=[goodbye])
    assert outcome.verdict is Verdict.ACCEPTED
    assert len(server.taken) == 1


def test_many_threads_send_each_letter_once() -> None:
    with sink() as server, provider(server) as smtp:
        people = [f"p{number}@example.org" for number in range(60)]
        queue = iter(people)
        lock = threading.Lock()

        def work() -> None:
            while True:
                with lock:
                    person = next(queue, None)
                if person is None:
                    return
                smtp.send(letter(person))

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(taken.recipient for taken in server.taken) == sorted(people)
        assert server.connections <= 6


def test_a_provider_that_was_closed_works_again() -> None:
    with sink() as server, provider(server) as smtp:
        smtp.send(letter())
        smtp.close()
        assert smtp.send(letter()).verdict is Verdict.ACCEPTED
        assert server.connections == 2


@pytest.mark.parametrize(
    "words",
    [
        "550 5.1.1 <anna.b@example.org>: Recipient address rejected",
        "550 anna.b@example.org unknown",
        "550 User Anna.B not known here",
    ],
)
def test_the_servers_words_are_kept_without_the_person(words: str) -> None:
    with sink(RCPT=[words]) as server, provider(server) as smtp:
        outcome = smtp.send(letter("anna.b@example.org"))
    assert outcome.detail.startswith("RCPT: 550")
    assert "anna" not in outcome.detail.lower()


@pytest.mark.parametrize("address", ["a\r\nRCPT TO:<b@c.d>", "ä@example.org", "a b@c.d", "a>@b.c"])
def test_an_address_that_smtp_cannot_name_is_refused_before_any_connection(address: str) -> None:
    with sink() as server, provider(server) as smtp:
        outcome = smtp.send(letter(address))
        assert (outcome.verdict, outcome.address_at_fault) == (Verdict.REFUSED, True)
        assert server.connections == 0


def test_the_ports_follow_what_the_address_asks_for() -> None:
    assert read_server("smtp://mx").port == 25
    assert read_server("smtp://u:p@mx").port == 587
    assert read_server("smtps://u:p@mx").port == 465
    assert read_server("smtp://u:p%40%3A@mx:2525").password == "p@:"


def test_a_password_never_travels_in_the_clear_beyond_this_machine() -> None:
    assert read_server("smtp://u:p@mx.example.org").starttls is Starttls.REQUIRED
    assert read_server("smtp://u:p@127.0.0.1").starttls is Starttls.OFFERED
    assert read_server("smtp://mx.example.org").starttls is Starttls.OFFERED


@pytest.mark.parametrize(
    "url",
    ["", "http://mx", "smtp://", "smtp://mx:x", "smtp://mx:99999", "smtp://u:sécret@mx",
     "smtp://mx?starttls=perhaps", "smtp://mx?other=1", "smtp://" + "a" * 70 + ".org"],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_one_line_without_the_password(url: str) -> None:
    with pytest.raises(LettercourseError) as fault:
        SmtpProvider(url)
    assert "sécret" not in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_missing_file_of_certificates_is_one_line() -> None:
    with pytest.raises(LettercourseError, match=r"cafile=/nowhere\.pem"):
        SmtpProvider("smtps://mx?cafile=/nowhere.pem")
