from __future__ import annotations

import dataclasses
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from course import assets
from course.assets import collect_assets
from course.compile import compile_edition
from course.fill import fill_html
from course.model import Asset, Pictures
from course.segments import Values
from tests.course.building import FIRST_LINE, course_of

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763606060000000040001f61738550000000049454e44ae426082"
)
DIGEST = sha256(PNG).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "article"
    home.mkdir()
    (home / "a cup.png").write_bytes(PNG)
    (tmp_path / "outside.png").write_bytes(PNG)
    return home


def test_a_picture_beside_the_article_is_served_by_its_content(folder: Path) -> None:
    made = course_of("w", "## T\n\n![A cup](a%20cup.png)", "f")
    pictures = collect_assets(made, folder)
    (asset,) = pictures.found.values()
    assert (asset.name, asset.media_type, asset.content) == (f"{DIGEST}.png", "image/png", PNG)
    assert pictures.missing == ()
    edition = compile_edition(made, pictures)
    assert edition.assets == (asset,)
    shown = fill_html(edition.letters[1], Values(assets_url="https://a.example/assets"))
    assert f'src="https://a.example/assets/{DIGEST}.png" alt="A cup" width="1"' in shown
    assert f'src="assets/{DIGEST}.png"' in fill_html(edition.letters[1], Values())


def test_pictures_in_the_authors_html_count_too(folder: Path) -> None:
    made = course_of("w", '## T\n\n<img src="a cup.png" alt="A cup">', "f")
    pictures = collect_assets(made, folder)
    assert list(pictures.found) == ["a cup.png"]
    shown = fill_html(compile_edition(made, pictures).letters[1], Values())
    assert f'src="assets/{DIGEST}.png"' in shown


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("lost.png", "no such file"),
        ("../outside.png", "outside"),
        ("%2e%2e/outside.png", "outside"),
        ("link.png", "outside"),
        ("/etc/passwd", "belongs to a site"),
        ("drawing.svg", "SVG"),
        ("words.png", "no PNG"),
        ("data:image/png;base64,AAAA", "as data"),
        ("a%00b.png", "no path"),
        ("huge.png", "over 25 MB"),
        ("sub", "no such file"),
    ],
)
def test_a_picture_that_cannot_be_had_is_missing_with_its_line(
    folder: Path, source: str, reason: str
) -> None:
    (folder / "link.png").symlink_to(folder.parent / "outside.png")
    (folder / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "words.png").write_text("no picture")
    (folder / "sub").mkdir()
    with (folder / "huge.png").open("wb") as stream:
        stream.truncate(assets.LIMIT + 1)
    made = course_of("w", f"## T\n\nwords\n![Alt words]({source})", "f")
    pictures = collect_assets(made, folder)
    assert pictures.found == {}
    (missing,) = pictures.missing
    assert reason in missing.reason
    assert missing.line == FIRST_LINE + 5
    shown = fill_html(compile_edition(made, pictures).letters[1], Values())
    assert "Alt words</span>" in shown
    assert "<img" not in shown


def test_remote_pictures_stay_where_they_are(folder: Path) -> None:
    made = course_of("w", "## T\n\n![r](https://r.example/r.png) ![s](/s.png)", "f")
    sited = dataclasses.replace(made, site="https://site.example")
    assert collect_assets(sited, folder) == Pictures({}, ())
    shown = fill_html(compile_edition(sited, Pictures({}, ())).letters[1], Values())
    assert 'src="https://r.example/r.png"' in shown
    assert 'src="https://site.example/s.png"' in shown


def test_a_picture_says_its_size_so_that_nothing_jumps(folder: Path) -> None:
    Image.new("RGB", (2000, 1000), "teal").save(folder / "wide.png")
    texts = '![w](wide.png)\n\n<img src="wide.png" alt="x">\n\n<img src="wide.png" width="90">'
    made = course_of("w", f"## T\n\n{texts}", "f")
    pictures = collect_assets(made, folder)
    (asset,) = pictures.found.values()
    assert (asset.width, asset.height) == (1040, 520)
    shown = fill_html(compile_edition(made, pictures).letters[1], Values())
    assert shown.count('width="520" height="260"') == 2
    assert shown.count('width="90"') == 1


def test_a_picture_is_fitted_once_however_often_it_is_collected(folder: Path) -> None:
    made = course_of("w", "## T\n\n![A cup](a%20cup.png)", "f")
    before: dict[str, Asset] = {}
    first = collect_assets(made, folder, before)
    assert list(before) == [sha256(PNG).hexdigest()]
    again = collect_assets(made, folder, before)
    assert again.found["a%20cup.png"] is first.found["a%20cup.png"]
    (folder / "a cup.png").write_bytes(PNG + b"more")
    collect_assets(made, folder, before)
    assert len(before) == 2
