"""Any article becomes letters that hold its words and that mail programs can read."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from html import unescape
from pathlib import Path

from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from course.article.source import Source
from course.compile import compile_edition
from course.errors import SourceError
from course.fill import fill_html, fill_mime, fill_text
from course.letters.passages import passages_of
from course.model import Pictures
from course.plan import plan
from course.segments import Values
from course.words import plain
from tests.course.writing import documents, in_order, words_of

GIVEN = Values(name="Zoë", address="zoe@example.org", view_url="https://v.example/" + "v" * 80)

junk = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=120)
markup = st.text(alphabet="#*_~`[]()!<>/=\"'&-|:^ \n\tabcdiv1.", max_size=160)


def source(article: str) -> Source:
    return Source(article.encode(), "article.md", Path(), None, "")


def shown(html: str) -> str:
    """Return the text of a page, its inline tags leaving no gap."""
    apart = re.sub(r"</?(?:div|p|td|tr|table|li|h\d)\b[^>]*>", "\n", html)
    return unescape(re.sub("<[^>]*>", "", apart))


@given(st.one_of(documents, markup, junk))
@example("<table>\n\n# a\n\n</table>")
@example("a<b")
@example("- [ ] ")
@example("[^1]\n\n[^1]: > quote\n\n    - list")
@example("# \n\n## \n\na")
@settings(max_examples=150, deadline=None)
def test_any_article_compiles_and_every_letter_parses_back(article: str) -> None:
    try:
        course, _ = plan(source(article))
    except SourceError as fault:
        assert "empty" in fault.what or "front matter" in fault.what  # noqa: PT017
        reject()
    edition = compile_edition(course, Pictures({}, ()))
    assert len(edition.letters) >= 2
    for letter in edition.letters:
        message = message_from_bytes(fill_mime(letter, GIVEN), policy=policy.default)
        for subtype, filled in (("plain", fill_text), ("html", fill_html)):
            part = message.get_body((subtype,))
            assert part is not None
            content = part.get_content()
            said = re.sub(r"\r\n?", "\n", filled(letter, GIVEN))
            assert content.replace("\r\n", "\n") == said


@given(documents)
@settings(max_examples=60, deadline=None)
def test_every_word_of_a_lesson_stands_in_both_parts_of_its_letter(article: str) -> None:
    course, _ = plan(source(article))
    edition = compile_edition(course, Pictures({}, ()))
    for lesson, letter in zip(course.lessons, edition.letters, strict=True):
        text = words_of(fill_text(letter, GIVEN))
        html = words_of(shown(fill_html(letter, GIVEN)))
        for passage in passages_of(lesson):
            for token in passage.tokens:
                wanted = words_of(plain([token]))
                assert in_order(wanted, text)
                assert in_order(wanted, html)
