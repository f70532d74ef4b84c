"""Words that point across a cut are reported at their line; those that stay inside are not."""

from __future__ import annotations

import pytest

from course.article.parse import parse_article
from course.model import Finding
from course.splitting.pointers import POINTERS
from course.splitting.split import split

WORDS = "Some words of text that say nothing in particular. " * 6
TABLE = "| a | b |\n|---|---|\n| 1 | 2 |"


def found(one: str, two: str, three: str = WORDS, language: str = "en") -> list[Finding]:
    text = f"---\nlang: {language}\n---\nHello.\n\n## One\n\n{one}\n\n## Two\n\n{two}\n\n"
    text += f"## Three\n\n{three}\n"
    findings = split(parse_article(text.encode(), "a.md"), None)[1]
    return [finding for finding in findings if finding.rule == "points-elsewhere"]


def test_what_is_above_went_into_the_letter_before() -> None:
    (finding,) = found(WORDS, "Now,\nas shown\nabove, it works.")
    assert (finding.file, finding.line) == ("a.md", 13)
    assert finding.message == ('"shown above" points at what is in another letter: one came before')


@pytest.mark.parametrize(
    ("one", "two", "words"),
    [
        (WORDS, "In the previous section we baked.", "previous section"),
        (TABLE, f"{WORDS}\n\nThe table above says so.", "table above"),
        ("```\nx\n```", f"{WORDS}\n\nRun the command above.", "command above"),
        ("![a](https://x.example/a.png)", f"{WORDS}\n\nThe image above.", "image above"),
        (f"{WORDS}\n\nMore on that later.", WORDS, "More on that later"),
        ("The next section has it.", WORDS, "next section"),
        (f"See the table below.\n\n{WORDS}", TABLE, "table below"),
    ],
)
def test_each_kind_of_thing_is_looked_for_where_the_words_point(
    one: str, two: str, words: str
) -> None:
    (finding,) = found(one, two)
    assert finding.message.startswith(f'"{words}"')


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (WORDS, f"{WORDS}\n\nAs shown above, it works."),
        (TABLE, f"{TABLE}\n\nThe table above says so."),
        (WORDS, f"The table below says so.\n\n{TABLE}"),
        (WORDS, f"{WORDS}\n\n### Deep\n\nAs the previous section says."),
        ("The next section has it.\n\n### Deep\n\nHere.", WORDS),
        ("```\nsee above\n```", "`see above` is a phrase."),
        (WORDS, "As [shown above](#one), it works."),
        (WORDS, "The table above hangs in the kitchen."),
    ],
)
def test_what_is_in_the_same_letter_or_linked_or_nowhere_is_no_finding(one: str, two: str) -> None:
    assert found(one, two) == []


def test_the_first_letter_has_nothing_above_and_the_last_nothing_below() -> None:
    text = "As shown above.\n\n## A\n\na\n\n## B\n\nb\n\n## C\n\nc\n\n## Conclusion\n\nSee below.\n"
    assert split(parse_article(text.encode(), "a.md"), None)[1] == ()


def test_german_is_read() -> None:
    (finding,) = found(WORDS, "Wie oben gezeigt, geht es.", language="de-AT")
    assert finding.message.startswith('"Wie oben"')


@pytest.mark.parametrize("language", POINTERS)
def test_every_phrase_is_found_once(language: str) -> None:
    phrases = [(way, phrase) for (way, _), all_ in POINTERS[language].items() for phrase in all_]
    assert len({phrase for _, phrase in phrases}) == len(phrases)
    assert all(phrase == phrase.casefold() for _, phrase in phrases)
