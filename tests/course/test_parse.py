from __future__ import annotations

import pytest

from course.article.markdown import TASK
from course.article.parse import (
    COMMENT,
    LINK_DEFINITION,
    SECOND_FOOTNOTE,
    UNUSED_FOOTNOTE,
    parse_article,
)
from course.words import plain


def runs(text: str) -> list[tuple[int, int, str]]:
    article = parse_article(text.encode(), "a.md")
    return [(run.start_line, run.end_line, run.kind or run.unseen) for run in article.runs]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_by_lf_crlf_or_cr(end: str) -> None:
    text = end.join(["---", "title: T", "---", "", "# A", "", "one", "two", "", "- x"])
    assert runs(text) == [(4, 6, "heading"), (7, 9, "paragraph"), (10, 10, "bullet_list")]


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_nothing_else_ends_a_line(character: str) -> None:
    assert runs(f"one{character}two\n\nthree") == [(1, 2, "paragraph"), (3, 3, "paragraph")]


def test_what_shows_nothing_is_a_run_with_its_reason() -> None:
    text = "[a]: /a\n[b]: /b\n\nSee [a].\n\n<!-- no -->\n\n<div>\n\nText\n\n</div>\n"
    assert runs(text) == [
        (1, 3, LINK_DEFINITION),
        (4, 5, "paragraph"),
        (6, 7, "html_block"),
        (8, 9, "html_block"),
        (10, 11, "paragraph"),
        (12, 12, "html_block"),
    ]
    article = parse_article(text.encode(), "a.md")
    assert [run.unseen for run in article.runs if run.kind == "html_block"] == [COMMENT] * 3


def test_html_with_a_picture_or_words_is_shown() -> None:
    article = parse_article(b"<img src='x.png'>\n\n<summary>More</summary>\n", "a.md")
    assert [run.unseen for run in article.runs] == ["", ""]


def test_a_footnote_is_a_run_of_its_own_wherever_it_is_written() -> None:
    text = (
        "A[^1] and B.[^2]\n\n[^1]: one\n[^1]: twice\n[^3]: unused\n\n- item\n\n  [^2]: in a list\n"
    )
    article = parse_article(text.encode(), "a.md")
    notes = {label: plain(note.tokens) for label, note in article.footnotes.items()}
    assert notes == {"1": "one", "2": "in a list"}
    assert article.footnotes["2"].start_line == 9
    unseen = [(run.footnote, run.unseen) for run in article.runs if run.footnote]
    assert unseen == [("1", ""), ("1", SECOND_FOOTNOTE), ("3", UNUSED_FOOTNOTE)]
    assert plain(article.runs[-1].tokens) == "item"


def test_a_note_in_a_list_that_nothing_refers_to_stays_there() -> None:
    article = parse_article(b"- item\n\n  [^2]: in a list\n", "a.md")
    assert plain(article.runs[0].tokens) == "item in a list"


def test_a_task_is_marked_on_its_item_and_not_in_its_words() -> None:
    tokens = parse_article(b"- [x] **done**\n- [ ] open\n- [link]\n", "a.md").runs[0].tokens
    marks = [token.meta.get(TASK) for token in tokens if token.type == "list_item_open"]
    assert marks == [True, False, None]
    assert plain(tokens) == "done open [link]"


@pytest.mark.parametrize("text", [">" * 300 + " deep word", "- " * 300 + "deep word"])
def test_what_is_nested_too_deeply_is_shown_as_it_is_written(text: str) -> None:
    run = parse_article(text.encode(), "a.md").runs[0]
    assert run.kind == "code_block"
    assert plain(run.tokens).endswith("deep word")


def test_the_front_matter_is_kept_whole() -> None:
    text = (
        "---\ntitle:  Two   words\ndescription: About it\nseo: {image: {src: x}}\n1: y\n---\nText"
    )
    article = parse_article(text.encode(), "a.md")
    assert (article.title, article.excerpt) == ("Two words", "About it")
    assert article.front_matter["seo"] == {"image": {"src": "x"}}
    assert article.front_matter["1"] == "y"
    assert article.body_line == 7


@pytest.mark.parametrize("text", ["---\n\nWord.\n\n---\n\n## A\n\na\n", "---\n\nOnly words.\n"])
def test_a_dividing_line_at_the_top_is_no_front_matter(text: str) -> None:
    article = parse_article(text.encode(), "a.md")
    assert (article.front_matter, article.body_line) == ({}, 1)


def test_front_matter_may_be_toml() -> None:
    text = '+++\r\ntitle = "Bread"\r\ndate = 2024-05-01\r\n[seo]\r\nx = 1\r\n+++\r\nWords\r\n'
    article = parse_article(text.encode(), "bread.md")
    assert (article.title, article.body_line) == ("Bread", 7)
    assert article.front_matter["seo"] == {"x": 1}


def test_front_matter_may_begin_with_a_blank_line() -> None:
    article = parse_article(b"---\n\ntitle: Bread\n---\n\nText.\n", "a.md")
    assert article.front_matter == {"title": "Bread"}
