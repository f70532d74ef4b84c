"""What each rule finds, and what it leaves in peace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from course.colour import contrast
from course.letters.wrapping import columns_of
from course.lint.css import Colour, colour, written
from course.model import Finding, Level
from tests.course.linting import checked

SENDER = '[sender]\nname = "A"\nemail = "a@bakery.example"\npostal_address = "1 Lane"\n'
TWO = """
[[lesson]]
key = "one"
sections = ["One"]
prompt = "Why?"

[[lesson]]
key = "two"
sections = ["Two"]
prompt = "How?"
"""


def check(folder: Path, article: str, manifest: str | None = None) -> tuple[Finding, ...]:
    (folder / "article.md").write_text(article, "utf-8")
    if manifest is not None:
        (folder / "course.toml").write_text(manifest, "utf-8")
    return checked(folder)


def found(folder: Path, article: str, rule: str) -> list[tuple[int, str]]:
    return [(f.line, f.message) for f in check(folder, article) if f.rule == rule]


def in_manifest(folder: Path, manifest: str, article: str = "") -> dict[str, int]:
    article = article or "## One\n\nSome text.\n\n## Two\n\nOther text.\n"
    return {f.rule: f.line for f in check(folder, article, manifest) if f.file.endswith(".toml")}


@pytest.mark.parametrize(
    ("rule", "written"),
    [
        ("insecure-link", "[a](http://example.org)"),
        ("insecure-link", "![a](http://example.org/a.png)"),
        ("insecure-link", '<a href="http://example.org">a</a>'),
        ("tracking-link", "[a](https://example.org/?fbclid=1)"),
        ("tracking-link", "[a](https://example.org/?a=1&mc_eid=2#x)"),
        ("tracking-link", "[a](https://mail.list-manage.com/track/click?u=1)"),
        ("tracking-link", "[a](https://u1.ct.sendgrid.net/ls/click?upn=x)"),
        ("tracking-link", "[a](https://example.org/?utm_source=x)"),
        ("short-link", "[a](https://bit.ly/a)"),
        ("short-link", "<https://www.tinyurl.com/a>"),
        ("misleading-link", "[https://bank.example](https://thief.example)"),
        ("misleading-link", "[www.bank.example/login](https://thief.example)"),
        ("misleading-link", "[paypal.com](https://paypal.com.thief.example)"),
        ("misleading-link", '<a href="https://thief.example">bank.com</a>'),
        ("missing-alt", "![](https://example.org/a.png)"),
        ("missing-alt", '<img src="https://example.org/a.png">'),
        ("picture-format", "![a](https://example.org/a.webp?x=1)"),
        ("picture-format", "![a](https://example.org/a.HEIC)"),
        ("unsupported-html", "<video src='https://example.org/a.mp4'></video>"),
        ("unsupported-html", "<button>Press</button>"),
        ("unsupported-html", "<svg><path/></svg>"),
        ("unsupported-css", '<p style="color:red">a</p>'),
        ("unsupported-css", "<p hidden>a</p>"),
        ("low-contrast", '<p style="color:#999">a</p>'),
        ("low-contrast", '<font color="yellow">a</font>'),
        ("low-contrast", '<div style="background: navy"><b style="color: black">a</b></div>'),
        ("placeholder", "Dear {{ name }},"),
        ("placeholder", "Dear {{user.first_name|default('you')}},"),
        ("placeholder", "Dear %%first_name%%,"),
        ("placeholder", "Dear *|FNAME|*,"),
        ("placeholder", "Dear [First Name],"),
        ("placeholder", "Dear %recipient.name%,"),
        ("placeholder", "{{< youtube abc >}}"),
        ("placeholder", "{% include 'a' %}"),
        ("placeholder", "It is [TODO: how long?]"),
        ("placeholder", "TODO: write this"),
        ("placeholder", "It opens at [TBD]."),
        ("placeholder", "Lorem ipsum dolor sit amet"),
        ("placeholder", "<p>Dear {{ name }},</p>"),
        ("placeholder", "[a](https://example.org/{{id}})"),
    ],
)
def test_it_is_found_at_its_line(tmp_path: Path, rule: str, written: str) -> None:
    lines = [line for line, _ in found(tmp_path, f"One.\n\n{written}\n\nTwo.\n", rule)]
    assert lines == [3]


@pytest.mark.parametrize(
    "written",
    [
        "[a](http://localhost:8000) and [b](http://127.0.0.1/)",
        "[Node.js](https://nodejs.org), [README.md](https://example.org/r), [1.2.com](#)",
        "[ASP.NET](https://dotnet.example) and [docs.python.org](https://www.python.org/doc)",
        "[https://example.org](https://example.org/?x=1) <https://example.org> <a@example.org>",
        "[bbc.co.uk](https://www.bbc.co.uk/news), [a](https://amzn.example/b)",
        '<img src="https://example.org/a.png" alt=""> and <br style="">',
        "`{{ name }}` and `[TODO]` and `%%a%%`, from \\{ and \\} to {{ and }}, {{1}} and {{ }}",
        "    {{ name }} in code",
        "```\nTODO: {{ name }}\nlorem ipsum\n```",
        "A TODO list is to do, todo: nothing. 100%% sure of 5%% now. [x] and [ ]",
        '<p style="color:#000">a</p> <td style="text-align:right">b</td>',
        '<div style="background:black"><p><span style="color:white">a</span></p></div>',
        '<div style="background:linear-gradient(red,blue)"><b style="color:#fff">a</b></div>',
        '<h2 style="color:#767676">a</h2>',
        "<details><summary>a</summary>b</details> <kbd>c</kbd> <!-- {{ d }} <video> -->",
        "<script>var a = '{{ b }}'</script>",
    ],
)
def test_it_is_left_in_peace(tmp_path: Path, written: str) -> None:
    text = " ".join(["Enough words for nobody to call it short."] * 20)
    allowed = {"sender-missing", "unsupported-css", "lesson-length"}
    kept = [f for f in check(tmp_path, f"{text}\n\n{written}\n") if f.rule not in allowed]
    assert [(f.rule, f.message) for f in kept] == []


def test_marks_of_a_campaign_are_an_info_and_marks_of_a_person_a_warning(tmp_path: Path) -> None:
    text = "[a](https://e.example/?utm_id=1)\n\n[b](https://e.example/?utm_id=1&gclid=2)\n"
    levels = [f.level for f in check(tmp_path, text) if f.rule == "tracking-link"]
    assert levels == [Level.INFO, Level.WARNING]


def test_what_a_style_hides_is_a_warning_since_letters_show_it(tmp_path: Path) -> None:
    text = '<p style="display:none">a</p>\n\n<p style="margin:0">b</p>\n'
    levels = [f.level for f in check(tmp_path, text) if f.rule == "unsupported-css"]
    assert levels == [Level.WARNING, Level.INFO]


def test_the_controls_of_a_form_are_told_by_their_form(tmp_path: Path) -> None:
    form = "<form>\n<input name=a>\n<button>Send</button>\n</form>\n"
    assert len(found(tmp_path, form, "unsupported-html")) == 1
    assert found(tmp_path, form, "unsupported-html")[0][0] == 1


def test_a_heading_may_go_up_by_any_number_and_down_by_one(tmp_path: Path) -> None:
    article = "## One\n\na\n\n### b\n\n#### c\n\nd\n\n### e\n\n##### f\n\ng\n\n## Two\n\nh\n"
    found = [f.line for f in check(tmp_path, article, TWO) if f.rule == "heading-skipped"]
    assert found == [13]


def test_a_letter_of_pictures_says_too_little(tmp_path: Path) -> None:
    picture = "![Everything there is to know about bread](https://example.org/a.png)\n"
    article = f"## One\n\n{picture}\n## Two\n\n{'word ' * 30}\n\n{picture}"
    found = [f for f in check(tmp_path, article, TWO) if f.rule == "image-only"]
    assert [(f.line, f.message) for f in found] == [(1, "one has pictures and 0 words")]


def test_a_lesson_is_neither_too_long_nor_too_short(tmp_path: Path) -> None:
    article = f"## One\n\n{'word ' * 3000}\n\n## Two\n\n{'word ' * 500}\n"
    found = {f.line: f for f in check(tmp_path, article, TWO) if f.rule == "lesson-length"}
    assert {line: f.level for line, f in found.items()} == {1: Level.WARNING}
    short = [f for f in check(tmp_path, "## One\n\nA.\n\n## Two\n\nB.\n", TWO) if f.line]
    assert {f.level for f in short if f.rule == "lesson-length"} == {Level.INFO}


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("subject-missing", 'subject = " "'),
        ("subject-length", f'subject = "{"word " * 16}"'),
        ("subject-length", f'subject = "{"日" * 40}"'),
        ("subject-length", f'subject = "{"🍞" * 40}"'),
        ("shouting-subject", 'subject = "BREAD FOR FREE"'),
        ("shouting-subject", 'subject = "ХЛЕБ ДЛЯ ВСЕХ"'),
        ("repeated-marks", 'subject = "Bread!!"'),
        ("repeated-marks", 'preheader = "Why not?? Or else."'),
        ("fake-reply", 'subject = "Re: your bread"'),
        ("fake-reply", 'subject = "FWD: your bread"'),
        ("preheader-length", f'preheader = "{"word " * 30}"'),
        (
            "preheader-repeats",
            'subject = "A loaf a week"\npreheader = "A loaf a week, every week."',
        ),
        ("preheader-repeats", 'subject = "Bread"\npreheader = "bread."'),
        ("placeholder", 'subject = "Bread for {{ name }}"'),
        ("placeholder", 'prompt = "[TODO]"'),
    ],
)
def test_it_is_found_at_its_line_of_the_manifest(tmp_path: Path, rule: str, values: str) -> None:
    manifest = f"{SENDER}\n[welcome]\n{values}\n{TWO}"
    line = 5 + 1 + values.count("\n") + 1
    at = in_manifest(tmp_path, manifest)
    assert at.get(rule) in ({line} if "repeats" in rule or "\n" not in values else {line, line - 1})


@pytest.mark.parametrize(
    "values",
    [
        'subject = "Regarding: bread"',
        'subject = "Re:Invent your bread"',
        'subject = "AW: shucks"',
        'subject = "NASA, FBI"',
        'subject = "日本のパン"',
        'subject = "B r!"',
        f'subject = "{"word " * 15}"',
        f'subject = "{"日" * 39}"',
        'subject = "👩‍👩‍👧‍👦 ❤️ 👍🏽 a family, a heart and a thumb, in one subject line that fits"',
        'subject = "Bread"\npreheader = "Bread and butter"',
        'prompt = "Why?"',
    ],
)
def test_a_letters_words_are_left_in_peace(tmp_path: Path, values: str) -> None:
    assert in_manifest(tmp_path, f"{SENDER}\n[welcome]\n{values}\n{TWO}") == {}


def test_a_german_reply_is_one_in_german(tmp_path: Path) -> None:
    manifest = f'[course]\nlanguage = "de"\n{SENDER}\n[welcome]\nsubject = "AW: Brot"\n{TWO}'
    assert in_manifest(tmp_path, manifest) == {"fake-reply": 9}


def test_the_second_of_two_equal_subjects_is_named(tmp_path: Path) -> None:
    twice = TWO.replace("prompt", 'subject = "Bread."\nprompt', 1)
    manifest = f'{SENDER}\n[welcome]\nsubject = "bread"\n{twice}'
    (tmp_path / "article.md").write_text("## One\n\na\n\n## Two\n\nb\n", "utf-8")
    (tmp_path / "course.toml").write_text(manifest, "utf-8")
    found = [f for f in checked(tmp_path) if f.rule == "duplicate-subject"]
    assert [(f.line, f.message) for f in found] == [(12, "one has the same subject as welcome")]


def test_a_lesson_without_a_question_of_its_own_is_named(tmp_path: Path) -> None:
    manifest = SENDER + TWO.replace('prompt = "How?"\n', "")
    assert in_manifest(tmp_path, manifest) == {"prompt-missing": 12}


def test_a_sender_at_a_mailbox_provider_is_named(tmp_path: Path) -> None:
    manifest = SENDER.replace("bakery.example", "gmail.com") + TWO
    assert in_manifest(tmp_path, manifest) == {"freemail-sender": 3}


def test_front_matter_that_letters_show_is_looked_at(tmp_path: Path) -> None:
    article = "---\nlayout: x\ntitle: 'Bread for {{ name }}'\nother: '{{ y }}'\n---\n\nSome text.\n"
    assert [line for line, _ in found(tmp_path, article, "placeholder")] == [3]


def test_an_author_may_ignore_a_rule_but_no_error(tmp_path: Path) -> None:
    article = "## One\n\n[a](http://example.org)\n\n## Two\n\nb\n"
    ignoring = '[check]\nignore = [\n  "insecure-link",\n  "sender-missing",\n  "nothing"\n]\n'
    found = check(tmp_path, article, ignoring + TWO)
    assert "insecure-link" not in {f.rule for f in found}
    errors = {f.rule: f.line for f in found if f.level is Level.ERROR}
    assert errors == {"sender-missing": 1, "unknown-rule": 5}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0), ("bread", 5), ("é", 1), ("e\u0301", 1), ("パン", 4), ("ｐ", 2), ("🍞", 2),
        ("❤", 1), ("❤️", 2), ("👍🏽", 2), ("👩‍👩‍👧‍👦", 2), ("🇩🇪", 2), ("a\u200bb", 2), ("ﾊﾟ", 2),
    ],
)  # fmt: skip
def test_an_inbox_has_columns(text: str, columns: int) -> None:
    assert columns_of(text) == columns


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000", "#fff", 21.0), ("#777", "white", 4.48), ("#767676", "rgb(255, 255, 255)", 4.54)],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    parsed: Mapping[str, Colour | None] = {text: colour(text) for text in (one, other)}
    first, second = parsed[one], parsed[other]
    assert first is not None
    assert second is not None
    assert contrast(written(first), written(second)) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize("text", ["", "#12", "rgba(0,0,0,.5)", "var(--x)", "url(x)", "#12345678"])
def test_a_colour_that_cannot_be_known_is_none(text: str) -> None:
    assert colour(text) is None
