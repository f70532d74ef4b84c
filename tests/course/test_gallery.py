from __future__ import annotations

import json
from email import message_from_bytes, policy
from html.parser import HTMLParser
from pathlib import Path

import pytest

from course.codec import edition_answer
from course.compile import Compiled, compile_edition
from course.errors import LettercourseError
from course.gallery import write_build
from course.model import Asset, Finding, Level, Pictures
from tests.course.building import course_of

ASSET = Asset("0" * 64, f"{'0' * 64}.png", "image/png", b"\x89PNG")
COURSE = course_of("Welcome.", "## One & <two>\n\n![a](a.png)", "End.")
FINDING = Finding(
    "missing-image", Level.WARNING, "article.md", 7, "it <is> missing", "put it there"
)
COMPILED = Compiled(
    COURSE, compile_edition(COURSE, Pictures({"a.png": ASSET}, ())), findings=(FINDING,)
)


class Links(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.found.append(value)
            if name == "id" and value:
                self.ids.append(value)


def test_a_build_holds_every_letter_the_answer_and_the_pictures(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    files = write_build(COMPILED, out)
    assert {str(file.relative_to(out)) for file in files} == {
        "index.html", "edition.json", f"assets/{ASSET.name}",
        "00-welcome.html", "00-welcome.txt", "00-welcome.eml",
        "01-lesson-1.html", "01-lesson-1.txt", "01-lesson-1.eml",
        "02-finale.html", "02-finale.txt", "02-finale.eml",
    }  # fmt: skip
    assert files[0] == out / "index.html"
    assert all(file.is_file() for file in files)
    assert json.loads((out / "edition.json").read_text()) == edition_answer(COMPILED.edition)
    message = message_from_bytes((out / "01-lesson-1.eml").read_bytes(), policy=policy.default)
    assert message["To"] == "Ada <ada@example.org>"
    assert message["Message-ID"].endswith("@letters.example>")
    assert message["Date"].datetime is not None
    assert [entry.name for entry in out.parent.iterdir()] == ["out"]


def test_the_gallery_leads_to_every_file_and_shows_the_findings(tmp_path: Path) -> None:
    write_build(COMPILED, tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    links = Links(page)
    for target in links.found:
        if target.startswith("#"):
            assert target[1:] in links.ids
        else:
            assert (tmp_path / "out" / target).is_file()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "it &lt;is&gt; missing" in page
    assert "article.md:7" in page
    assert "One &amp; " in page


def test_a_second_build_takes_the_place_of_the_first(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_build(COMPILED, out)
    (out / "stale.html").write_text("old")
    write_build(COMPILED, out)
    assert not (out / "stale.html").exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    assert write_build(COMPILED, tmp_path)[0].is_file()


def test_what_is_not_a_build_is_never_overwritten(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "novel.txt").write_text("words")
    file = tmp_path / "file"
    file.write_text("words")
    for target in (precious, file):
        with pytest.raises(LettercourseError):
            write_build(COMPILED, target)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "precious"]
    assert [entry.name for entry in precious.iterdir()] == ["novel.txt"]


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LettercourseError) as raised:
        write_build(COMPILED, tmp_path / "file" / "out")
    assert "\n" not in str(raised.value)
