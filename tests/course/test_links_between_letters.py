"""A link between two sections, once they stand in two letters."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from course.batch import share
from course.build import write_build
from course.codec import dump_letter, load_letter
from course.compile import compile_course
from course.fill import fill_html, fill_mime, fill_text
from course.model import Edition, Letter
from course.segments import Values, letters_linked

ARTICLE = """# Links

Hello. It ends with [the third](#three-things).

## One thing

First, see [the third](#three-things) and [itself](#detail-of-one). <a id="mark"></a>

### Detail of one

Deep.

## Two things

Again [the detail](#detail-of-one), <a href="#mark">the mark</a> and [a note](#one-thing).[^n]

[^n]: It says [what one said](#one-thing).

## Three things

As [two](#two-things) has it, and [nowhere](#nowhere).
"""
VIEWS = {"one-thing": "https://l.example/v/1", "two-things": "https://l.example/v/2"}


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    article = tmp_path_factory.mktemp("links") / "article.md"
    article.write_text(ARTICLE, encoding="utf-8")
    return compile_course(article).edition


def links(letter: Letter, values: Values) -> dict[str, str]:
    html = fill_html(letter, values)
    found = re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', html)
    return {words: unescape(address) for address, words in found}


def test_a_link_back_leads_to_the_other_letters_web_view(edition: Edition) -> None:
    two = edition.letters[2]
    assert links(two, Values(letters=VIEWS)) == {
        "the detail": "https://l.example/v/1#detail-of-one",
        "the mark": "https://l.example/v/1#mark",
        "a note": "https://l.example/v/1#one-thing",
        "what one said": "https://l.example/v/1#one-thing",
    }


def test_the_text_part_numbers_it_and_names_the_letter(edition: Edition) -> None:
    text = fill_text(edition.letters[2], Values(letters=VIEWS))
    assert "Again the detail [1], the mark [2] and a note [3]" in text
    assert "[1] One thing: https://l.example/v/1#detail-of-one\n" in text


def test_inside_one_letter_the_link_stays_inside(edition: Edition) -> None:
    assert links(edition.letters[1], Values(letters=VIEWS)) == {"itself": "#detail-of-one"}


def test_a_letter_that_is_yet_to_come_is_not_linked(edition: Edition) -> None:
    for letter in edition.letters[:2]:
        assert "the third" in fill_text(letter, Values())
        assert "the third" not in links(letter, Values())
        assert letters_linked(letter.html) == frozenset()


def test_where_no_view_is_known_the_words_stay(edition: Edition) -> None:
    two = edition.letters[2]
    assert "the detail" not in links(two, Values())
    assert "the detail" in fill_html(two, Values())
    assert "[1] One thing\n" in fill_text(two, Values())


def test_a_letter_knows_the_letters_that_it_links_to(edition: Edition) -> None:
    linked = [letters_linked(letter.html) for letter in edition.letters]
    assert linked == [set(), set(), {"one-thing"}, {"two-things"}, set()]
    assert [letters_linked(load_letter(dump_letter(each)).text) for each in edition.letters] == (
        linked
    )


def test_the_message_and_the_shared_copy_carry_the_same_addresses(edition: Edition) -> None:
    two, values = edition.letters[2], Values(address="ada@example.org", letters=VIEWS)
    assert b"l.example/v/1" in fill_mime(two, values).replace(b"=\r\n", b"")
    assert "https://l.example/v/1#detail-of-one" in share(two, [values, values]).html


def test_in_a_build_the_link_opens_the_other_file(tmp_path: Path) -> None:
    article = tmp_path / "article.md"
    article.write_text(ARTICLE, encoding="utf-8")
    write_build(compile_course(article), tmp_path / "out")
    page = (tmp_path / "out" / "02-two-things.html").read_text(encoding="utf-8")
    assert 'href="01-one-thing.html#detail-of-one"' in page
    assert 'id="detail-of-one"' in (tmp_path / "out" / "01-one-thing.html").read_text()
