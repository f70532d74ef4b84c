from __future__ import annotations

import pytest
from hypothesis import given, settings

from course.article.markdown import markdown_parser
from course.letters.addresses import Addresses
from course.letters.render import Setting
from course.letters.text import TextPart
from course.letters.wording import wording
from course.words import plain
from tests.course.writing import documents, in_order, prose, words_of

PARSER = markdown_parser()


def part(source: str, **setting: object) -> str:
    tokens = PARSER.parse(source)
    addresses = Addresses("", {}, {})
    return TextPart(Setting(addresses, **setting), wording("en")).render(tokens)  # type: ignore[arg-type]


@given(documents)
@settings(max_examples=200, deadline=None)
def test_every_visible_word_stands_in_the_text_part_in_order(source: str) -> None:
    found = words_of(part(source))
    for token in PARSER.parse(source):
        wanted = words_of(plain([token]))
        assert in_order(wanted, found), (source, wanted, part(source))


@given(prose)
@settings(max_examples=100, deadline=None)
def test_lines_of_prose_stay_within_72(source: str) -> None:
    for text in part(source).split("\n"):
        assert len(text) <= 72


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("## A *title*", "A title\n-------"),
        ("one\ntwo", "one two"),
        ("one  \ntwo", "one\ntwo"),
        ("- a\n- b\n  - c", "- a\n- b\n  - c"),
        ("- a\n\n- b", "- a\n\n- b"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("- [x] a\n- [ ] b", "☑ a\n☐ b"),
        ("> a\n>\n> > b", "> a\n>\n> > b"),
        ("```py\nif x:\n\n\n    y\n```", "    if x:\n\n\n        y"),
        ("![a cup](cup.png)", "[a cup]"),
        ("![](cup.png)", ""),
        ("---", "* * *"),
        ("<!-- more -->", ""),
        ("a <script>bad()</script> b", "a b"),
        ("<p>a<br>b</p>\n<ul><li>c</li></ul>", "a\nb\n\nc"),
        ("| a | b |\n|---|---|\n| long cell | c |", "a          b\n---------  -\nlong cell  c"),
        ("a ~~b~~ `c` x`d`x", "a ~~b~~ `c` xdx"),
        ("a <https://example.org> b", "a https://example.org b"),
        ("[a](https://example.org)b, [c](https://example.org).", "ab [1], c [1]."),
        ("[a](other.md) [b](javascript:x) [c](#nowhere)", "a [b](javascript:x) c"),
        ('<a href="https://example.org">a</a>', "a [1]"),
    ],
)
def test_markdown_reads_well_as_text(source: str, text: str) -> None:
    assert part(source) == text


def test_a_table_too_wide_is_written_row_by_row() -> None:
    wide = "wide " * 15
    assert part(f"| Key | Meaning |\n|---|---|\n| a | {wide} |\n| b | {wide} |").split("\n") == [
        "Key | Meaning",
        "",
        "Key: a",
        "Meaning: wide wide wide wide wide wide wide wide wide wide wide wide",
        "  wide wide wide",
        "",
        "Key: b",
        "Meaning: wide wide wide wide wide wide wide wide wide wide wide wide",
        "  wide wide wide",
    ]


def test_a_footnote_is_numbered_where_it_is_used() -> None:
    tokens = PARSER.parse("a[^x] b.[^y]\n\n[^x]: no\n\n[^y]: no")
    setting = Setting(Addresses("", {}, {}), notes={"x": 1, "y": 2})
    assert TextPart(setting, wording("en")).render(tokens) == "a [note 1] b. [note 2]"
