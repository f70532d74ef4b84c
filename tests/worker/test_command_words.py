from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.inbound.words import WORDS, command_in
from worker.model import Command


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("stop", Command.STOP),
        ("STOP!", Command.STOP),
        ("  *Stop*.\n", Command.STOP),
        ("„Stopp“", Command.STOP),
        ("Unsubscribe", Command.STOP),
        ("Abmelden.", Command.STOP),
        ("pause…", Command.PAUSE),
        ("Weiter", Command.RESUME),
        ("resume", Command.RESUME),
        ("NEXT", Command.NEXT),
        ("nächste", Command.NEXT),
        ("NÄCHSTE!", Command.NEXT),
    ],
)
def test_a_word_alone_is_a_command_in_any_case_with_anything_around(
    text: str, command: Command
) -> None:
    assert command_in(text, "Re: Goals") is command


@pytest.mark.parametrize(
    "text",
    ["Please stop!", "stop it", "non-stop", "stopped", "I will pause", "next, I will", "...", "👍"],
)
def test_a_word_among_others_is_no_command(text: str) -> None:
    assert command_in(text, "unsubscribe") is None


@pytest.mark.parametrize("subject", ["unsubscribe", "Unsubscribe", "STOP", "abmelden"])
def test_a_subject_says_it_where_the_mail_is_empty(subject: str) -> None:
    assert command_in(" \n", subject) is Command.STOP


@pytest.mark.parametrize("subject", ["pause", "next", "Re: stop", "", "Re: Pause"])
def test_no_other_subject_is_a_command(subject: str) -> None:
    assert command_in("", subject) is None


def test_no_word_means_two_things() -> None:
    words = [
        (word, command)
        for language in WORDS.values()
        for command, forms in language.items()
        for word in forms
    ]
    assert len({word for word, _ in words}) == len(set(words))
    assert all(word == word.casefold() for word, _ in words)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from([w for of in WORDS.values() for f in of.values() for w in f]), st.text())
def test_a_word_with_another_one_is_never_a_command(word: str, more: str) -> None:
    if any(character.isalnum() for character in more):
        assert command_in(f"{word} {more}", "") is None
