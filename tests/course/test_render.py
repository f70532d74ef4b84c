from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.article.markdown import markdown_parser
from course.letters.addresses import Addresses, absolute
from course.letters.render import Setting, render
from course.letters.sanitise import sanitise

PARSER = markdown_parser()

HERE = Addresses(
    "https://site.example",
    {"cup.png": "https://assets.example/1.png"},
    {"a-title": "a-title", "note": "note"},
)


def html(source: str, top: int = 2) -> str:
    return render(PARSER.parse(source), Setting(HERE, {0: "a-title"}), top=top)


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<style>p { display: none }</style>",
        "<iframe src='https://example.org'></iframe>",
        "<p onclick='alert(1)'>x</p>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=' JaVa\tScript:alert(1)'>x</a>",
        "<img src='javascript:alert(1)' alt='x'>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)></svg>",
        "<form action='https://example.org'><input name='x'></form>",
        "<object data='x.swf'></object>",
        "<meta http-equiv='refresh' content='0'>",
        "<a href='data:text/html,x'>x</a>",
        "a <script>alert(1)</script> b",
        "<p style='position: fixed'>x</p>",
    ],
)
def test_nothing_that_acts_gets_into_a_letter(source: str) -> None:
    found = html(source).lower()
    for bad in ("script", "alert(", "<style", "iframe", "onclick", "onerror", "onload", "<form",
                "<input", "object", "<meta", "data:", "fixed", "display: none"):  # fmt: skip
        assert bad not in found


@pytest.mark.parametrize(
    "open_end", ["<script>", "<!--", "<div title='", "<textarea>", "<plaintext>"]
)
def test_unfinished_html_swallows_nothing_that_follows(open_end: str) -> None:
    assert "after" in html(f"before\n\n{open_end}x\n</script>\n-->\n\nafter")
    assert "after" in html(f"before {open_end} x\n\nafter")


def test_unclosed_tags_are_balanced() -> None:
    assert html("<div><b>x\n\ny").count("<div") == html("<div><b>x\n\ny").count("</div>")


@pytest.mark.parametrize(
    ("target", "leads"),
    [
        ("https://example.org/a?b=1&c", 'href="https://example.org/a?b=1&amp;c"'),
        ("/root", 'href="https://site.example/root"'),
        ("//example.org", 'href="https://example.org"'),
        ("mailto:a@b.example", 'href="mailto:a@b.example"'),
        ("tel:+431", 'href="tel:+431"'),
        ("#a-title", 'href="#a-title"'),
        ("#A_Title", 'href="#a-title"'),
    ],
)
def test_links_lead_where_a_reader_can_go(target: str, leads: str) -> None:
    assert leads in html(f"[x]({target})")
    assert leads in html(f'<a href="{target}">x</a>')


@pytest.mark.parametrize("target", ["other.md", "../up", "#elsewhere", "ftp://example.org", "?q"])
def test_a_link_that_leads_nowhere_keeps_its_words(target: str) -> None:
    for source in (f"see [these words]({target}).", f'see <a href="{target}">these words</a>.'):
        assert "href" not in html(source)
        assert "<a" not in html(source)
        assert "see these words." in html(source)


def test_root_relative_addresses_need_a_site() -> None:
    assert absolute("/a.png", "", frozenset({"https"})) is None
    assert absolute("/a.png", "https://x.example/", frozenset()) == "https://x.example/a.png"


def test_pictures_come_from_assets_the_site_or_the_web_or_are_captions() -> None:
    assert 'src="https://assets.example/1.png" alt="a cup"' in html("![a cup](cup.png)")
    assert 'src="https://assets.example/1.png"' in html('<img src="cup.png" width="40">')
    assert 'src="https://site.example/b.png"' in html("![b](/b.png)")
    assert 'src="https://example.org/c.png"' in html("![c](https://example.org/c.png)")
    for source in ("![a & lost](lost.png)", '<img src="lost.png" alt="a & lost">'):
        assert "<img" not in html(source)
        assert ">a &amp; lost</span>" in html(source)
    assert "missing" not in html("![](lost.png)")


def test_headings_start_at_the_level_they_are_given() -> None:
    found = html("#### a\n\n##### b")
    assert '<h2 id="a-title"' in found
    assert "<h3" in found
    assert "<h3" in html("# a", top=3)


def test_an_id_stands_once() -> None:
    assert html("## a\n\n<p id='a-title'>x</p>").count('id="a-title"') == 1


def test_tasks_show_their_boxes() -> None:
    found = html("- [x] a\n- [ ] b")
    assert "☑ a" in found
    assert "☐ b" in found
    assert "<input" not in found


def test_a_table_says_what_its_columns_are() -> None:
    found = html("| a |\n|---|\n| b |")
    assert '<th scope="col"' in found
    assert 'class="cell"' not in found


def test_a_table_too_wide_for_a_phone_has_its_columns_names_in_every_cell() -> None:
    found = html(f"| {'one | ' * 5}\n| {'--- | ' * 5}\n| {'word | ' * 4} |\n")
    assert 'class="deal"' in found
    assert found.count(">one</span> word</td>") == 4
    wide = html(f"| one | two |\n|---|--:|\n| {'x' * 80} | 2 |\n")
    assert 'class="cards"' in wide
    assert "text-align: right" not in wide


def test_a_picture_keeps_within_its_column_and_code_within_its_lines() -> None:
    assert "max-width: 100%" in html("![a cup](cup.png)")
    assert "white-space: pre-wrap" in html("```\nx\n```")


@pytest.mark.parametrize("kind", ["note", "tip", "important", "warning", "caution"])
@pytest.mark.parametrize("gap", ["", ">\n"])
def test_a_callout_has_its_name_and_no_mark(kind: str, gap: str) -> None:
    found = html(f"> [!{kind.upper()}]\n{gap}> *Words*\n> and more")
    assert f'class="callout {kind}"' in found
    assert f">{kind.title()}</p>" in found
    assert "<em>Words</em>\nand more</p>" in found
    assert "[!" not in found
    assert "<blockquote" not in found


@pytest.mark.parametrize(
    "source", ["> [!NOTE]", "> [!NOTE] Words", "> [!ELSE]\n> Words", "[!NOTE]"]
)
def test_what_is_no_callout_stays_as_it_was_written(source: str) -> None:
    assert "[!" in html(source)
    assert "callout" not in html(source)


def test_callouts_and_quotes_stand_in_one_another() -> None:
    found = html("> [!TIP]\n> a\n>\n> > b\n>\n> c\n\n> d")
    assert found.count("<blockquote") == found.count("</blockquote>") == 2
    assert found.index("callout") < found.index("<blockquote") < found.index(">c</p>")


def test_what_runs_the_other_way_says_so() -> None:
    found = html("Left.\n\n\u0645\u0631\u062d\u0628\u0627\n\n- \u0645\n- a\n\n123")
    assert found.count('dir="auto"') == 2
    assert 'dir="auto" style' in found or "<p dir=" in found


@given(st.text(alphabet="<>/ab=\"'&!-[]()` \n#scriptonclk:", max_size=80))
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_is_clean_a_second_time(source: str) -> None:
    found = html(source)
    inner = found[found.index(">") + 1 : found.rindex("</div>")]
    again = sanitise(inner, Addresses("", {}, {}))
    assert "<script" not in found
    assert again.count("<") <= inner.count("<")
