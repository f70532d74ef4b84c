"""What is written as it is, is what writing it would have made of it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from course.mail.headers import clean
from course.mail.writing import WRITERS, as_it_is, ending
from course.segments import Encoding

VISIBLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=80)
ANY = st.text(st.sampled_from("aF09.-_~@=?&<>\"'%/: \n\t\0é日\u202e"), min_size=1, max_size=80)


@given(VISIBLE | ANY, st.frozensets(st.sampled_from(Encoding)))
@example(".", frozenset([Encoding.QP_PLAIN]))
@example("From", frozenset([Encoding.QP_PLAIN]))
@example("a=b", frozenset([Encoding.QP_PLAIN]))
@example("a" * 75, frozenset([Encoding.QP_HTML]))
@example("a" * 76, frozenset([Encoding.QP_HTML]))
@example("a\n", frozenset([Encoding.PLAIN]))
@settings(max_examples=1000, deadline=None)
def test_a_text_that_is_written_as_it_is_needs_no_writing(
    text: str, encodings: frozenset[Encoding]
) -> None:
    if as_it_is(encodings)(text):
        assert clean(text) == text
        for encoding in encodings:
            assert WRITERS[encoding](text) == text.encode() + ending(encoding)


@pytest.mark.parametrize("slot", [Encoding.HEADER, Encoding.QP_PLAIN, Encoding.QP_HTML])
def test_a_link_that_we_make_is_written_as_it_is(slot: Encoding) -> None:
    assert as_it_is(frozenset([slot]))(
        "https://letters.example.org/u/oucwgv3vsk6jakow5mhqnlhxk3sqw"
    )


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        (Encoding.HTML, "<b>"),
        (Encoding.QP_HTML, "a&b"),
        (Encoding.QP_PLAIN, "a=b"),
        (Encoding.URL, "a/b"),
        (Encoding.HEADER, "a b"),
        (Encoding.PLAIN, "a\n"),
        (Encoding.PLAIN, "é"),
        (Encoding.LINES, "a"),
        (Encoding.LINES_HTML, "a"),
        (Encoding.MAILBOX, "a@b.example"),
    ],
)
def test_what_some_place_writes_otherwise_is_not(encoding: Encoding, text: str) -> None:
    assert not as_it_is(frozenset([encoding]))(text)
    assert not as_it_is(frozenset(Encoding))(text)
