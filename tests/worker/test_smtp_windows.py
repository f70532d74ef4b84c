"""Whole windows over few connections: how letters share them, and what a fault does to the rest."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from tests.acceptance.processes import wait_for
from tests.worker.smtp_script import DROP, Script, script
from tests.worker.smtp_sink import USUAL, Answer, Drip, Hold, Stall, sink
from worker.model import Fault, Message, Outcome, Verdict
from worker.providers.smtp import SmtpProvider

PIPELINING = "250-sink\r\n250-PIPELINING\r\n250 SIZE 10000000"


def letters(count: int) -> list[Message]:
    mime = b"Subject: One\r\n\r\nBe well.\r\n"
    return [Message(f"d{n}", "c@example.net", f"p{n}@example.org", mime) for n in range(count)]


@contextmanager
def provider(url: str, connections: int = 1, deadline: float = 5.0) -> Iterator[SmtpProvider]:
    made = SmtpProvider(url, connections=connections, deadline=deadline)
    try:
        yield made
    finally:
        made.close()


def send(
    count: int, answers: Mapping[str, Sequence[str]], *, connections: int = 1, **how: object
) -> tuple[Sequence[Outcome], Script]:
    with script(answers, **how) as server, provider(server.url, connections) as smtp:
        return smtp.send_all(letters(count)), server


def verdicts(outcomes: Sequence[Outcome]) -> list[Verdict]:
    return [each.verdict for each in outcomes]


A, D, R, U = Verdict.ACCEPTED, Verdict.DEFERRED, Verdict.REFUSED, Verdict.UNKNOWN


def test_the_next_envelope_goes_out_behind_the_final_dot() -> None:
    """This server answers a letter only once it has the next one's envelope."""
    outcomes, server = send(8, {}, reluctant=7)
    assert verdicts(outcomes) == [A] * 8
    assert server.connections == 1


def test_a_server_that_does_not_offer_it_gets_one_command_at_a_time() -> None:
    outcomes, server = send(8, {}, pipelining=False)
    assert verdicts(outcomes) == [A] * 8
    assert server.connections == 1


def test_a_refused_recipient_of_a_group_costs_nobody_else_anything() -> None:
    no = {"RCPT": ["250 ok", "550 5.1.1 nobody", "250 ok", "451 4.7.1 greylisted"]}
    outcomes, server = send(6, no | {"DATA": ["354 go", "503 no recipient", "354 go", "503 no"]})
    assert verdicts(outcomes) == [A, R, A, D, A, A]
    assert outcomes[1].address_at_fault
    assert server.connections == 1


def test_leave_for_content_without_a_recipient_is_ended_with_a_lone_dot() -> None:
    """RFC 2920, 3.1."""
    answers = {"RCPT": ["550 5.1.1 nobody"], "content": ["554 no valid recipients"]}
    outcomes, server = send(3, answers)
    assert verdicts(outcomes) == [R, A, A]
    assert server.connections == 1


def test_leave_for_content_to_somebody_without_a_sender_is_cut_off() -> None:
    outcomes, server = send(3, {"MAIL": ["550 5.7.1 not from you"]})
    assert verdicts(outcomes) == [R, A, A]
    assert server.letter("p0@example.org").begun == 0
    assert server.connections == 2


@pytest.mark.parametrize("pipelining", [True, False])
def test_of_a_connection_lost_in_the_middle_only_the_letter_on_it_is_in_doubt(
    *, pipelining: bool
) -> None:
    outcomes, _ = send(6, {"content": ["250 ok", "250 ok", DROP]}, pipelining=pipelining)
    assert verdicts(outcomes) == [A, A, U, D, D, D]
    assert {each.fault for each in outcomes[2:]} == {Fault.DOWN}


@pytest.mark.parametrize("no", ["421 4.7.0 enough", "452 4.5.3 enough", DROP])
@pytest.mark.parametrize("pipelining", [True, False])
def test_a_server_that_takes_only_so_many_letters_a_session_gets_another(
    no: str, *, pipelining: bool
) -> None:
    outcomes, server = send(
        7, {"MAIL": ["250 ok", "250 ok", no, *["250 ok"] * 2, no]}, pipelining=pipelining
    )
    assert verdicts(outcomes) == [A] * 7
    assert server.connections == 3


def test_a_server_that_turns_every_new_connection_away_is_not_asked_for_ever() -> None:
    outcomes, server = send(4, {"MAIL": ["421 4.3.2 going down"] * 50})
    assert verdicts(outcomes) == [D] * 4
    assert {each.fault for each in outcomes} == {Fault.DOWN}
    assert server.connections == 4


def test_what_follows_a_421_to_the_content_moves_on() -> None:
    outcomes, server = send(3, {"content": [f"421 4.3.2 not this one{DROP}"]})
    assert verdicts(outcomes) == [D, A, A]
    assert server.connections == 2


@pytest.mark.parametrize("code", ["530 5.7.0 log in", "535 5.7.8 no"])
def test_a_login_asked_for_at_the_envelope_fails_no_letter(code: str) -> None:
    (outcome,), _ = send(1, {"MAIL": [code]})
    assert (outcome.verdict, outcome.fault) == (D, Fault.CREDENTIALS)


def test_a_refused_login_is_tried_once_for_the_whole_window() -> None:
    hello = "250-sink\r\n250 AUTH PLAIN"
    with sink(EHLO=[hello] * 9, AUTH=["535 5.7.8 wrong"] * 9) as server:
        url = server.url.replace("//", "//course:secret@")
        with provider(url, connections=4) as smtp:
            outcomes = smtp.send_all(letters(20))
    assert set(verdicts(outcomes)) == {D}
    assert {each.fault for each in outcomes} == {Fault.CREDENTIALS}
    assert server.verbs.count("AUTH") == 1


def test_nobody_there_is_found_out_once_for_the_whole_window() -> None:
    with sink() as server:
        pass
    with provider(server.url, connections=4) as smtp:
        outcomes = smtp.send_all(letters(20))
    assert {(each.verdict, each.fault) for each in outcomes} == {(D, Fault.DOWN)}


def test_a_busy_recipient_says_nothing_about_the_server() -> None:
    answers = {"RCPT": ["450 4.2.1 busy"], "DATA": ["503 no"], "content": ["451 4.3.0 later"]}
    outcomes, _ = send(2, answers)
    assert {(each.verdict, each.fault) for each in outcomes} == {(D, None)}


def test_lanes_share_a_window_and_no_more_connections_are_made_than_set() -> None:
    with sink(EHLO=[PIPELINING] * 9) as server, provider(server.url, connections=3) as smtp:
        outcomes = [each for _ in range(5) for each in smtp.send_all(letters(20))]
    assert set(verdicts(outcomes)) == {A}
    assert set(Counter(taken.recipient for taken in server.taken).values()) == {5}
    assert server.connections <= 3


def test_whoever_comes_while_others_wait_for_an_answer_does_not() -> None:
    held: list[Answer] = [Hold("250 ok")]
    with sink(content=held) as server, provider(server.url, connections=2) as smtp:
        outcomes: list[Outcome] = []
        work = Thread(target=lambda: outcomes.extend(smtp.send_all(letters(1))))
        work.start()
        assert server.held.wait(10)
        assert verdicts(smtp.send_all(letters(5))) == [A] * 5
        assert not outcomes
        server.release()
        work.join()
    assert verdicts(outcomes) == [A]


def test_a_server_that_grants_fewer_connections_gets_by_with_those() -> None:
    greetings = [USUAL["connect"], *["421 4.7.0 too many connections"] * 50]
    held = [Hold("250 ok")]
    with (
        sink(connect=greetings, EHLO=[PIPELINING] * 9, content=held) as server,
        provider(server.url, connections=4) as smtp,
    ):
        outcomes: list[Outcome] = []
        work = Thread(target=lambda: outcomes.extend(smtp.send_all(letters(12))))
        work.start()
        assert server.held.wait(10)
        wait_for(lambda: server.connections == 4, 10)
        server.release()
        work.join()
        assert set(verdicts(outcomes)) == {A}
        assert set(verdicts(smtp.send_all(letters(12)))) == {A}
        assert server.connections == 4


def test_a_letter_that_waits_behind_a_slow_one_keeps_its_gate_fresh(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker.providers.smtp._FRESH", 0.3)
    answers: list[Answer] = [Hold("250 ok")]
    with sink(EHLO=[PIPELINING] * 9, content=answers) as server, provider(server.url) as smtp:
        outcomes: list[Outcome] = []
        work = Thread(target=lambda: outcomes.extend(smtp.send_all(letters(4))))
        work.start()
        assert server.held.wait(10)
        time.sleep(0.4)
        server.release()
        work.join()
    assert verdicts(outcomes) == [A, *[Verdict.NOT_BEGUN] * 3]
    assert [taken.recipient for taken in server.taken] == ["p0@example.org"]


@pytest.mark.parametrize("silence", [Stall(), Drip(0.05)])
def test_a_window_ends_at_its_deadline_however_many_letters_it_has(silence: Answer) -> None:
    with (
        sink(EHLO=[PIPELINING] * 9, content=[silence] * 9) as server,
        provider(server.url, connections=2, deadline=0.6) as smtp,
    ):
        started = time.monotonic()
        outcomes = smtp.send_all(letters(10))
        assert time.monotonic() - started < 4.0
    assert Counter(verdicts(outcomes))[U] == 2
    assert set(verdicts(outcomes)) <= {U, D, Verdict.NOT_BEGUN}


def test_whoever_stops_finishes_the_letters_in_hand_and_gets_the_rest_back() -> None:
    stopping = Event()
    held: list[Answer] = [Hold("250 ok")]
    with sink(EHLO=[PIPELINING] * 9, content=held) as server, provider(server.url) as smtp:
        outcomes: list[Outcome] = []
        work = Thread(target=lambda: outcomes.extend(smtp.send_all(letters(9), stopping.is_set)))
        work.start()
        assert server.held.wait(10)
        stopping.set()
        wait_for(lambda: not smtp.waiting(), 10)
        server.release()
        work.join()
    assert verdicts(outcomes) == [A, *[Verdict.NOT_BEGUN] * 8]
    assert len(server.taken) == 1


def test_a_server_that_hangs_while_somebody_stops_leaves_no_doubt_but_about_what_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker.providers.smtp._LAST", 0.2)
    stopping = Event()
    held: list[Answer] = [Hold("250 ok")]
    with sink(EHLO=[PIPELINING] * 9, content=held) as server, provider(server.url) as smtp:
        outcomes: list[Outcome] = []
        work = Thread(target=lambda: outcomes.extend(smtp.send_all(letters(9), stopping.is_set)))
        work.start()
        assert server.held.wait(10)
        stopping.set()
        work.join(4)
        assert verdicts(outcomes) == [U, *[Verdict.NOT_BEGUN] * 8]
        connections = server.connections
        server.release()
        assert verdicts(smtp.send_all(letters(1))) == [A]
        assert server.connections == connections + 1
    assert [taken.recipient for taken in server.taken] == ["p0@example.org"] * 2


def test_a_window_with_nobody_in_it_asks_nobody() -> None:
    with sink() as server, provider(server.url) as smtp:
        assert smtp.send_all([]) == []
        assert server.connections == 0


def test_the_last_answer_counts_though_the_goodbye_is_refused() -> None:
    goodbye = ["421 4.3.2 gone"]
    with sink(EHLO=[PIPELINING], QUIT=goodbye) as server, provider(server.url) as smtp:
        outcomes = smtp.send_all(letters(3))
    assert verdicts(outcomes) == [A] * 3
    assert "QUIT" in server.verbs
