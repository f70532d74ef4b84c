"""Whatever a mail server answers, in whatever pieces, we never believe what it did not say."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.worker.smtp_script import DROP, script
from worker.model import Message, Verdict
from worker.providers.smtp import SmtpProvider

DEFINITE = (Verdict.DEFERRED, Verdict.REFUSED, Verdict.NOT_BEGUN)

CODES = st.sampled_from(
    [
        "250 ok",
        "250-first\r\n250-second\r\n250 third",
        "250",
        "251 forwarded",
        "354 go on",
        "354-really\r\n354 go on",
        "421 4.3.2 going down",
        f"421 bye{DROP}",
        "450 4.2.0 later",
        "452 4.5.3 enough",
        "503 bad sequence",
        "530 5.7.0 log in first",
        "550 5.1.1 nobody",
        "554 5.7.1 policy",
        "199 odd",
        "600 odd",
        "gibberish",
        "250-one code\r\n550 and another",
        DROP,
        f"250 ok{DROP}",
        f"354 go on{DROP}",
    ]
)
SCRIPTS = st.dictionaries(
    st.sampled_from(["connect", "MAIL", "RCPT", "DATA", "content", "RSET"]),
    st.lists(CODES, max_size=5),
)


def letter(number: int) -> Message:
    words = b".".join(b"%d" % number for _ in range(number + 1))
    mime = b"Subject: %d\r\n\r\n.%s\r\n.\r\n" % (number, words)
    return Message(f"d{number}", "course@example.net", f"p{number}@example.org", mime)


@given(
    answers=SCRIPTS,
    count=st.integers(1, 7),
    connections=st.integers(1, 3),
    pipelining=st.booleans(),
    merged=st.booleans(),
    split=st.booleans(),
)
@example({"RCPT": ["550 5.1.1 no"], "DATA": ["354 go on"]}, 3, 1, True, True, False)
@example({"MAIL": ["450 later"], "DATA": ["354 go on"]}, 3, 1, True, True, False)
@example({"content": ["250 ok", f"250 ok{DROP}"]}, 5, 1, True, False, False)
@example({"content": ["250 ok", DROP]}, 5, 2, True, False, False)
@example({"MAIL": ["250 ok", "421 enough"]}, 4, 1, True, True, True)
@settings(max_examples=120, deadline=None)
def test_every_outcome_agrees_with_what_the_server_saw(
    answers: dict[str, list[str]],
    count: int,
    connections: int,
    pipelining: bool,
    merged: bool,
    split: bool,
) -> None:
    messages = [letter(number) for number in range(count)]
    with script(answers, pipelining=pipelining, merged=merged, split=split) as server:
        provider = SmtpProvider(server.url, connections=connections, deadline=8.0)
        outcomes = provider.send_all(messages)
        provider.close()
    for message, outcome in zip(messages, outcomes, strict=True):
        seen = server.letter(message.recipient)
        said = [text for text, _ in seen.answers]
        taken = [text for text in said if text.startswith("2") and not text.endswith("another")]
        assert len(taken) <= 1, "nobody gets a letter twice"
        assert all(content == message.mime for _, content in seen.answers), "or part of one"
        if outcome.verdict is Verdict.ACCEPTED:
            assert taken
        elif outcome.verdict in DEFINITE:
            assert all(text[:1] in {"4", "5"} for text in said), (outcome, said)
            assert seen.begun == len(said), "what was begun was answered with a no"
        else:
            assert outcome.verdict is Verdict.UNKNOWN
            assert seen.leaves


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("merged", [True, False])
@pytest.mark.parametrize("split", [True, False])
def test_a_server_that_behaves_gets_every_letter_once(
    pipelining: bool, merged: bool, split: bool
) -> None:
    messages = [letter(number) for number in range(30)]
    with script({}, pipelining=pipelining, merged=merged, split=split) as server:
        provider = SmtpProvider(server.url, connections=3)
        outcomes = provider.send_all(messages)
        provider.close()
    assert {each.verdict for each in outcomes} == {Verdict.ACCEPTED}
    assert all(
        server.letter(message.recipient).answers == [("250 taken", message.mime)]
        for message in messages
    )
    assert server.connections <= 3
