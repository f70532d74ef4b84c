"""What holds of findings in any article: their lines are exact, and no input keeps them waiting."""

from __future__ import annotations

import re
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.errors import SourceError
from course.lint.rules import IDS, RULES, check
from course.model import Finding
from tests.course.articles import articles
from tests.course.linting import NO_PICTURES, course_of, edition_of

SIZE, FEW = 40_000, 4_000
"""Repetitions; few of what makes a tag or a token each."""
SECONDS = 10
"""Of the processor; what grows with the square of its length takes minutes."""


def found(text: str) -> tuple[Finding, ...]:
    course = course_of(text)
    return check(course, edition_of(course), NO_PICTURES, text.splitlines())


BLOCKS = st.sampled_from(
    [
        "Words {link} and more.",
        "Words\nover lines {link}\nand {link} on.",
        "A `span of\ncode` {link} and\n`` more ` of\nit `` {link}",
        "Hard  \nbreaks\\\nand {link}",
        "- one {link}\n- two\n\n  {link}\n  - three\n    {link}",
        "> quoted\n> {link}\n> > deeper {link}",
        "| a | b |\n|---|---|\n| c | {link} |\n| {link} | d |",
        "<div>\n<p>one</p>\n\n</div>",
        "<div>\n<p>\n{raw}\n</p>\n  {raw} </div>",
        'Raw <b\ntitle="x"\n>in</b> a line {link} and {raw}',
        "> <div>\n> {raw}\n> </div>",
        "- <div\n  title='x'>\n  {raw}</div>",
        "```\n{link}\n```",
        "<!-- {raw}\n-->",
        "![alt\nover lines](https://example.org/a.png) {link}",
        "*em\nphasis {link}* and **strong {link}**",
        "1. one\n\n   two `code` {link}",
    ]
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(BLOCKS, min_size=1, max_size=8),
    st.sampled_from(["", "---\ntitle: T\n---\n", "\n\n"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_a_finding_stands_at_the_line_that_holds_it(
    blocks: list[str], head: str, ending: str
) -> None:
    numbers = iter(range(1000))
    text = f"{head}## One\n\nWords.\n\n" + "\n\n".join(blocks) + "\n"
    text = re.sub(r"\{(link|raw)\}", lambda kind: marked(kind[1], next(numbers)), text)
    lines = text.split("\n")
    for finding in found(text.replace("\n", ending)):
        if finding.rule == "broken-link":
            target = finding.message.split()[2]
            assert re.search(rf"{target}\b", lines[finding.line - 1]), finding
    expected = re.sub(r"```.*?```|<!--.*?-->", "", text, flags=re.DOTALL).count("#lost-")
    assert sum(each.rule == "broken-link" for each in found(text)) == expected


def marked(kind: str, number: int) -> str:
    target = f"#lost-{number}"
    return f"[x]({target})" if kind == "link" else f'<a href="{target}">x</a>'


@settings(max_examples=40, deadline=None)
@given(articles())
def test_whatever_is_written_every_finding_is_of_a_rule_and_has_a_line_of_the_file(
    source: bytes,
) -> None:
    text = source.decode("utf-8-sig")
    try:
        findings = found(text)
    except SourceError:
        return
    last = len(re.findall(r"\r\n|\r|\n", text)) + 1
    for finding in findings:
        rule = RULES[IDS[finding.rule]]
        assert finding.level in (rule.level, *rule.also)
        assert 0 <= finding.line <= last
        assert finding.message
        assert finding.remedy


@pytest.mark.parametrize(
    "text",
    [
        "<div>" * FEW + "x" + "</div>" * FEW,
        '<p style="color:#ccc">x' * FEW,
        "<p>x" * FEW + "</b>" * FEW,
        "<div>x" + "<!--" * SIZE,
        "<div>x" + "<![CDATA[" * SIZE,
        "<div>x" + "</b" * SIZE,
        "<div>x" + "<a " * SIZE,
        "<div>x" + '<a href="x">' * FEW,
        "<div>x " + 'a="' * SIZE,
        f'<p style="{"a:b;" * SIZE}">x</p>',
        "{{ a " * SIZE,
        "%%a" * SIZE,
        "*|A" * FEW,
        "(TODO " * SIZE,
        "lorem" + " " * SIZE + "x",
        "`a` " * FEW,
        f"[{'a.' * SIZE}](https://example.org)",
        f"[www.{'a-' * SIZE}](https://example.org)",
        "word " * SIZE,
        "x" * 1_000_000,
    ],
    ids=lambda text: f"{text[:12]}...",
)
def test_nothing_that_somebody_may_write_keeps_the_rules_waiting(text: str) -> None:
    course = course_of(f"## One\n\nWords.\n\n{text}\n")
    edition = edition_of(course)
    start = process_time()
    check(course, edition, NO_PICTURES)
    assert process_time() - start < SECONDS
