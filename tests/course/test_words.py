from __future__ import annotations

import pytest

from course.article.parse import parse_article
from course.reading import minutes
from course.splitting.headings import Purpose, purpose
from course.splitting.slugs import slugify, unique
from course.words import first_sentence, html_shows_something, plain, shorten


def test_only_what_is_seen_is_words() -> None:
    text = "A **b** `c` ![alt *d*](p.png) [e](/x) <b>f</b>\\* &amp;[^1] \n\n[^1]: note\n"
    assert plain(parse_article(text.encode(), "a.md").runs[0].tokens) == "A b c alt d e f* &"


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("<!-- a <b>c</b> -->", False),
        ("<!-- never closed", False),
        ("<style>p {}</style>", False),
        ("<a id='x'></a>", False),
        ("<p>&nbsp;</p>", False),
        ("<p>word</p>", True),
        ("<picture><img src=x></picture>", True),
    ],
)
def test_html_shows_words_or_pictures(markup: str, shown: bool) -> None:
    assert html_shows_something(markup) is shown


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One. Two.", "One."),
        ("Is it? Yes.", "Is it?"),
        ("Use e.g. this one. Then that.", "Use e.g. this one."),
        ("“Stop!” Then go.", "“Stop!”"),
        ("今日は。明日は。", "今日は。"),
        ("No end", "No end"),
    ],
)
def test_a_sentence_ends_at_its_mark(text: str, first: str) -> None:
    assert first_sentence(text) == first


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two…"),
        ("one two, three", 12, "one two…"),
        ("日本語の長い題名", 5, "日本語の…"),
    ],
)
def test_long_text_is_cut_at_a_word(text: str, limit: int, short: str) -> None:
    assert shorten(text, limit) == short


def test_reading_time_counts_words_or_characters() -> None:
    assert minutes("word " * 220) == pytest.approx(1)
    assert minutes("字" * 500) == pytest.approx(1)
    assert minutes("— … *") == 0


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Don't panic & carry on!", "dont-panic-and-carry-on"),
        ("Töpfe und Erde: groß", "topfe-und-erde-gross"),
        ("散歩", ""),
        ("a" * 40 + " " + "b" * 40, "a" * 40),
    ],
)
def test_slugs_are_ascii(title: str, slug: str) -> None:
    assert slugify(title) == slug


def test_a_taken_slug_gets_a_number() -> None:
    assert unique("a", {"a", "a-2"}) == "a-3"


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("Key Takeaways", Purpose.TAKEAWAYS),
        ("🔑 Key takeaways:", Purpose.TAKEAWAYS),
        ("TL;DR", Purpose.SUMMARY),
        ("5. Conclusion: what now?", Purpose.CONCLUSION),
        ("Frequently Asked Questions (FAQ)", Purpose.QUESTIONS),
        ("FAQs about bread", Purpose.QUESTIONS),
        ("Häufige Fragen", Purpose.QUESTIONS),
        ("À retenir", Purpose.TAKEAWAYS),
        ("おわりに", Purpose.CONCLUSION),
        ("Conclusions are hard to write", None),
        ("Questions of taste", None),
    ],
)
def test_headings_say_what_a_section_is_for(title: str, found: Purpose | None) -> None:
    assert purpose(title) is found
