"""Reading time: words, characters where no spaces part them, and lines of code."""

from __future__ import annotations

import pytest

from course.article.parse import parse_article
from course.reading import minutes, token_minutes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("word " * 440, 2.0),
        ("漢字" * 500, 2.0),
        ("ไทย" * 500, 3.0),
        ("한국어 " * 220, 1.0),
        ("كلمة " * 220, 1.0),
        ("漢字" * 250 + " word" * 220, 2.0),
        ("– … |", 0.0),
    ],
)
def test_scripts_are_counted_as_they_are_read(text: str, expected: float) -> None:
    assert minutes(text) == pytest.approx(expected)


def test_code_counts_by_lines_and_empty_lines_do_not() -> None:
    code = "one two three four five six\n\n" * 40
    article = parse_article(f"```\n{code}```\n\n- Item:\n\n      x = 1\n".encode(), "a.md")
    times = [token_minutes(run.tokens) for run in article.runs]
    assert times == pytest.approx([1.0, 1 / 220 + 1 / 40])
