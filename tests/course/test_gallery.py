from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from email import message_from_bytes, policy
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from course.build import write_build
from course.codec import edition_answer
from course.compile import Compiled, compile_edition
from course.errors import LettercourseError
from course.gallery import gallery_of, gallery_page
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


def data_of(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_gallery_leads_to_every_file(tmp_path: Path) -> None:
    write_build(COMPILED, tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    for letter in data_of(page)["letters"]:
        for name in letter["files"].values():
            assert (tmp_path / "out" / name).is_file()
        assert letter["html"] == (tmp_path / "out" / letter["files"]["html"]).read_text()
        assert f'href="{letter["files"]["html"]}"' in page  # for who has no scripts


def test_the_gallery_has_the_findings_with_the_lines_around_them() -> None:
    text = "".join(f"line {n}\r\n" for n in range(1, 9))
    (told,) = data_of(gallery_page(gallery_of(replace(COMPILED, article=text))))["findings"]
    assert (told["level"], told["file"], told["line"]) == ("warning", "article.md", 7)
    assert told["letter"] == "welcome"
    assert told["lines"] == [[n, f"line {n}"] for n in (5, 6, 7, 8)] + [[9, ""]]


def test_what_an_author_writes_cannot_leave_the_pages_data() -> None:
    evil = course_of("w", "## </script><script>alert(1)</script> <!--\n\n</script> text", "f")
    page = gallery_page(gallery_of(Compiled(evil, compile_edition(evil, Pictures({}, ())), ())))
    assert page.count("<script") == 2
    assert "alert(1)" in data_of(page)["letters"][1]["subject"]


@pytest.mark.parametrize("live", [False, True])
def test_the_page_runs_its_own_scripts_and_no_others(*, live: bool) -> None:
    page = gallery_page(gallery_of(COMPILED), live=live)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = {
        f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}" for script in scripts
    }
    policy = re.search(r'Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    directives = dict(each.strip().partition(" ")[::2] for each in unescape(policy[1]).split(";"))
    assert set(directives["script-src"].replace("'", "").split()) == hashes
    assert len(hashes) == 1 + live
    assert directives["default-src"] == "'none'"
    assert directives["connect-src"] == ("'self'" if live else "'none'")


def test_equal_courses_make_equal_galleries() -> None:
    assert gallery_page(gallery_of(COMPILED)) == gallery_page(gallery_of(COMPILED))


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
