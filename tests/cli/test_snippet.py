"""The form that an author pastes into a site is the form that the web door takes."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser

import pytest

from tests.cli.conftest import Terminal
from worker.joining.snippet import snippet
from worker.joining.wish import TRAP, consent_text


class Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        if tag == "form":
            self.action = given["action"] or ""
        if tag == "input":
            self.fields.append(given["name"] or "")


def test_the_snippet_posts_to_the_courses_door(bread: Terminal) -> None:
    answer = bread("snippet", "bread")
    assert answer.code == 0
    form = Form()
    form.feed(answer.out)
    assert form.action == "http://127.0.0.1:8000/subscribe/bread"
    assert form.fields == ["email", "name", TRAP]
    assert not form.tags & {"script", "style", "link", "img"}
    assert consent_text("Bread for people with jobs", "en") in unescape(answer.out)


def test_a_course_that_was_not_published_has_none(lettercourse: Terminal) -> None:
    assert "no such course is published" in lettercourse("snippet", "nothing").line()


@pytest.mark.parametrize("nasty", ['"><script>', "a & b", "<b>"])
def test_a_title_is_text_in_it(nasty: str) -> None:
    html = snippet("https://x.example/subscribe/x", nasty, "en")
    assert nasty not in html
    assert nasty in unescape(html)


def test_it_speaks_the_courses_language() -> None:
    html = snippet("https://x.example/subscribe/x", "Brot", "de")
    assert 'lang="de"' in html
    assert "Schick mir den Kurs" in html
    assert 'lang="en"' in snippet("https://x.example/subscribe/x", "نان", "fa")
