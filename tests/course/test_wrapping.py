"""Lines of plain text: never too long where they can be broken, and nothing lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.letters.wrapping import columns_of, hanging, underlined, wrap

words = st.text(alphabet="ab-é日本。「」、ー한 \u0301\n", max_size=200)


@given(words, st.integers(10, 72))
@settings(max_examples=200, deadline=None)
def test_wrapping_changes_white_space_alone(text: str, width: int) -> None:
    assert "".join(wrap(text, width).split()) == "".join(text.split())


@given(words, st.integers(10, 72))
@settings(max_examples=200, deadline=None)
def test_a_line_is_too_long_only_where_nothing_in_it_can_be_broken(text: str, width: int) -> None:
    for line in wrap(text, width).split("\n"):
        assert line == line.strip()
        if columns_of(line) > width:
            assert wrap(line, 1).count("\n") == 0


@given(st.text(alphabet="ab é", max_size=200), st.integers(5, 72))
@settings(max_examples=100, deadline=None)
def test_lines_are_filled(text: str, width: int) -> None:
    lines = wrap(text, width).split("\n")
    for line, following in pairwise(lines):
        assert columns_of(f"{line} {following.split()[0]}") > width


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("ひとつ、ふたつ、みっつ。", 8, ["ひとつ、", "ふたつ、", "みっつ。"]),
        ("と「かぎ」です", 4, ["と", "「か", "ぎ」", "です"]),
        ("手紙 is a letter", 6, ["手紙", "is a", "letter"]),
        ("読む課を10課", 8, ["読む課を", "10課"]),
        ("https://example.org/a/b/c と", 10, ["https://example.org/a/b/c", "と"]),
        ("어느 날 아침에", 9, ["어느 날", "아침에"]),
    ],
)
def test_east_asian_text_breaks_where_its_readers_break_it(
    text: str, width: int, lines: list[str]
) -> None:
    assert wrap(text, width).split("\n") == lines


def test_marks_that_stand_on_letters_take_no_column() -> None:
    assert columns_of("e\u0301") == 1
    assert columns_of("\u2066日\u2069") == 2
    assert columns_of("لُغَة") == 3


def test_what_hangs_is_indented_as_far_as_its_mark_reaches() -> None:
    assert hanging("- ", "a\n\nb") == "- a\n\n  b"
    assert hanging("注 ", "a\nb") == "注 a\n   b"
    assert underlined("日本") == "日本\n===="
