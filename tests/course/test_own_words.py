"""What a person wrote comes back to them whole, in order, and as nothing but words."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from course.codec import dump_letter, load_letter
from course.compile import compile_edition
from course.fill import fill_html, fill_mime, fill_text
from course.lint.size import CLIPPED_AT
from course.mail.headers import clean, shows
from course.mail.own_words import BUDGET, as_html, as_text, clean_lines, shortened
from course.model import Letter, Pictures
from course.segments import Values
from tests.course.building import course_of

LESSONS = ("Welcome text.", *(f"## Part {n}\n\nText {n}." for n in range(1, 8)), "The end.")
PROMPTS = ("Why?", *(f"What of part {n}?" for n in range(1, 8)), "")
KEYS = ("welcome", *(f"lesson-{n}" for n in range(1, 8)))
LETTERS = compile_edition(course_of(*LESSONS, prompts=PROMPTS), Pictures({}, ())).letters
FINALE = LETTERS[-1]
GIVEN = Values(
    name="Ada",
    address="ada@example.org",
    message_id="<1@letters.example>",
    date=datetime(2026, 1, 5, 8, tzinfo=UTC),
    unsubscribe_url="https://letters.example/u/abc",
    page_url="https://letters.example/p/abc",
)

written = st.one_of(
    st.text(max_size=400),
    st.text(alphabet="ab <>&\"'=.\r\n\t\x00\x0b\x85\u2028\u202e\u2066é日🎉\ud800-> ", max_size=400),
    st.sampled_from(
        ["x" * 9_000, "日" * 7_000, "a b " * 3_000, "\n" * 500, "From me", ".", "=20=\r\n",
         "--\r\nContent-Type: text/html\r\n\r\n<h1>", "</td></tr></table>\n<script>x</script>"]
    ),
)  # fmt: skip


def words_to(words: dict[str, str]) -> Values:
    return replace(GIVEN, reflections=words)


def parts(letter: Letter, values: Values) -> tuple[EmailMessage, str, str]:
    raw = fill_mime(letter, values)
    assert raw.isascii()
    assert max(map(len, raw.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    bodies = [message.get_body((subtype,)) for subtype in ("plain", "html")]
    text, html = (body.get_content().replace("\r\n", "\n") for body in bodies if body)
    assert text == fill_text(letter, values)
    assert html == fill_html(letter, values)
    return message, text, html


def given_back(html: str) -> list[str]:
    """Return what stands in the blocks of own words, as a reader sees it."""
    blocks = re.findall(r'<div dir="auto"[^>]*>(.*?)</div>', html, flags=re.DOTALL)
    return [unescape(block.replace("<br />\n", "\n")) for block in blocks]


@given(st.dictionaries(st.sampled_from(KEYS), written))
@example({"welcome": "a\r\n\r\n\r\n  b  c\r- d\x00e"})
@settings(max_examples=100, deadline=None)
def test_any_words_come_back_line_by_line_and_alter_nothing_else(words: dict[str, str]) -> None:
    message, text, html = parts(FINALE, words_to(words))
    expected = [clean_lines(words[key]) for key in KEYS if clean_lines(words.get(key, ""))]
    assert given_back(html) == expected
    for said in expected:
        assert f"\n{as_text(said)}\n" in text
    harmless = {key: "word" for key in words if clean_lines(words[key])}
    other, _, tame = parts(FINALE, words_to(harmless))
    assert message.items() == other.items()
    assert tags(html) == tags(tame)


def tags(html: str) -> list[str]:
    return [tag for tag in re.findall("<[^>]*>", html) if tag != "<br />"]


@given(written)
@settings(max_examples=150, deadline=None)
def test_lines_are_clean_and_none_is_lost(text: str) -> None:
    found = clean_lines(text)
    assert found == clean_lines(found)
    assert shows(text) == bool(found)
    lines = re.split("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", text)
    assert [line for line in found.split("\n") if line] == [
        line for line in map(clean, lines) if line
    ]
    assert "\n\n\n" not in found
    assert found == found.strip("\n")


@given(written)
@settings(max_examples=150, deadline=None)
def test_as_text_every_word_stays_and_lines_are_indented_and_as_long_as_we_write(text: str) -> None:
    said = clean_lines(text)
    found = as_text(said)
    assert found.split() == said.split()
    for line in found.split("\n"):
        assert not line or line.startswith("    ")
        assert len(line) <= 72 or " " not in line.strip()


@given(written)
@settings(max_examples=100, deadline=None)
def test_as_html_nothing_is_a_tag_but_the_line_breaks(text: str) -> None:
    said = clean_lines(text)
    found = as_html(said)
    assert "<" not in found.replace("<br />", "")
    assert unescape(found.replace("<br />", "")) == said


@given(st.dictionaries(st.sampled_from(KEYS), written), st.integers(0, 2_000))
@settings(max_examples=150, deadline=None)
def test_words_share_a_budget_fairly(words: dict[str, str], budget: int) -> None:
    found = shortened(words, budget)
    said = {key: lines for key in words if (lines := clean_lines(words[key]))}
    assert sum(map(len, found.values())) <= budget
    assert list(found) == [key for key in said if key in found]
    fair = budget // max(1, len(said))
    for key, text in said.items():
        if len(text) <= fair:
            assert found[key] == text
        elif fair > 1:
            assert found[key] == text or found[key].endswith("…")
            assert text.startswith(found[key].rstrip("…"))
    assert shortened(found, budget) == found


def test_what_is_too_long_is_cut_at_a_word_and_what_others_leave_is_used() -> None:
    found = shortened({"a": "short", "b": "one two three four five", "c": "x" * 50}, 40)
    assert found == {"a": "short", "b": "one two three…", "c": "x" * 20 + "…"}
    assert shortened({"a": "first line\nsecond line"}, 12) == {"a": "first line…"}
    assert shortened({"a": " \n "}) == {}


@pytest.mark.parametrize("character", ['"', "日", "🎉", "a\n", "&"])
def test_the_finale_with_the_longest_words_is_under_what_gmail_clips(character: str) -> None:
    longest = shortened(dict.fromkeys(KEYS, character * BUDGET))
    assert sum(map(len, longest.values())) > BUDGET * 0.9
    assert len(fill_html(FINALE, words_to(longest)).encode()) < CLIPPED_AT


def test_the_finale_gives_each_lesson_back_with_its_question() -> None:
    values = words_to({"lesson-2": "Because.\nAnd yet.", "welcome": "Why not?"})
    text, html = fill_text(FINALE, values), fill_html(FINALE, values)
    assert "Welcome\nWhy?\n\n    Why not?\n\nPart 2\nWhat of part 2?\n\n    Because.\n" in text
    assert "    And yet.\n" in text
    assert html.index("Why not?") < html.index("What of part 2?") < html.index("And yet.")
    assert "What of part 3?" not in html
    for part in (text, html):
        assert "This is what you wrote along the way." in part
        assert "kept your thoughts" not in part
        assert part.count("https://letters.example/p/abc") == 2


def test_who_wrote_nothing_reads_that_this_is_fine_and_where_everything_stands() -> None:
    for part in (fill_text(FINALE, GIVEN), fill_html(FINALE, GIVEN)):
        assert "You kept your thoughts to yourself" in part
        assert "along the way" not in part
        assert part.count("https://letters.example/p/abc") == 2


def test_in_the_browser_nobodys_words_are_missing() -> None:
    page = fill_html(FINALE, Values())
    assert "In your own words" not in page
    assert "kept your thoughts" not in page


def rail(html: str) -> tuple[str, int]:
    """Return what the rail says to a screen reader, and how many bars stand taller."""
    label = re.search(r'role="img" aria-label="([^"]*)"', html)
    assert label
    return unescape(label[1]), html.count('class="done" height="9"')


@pytest.mark.parametrize(
    ("number", "words", "label", "taller"),
    [
        (3, {}, "3 of 7 lessons.", 0),
        (3, {"lesson-1": "x"}, "3 of 7 lessons. You reflected on: Part 1.", 1),
        (3, {"lesson-1": "x", "lesson-2": "y"},
         "3 of 7 lessons. You reflected on: Part 1. Part 2.", 2),
        (3, {"welcome": "x", "lesson-5": "y", "gone": "z"}, "3 of 7 lessons.", 0),
        (8, {"lesson-7": "x"}, "7 of 7 lessons. You reflected on: Part 7.", 1),
        (0, {"welcome": "x"}, "0 of 7 lessons.", 0),
    ],
)  # fmt: skip
def test_the_rail_shows_the_days_reflected_on_to_eyes_and_ears(
    number: int, words: dict[str, str], label: str, taller: int
) -> None:
    values = words_to(words)
    html = fill_html(LETTERS[number], values)
    assert rail(html) == (label, taller)
    assert ("stand taller" in html) == (taller > 0)


def test_the_text_part_lists_the_days_reflected_on() -> None:
    values = words_to({"lesson-2": "x", "lesson-1": "\n \n"})
    text = fill_text(LETTERS[3], values)
    assert "1 minute to read\nYou reflected on:\n- Part 2\n\n" in text
    assert "You reflected" not in fill_text(LETTERS[3], GIVEN)


def test_own_words_stand_in_no_letter_but_the_finale() -> None:
    for letter in LETTERS[:-1]:
        assert b"secret" not in fill_mime(letter, words_to(dict.fromkeys(KEYS, "secret")))


def test_a_stored_finale_gives_the_same_words_back() -> None:
    values = words_to({"lesson-1": "a\nb"})
    assert fill_mime(load_letter(dump_letter(FINALE)), values) == fill_mime(FINALE, values)
