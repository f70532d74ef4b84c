"""Markdown articles for property tests, and what must hold for each of them."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import strategies as st

from course.article.front_matter import split_lines
from course.model import Course
from course.words import plain

FIXTURES = Path(__file__).parents[1] / "fixtures" / "articles"

words = st.text(
    st.sampled_from(
        "abcdefgh äöß日本語かなعرب 12 .,!?:;'\"()&<>*_`~[]#-|\\\t\u2028\u0085\x0b\x0c\u00a0😀"
    ),
    min_size=1,
    max_size=30,
)
_plain_words = st.lists(
    st.sampled_from(
        ["goal", "mentor", "time", "habit", "Ziel", "学習", "keep", "going", "why?", "see:", "[^1]"]
    ),
    min_size=1,
    max_size=12,
).map(" ".join)
_line = words | _plain_words
_lines = st.lists(_line, min_size=1, max_size=4)
_heading = st.tuples(st.integers(1, 6), _line).map(lambda pair: "#" * pair[0] + " " + pair[1])
_named = st.sampled_from(
    [
        "# Title", "## Key takeaways", "### Takeaways", "## TL;DR", "## Summary", "## FAQ",
        "## Frequently Asked Questions", "## Conclusion", "## Introduction", "## References",
        "# Fazit", "## Part", "## Part", "### Part #2",
    ]
)  # fmt: skip
_block = st.one_of(
    _line,
    _plain_words,
    _heading,
    _named,
    _plain_words.map(lambda text: (text + " ") * 250),
    st.tuples(_line, st.sampled_from(["===", "---"])).map("\n".join),
    _lines.map(lambda items: "\n".join("- " + item for item in items)),
    _lines.map(lambda items: "\n\n".join("1. " + item for item in items)),
    _lines.map(lambda items: "\n  ".join("* " + item for item in items)),
    _lines.map(lambda items: "\n".join("> " + item for item in items)),
    _line.map(lambda text: "- - " + text),
    _line.map(lambda text: "- [ ] " + text + "\n- [x] done\n    - [^2]: inside"),
    _line.map(lambda text: "    " + text),
    _line.map(lambda text: "```py\n" + text),
    _line.map(lambda text: "```py\n" + text + "\n```"),
    _line.map(lambda text: "|a|b|\n|-|-|\n|" + text + "|x|"),
    _line.map(lambda text: "[^1]: " + text + "\n\n    more [^2]"),
    _line.map(lambda text: "[^2]: " + text),
    _line.map(lambda text: "[ref]: /to '" + text + "'"),
    _line.map(lambda text: "**" + text + "?** answer [ref]"),
    _line.map(lambda text: "### " + text + "?\n\nbecause [^1]"),
    _line.map(lambda text: "<div id='x'>" + text),
    _line.map(lambda text: "|Question|Answer|\n|-|-|\n|Why?|" + text + "|\n|How?|x|"),
    _line.map(lambda text: "<details>\n<summary>Why?</summary>\n\n" + text + "\n\n</details>"),
    _line.map(lambda text: "<details><summary>A</summary>" + text + "</details>\n<details>"),
    _lines.map(lambda items: "**Key takeaways**\n\n" + "\n".join("- " + i for i in items)),
    st.sampled_from(
        [
            "<!-- hidden -->", "<!-- open", "<a id='here'></a>", "***", "![alt text](p.png)",
            "![](p.png)", "&nbsp;", "[^1]:", "-", "#", ">", "``", "\\", "1)", "[x]: <y>", "Q: why",
            "> > > > - 1. - deep", "<details>", "</details>", "<script>x</script>", "~~gone~~",
        ]
    ),
)  # fmt: skip
_ends = st.sampled_from(["\n", "\r\n", "\r"])
_head = st.sampled_from(
    [
        "",
        "",
        "",
        "---\ntitle: A title\nlang: de\n---\n",
        "---\n---\n",
        "+++\ntitle = 'T'\n+++\n",
        "\n\n",
    ]
)


@st.composite
def articles(draw: st.DrawFn) -> bytes:
    """Any Markdown: every construct, mixed line ends, with or without front matter."""
    blocks = draw(st.lists(_block, min_size=1, max_size=25))
    text = draw(_head)
    for block in blocks:
        text += block + draw(st.sampled_from(["\n", "\n\n", "\n\n", "\n \n\n"]))
    text = text[: len(text) - draw(st.integers(0, 2))]
    ends = draw(st.sampled_from(["\n", "\r\n", "\r", ""]))
    pieces = re.split("\n", text)
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += (ends or draw(_ends)) + piece
    return (draw(st.sampled_from(["", "\ufeff"])) + whole).encode()


def body_of(source: bytes, course: Course) -> list[str]:
    """The lines of the body with their ends."""
    return split_lines(source.decode("utf-8-sig"))[course.body_line - 1 :]


def shown_words(course: Course) -> str:
    """Every word that some letter shows."""
    parts: list[str] = [course.takeaways_title, course.questions_title]
    for lesson in course.lessons:
        heading = (lesson.heading,) if lesson.heading else ()
        for passage in (*heading, *lesson.passages, *lesson.takeaways, *lesson.questions):
            parts += [plain(passage.tokens)]
    parts += (plain(note.tokens) for note in course.footnotes.values())
    return " ".join(parts)
