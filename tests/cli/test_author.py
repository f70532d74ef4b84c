from __future__ import annotations

import email
import json
from email import policy
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.cli.desk import ARTICLE, KEYS, MANIFEST, PICTURE


@pytest.fixture
def course(lettercourse: Terminal) -> Path:
    lettercourse.write("bread/article.md", ARTICLE)
    lettercourse.write("bread/loaf.png", PICTURE)
    return lettercourse.write("bread/course.toml", MANIFEST).parent


def test_check_of_a_sound_course_is_fine(lettercourse: Terminal, course: Path) -> None:
    answer = lettercourse("check", course)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.endswith("Nothing to mend.\n") or "info" in answer.out


def test_check_names_place_level_and_remedy(lettercourse: Terminal, course: Path) -> None:
    (course / "loaf.png").unlink()
    answer = lettercourse("check", course, "--json")
    assert answer.code == 1
    findings = answer.json()["findings"]
    assert {"rule", "level", "file", "line", "message", "remedy"} <= findings[0].keys()
    missing = [f for f in findings if "loaf.png" in f["message"]]
    assert [(f["level"], Path(f["file"]).name, f["line"]) for f in missing] == [
        ("warning", "article.md", 6)
    ]
    assert "article.md:6: warning" in lettercourse("check", course).out


def test_build_writes_letters_gallery_and_edition(lettercourse: Terminal, course: Path) -> None:
    answer = lettercourse("build", course, "--out", "out", "--json")
    assert answer.code == 0
    edition = json.loads(Path("out/edition.json").read_text(encoding="utf-8"))
    assert answer.json() == edition
    assert edition["course"] == "bread"
    assert [letter["key"] for letter in edition["letters"]] == KEYS
    assert [letter["number"] for letter in edition["letters"]] == list(range(5))
    assert edition["letters"][0]["files"]["html"] == "00-welcome.html"
    for letter in edition["letters"]:
        for name in letter["files"].values():
            assert Path("out", name).stat().st_size > 100
        message = email.message_from_bytes(
            Path("out", letter["files"]["eml"]).read_bytes(), policy=policy.default
        )
        assert letter["subject"] in message["Subject"]
    assert Path("out/index.html").is_file()


def test_the_blocks_are_every_line_of_the_body_once(lettercourse: Terminal, course: Path) -> None:
    blocks = lettercourse("build", course, "--out", "out", "--json").json()["blocks"]
    assert blocks[0]["start_line"] == 5
    assert blocks[-1]["end_line"] == ARTICLE.count("\n")
    assert all(a["end_line"] + 1 == b["start_line"] for a, b in pairwise(blocks))


def test_findings_never_stop_a_build(lettercourse: Terminal, course: Path) -> None:
    (course / "loaf.png").unlink()
    answer = lettercourse("build", course, "--out", "out", "--json")
    assert answer.code == 0
    assert "loaf.png" in answer.err
    assert answer.json()["course"] == "bread"


def test_building_again_replaces_the_build(lettercourse: Terminal, course: Path) -> None:
    first = lettercourse("build", course, "--out", "out", "--json").json()
    assert lettercourse("build", course, "--out", "out", "--json").json() == first


def test_outline_accounts_for_every_block(lettercourse: Terminal, course: Path) -> None:
    blocks = lettercourse("build", course, "--out", "out", "--json").json()["blocks"]
    outline = lettercourse("outline", course, "--json").json()
    told = [block for letter in outline["letters"] for block in letter["blocks"]]
    told += outline["left_out"]
    assert sorted(b["start_line"] for b in told) == [b["start_line"] for b in blocks]
    starter = next(letter for letter in outline["letters"] if letter["key"] == "starter")
    assert "- Feeding a starter takes two minutes a day." in [
        b["opening"] for b in starter["blocks"] if b["role"] == "takeaway"
    ]


def test_outline_explains_to_people(lettercourse: Terminal, course: Path) -> None:
    out = lettercourse("outline", course).out
    assert "Bread for people with jobs" in out
    assert "Does folding replace kneading?" in out
    for key in KEYS:
        assert key in out


def test_outline_says_where_the_course_waits(lettercourse: Terminal, course: Path) -> None:
    waiting = 'key = "folding"\nwait_days = 5\nnudge_days = 2'
    manifest = (course / "course.toml").read_text(encoding="utf-8")
    (course / "course.toml").write_text(manifest.replace('key = "folding"', waiting), "utf-8")
    out = " ".join(lettercourse("outline", course).out.split())
    assert "then waits 5 days for a reply, reminds after 2" in out
    assert out.count("waits") == 1
    told = lettercourse("outline", course, "--json").json()["letters"]
    assert [(letter["wait_days"], letter["nudge_days"]) for letter in told] == [
        (None, None), (None, None), (5, 2), (None, None), (None, None),
    ]  # fmt: skip


def test_new_makes_a_course_beside_the_article(lettercourse: Terminal) -> None:
    lettercourse.write("bread.md", ARTICLE)
    lettercourse.write("loaf.png", PICTURE)
    answer = lettercourse("new", "bread.md")
    assert answer.code == 0
    assert Path("course.toml").is_file()
    assert lettercourse("build", ".", "--out", "out").code == 0


def test_new_in_a_folder_takes_article_and_pictures_along(lettercourse: Terminal) -> None:
    lettercourse.write("texts/bread.md", ARTICLE)
    lettercourse.write("texts/loaf.png", PICTURE)
    answer = lettercourse("new", "texts/bread.md", "courses/bread")
    assert answer.code == 0
    made = sorted(p.name for p in Path("courses/bread").iterdir())
    assert made == ["bread.md", "course.toml", "loaf.png"]
    assert Path("courses/bread/bread.md").read_text(encoding="utf-8") == ARTICLE
    built = lettercourse("build", "courses/bread", "--out", "out", "--json").json()
    plain = lettercourse("build", "texts/bread.md", "--out", "out2", "--json").json()
    assert [x["key"] for x in built["letters"]] == [x["key"] for x in plain["letters"]]


@pytest.mark.parametrize("existing", ["course.toml", "bread.md", "loaf.png"])
def test_new_overwrites_nothing(lettercourse: Terminal, existing: str) -> None:
    lettercourse.write("texts/bread.md", ARTICLE)
    lettercourse.write("texts/loaf.png", PICTURE)
    lettercourse.write(f"made/{existing}", "mine")
    answer = lettercourse("new", "texts/bread.md", "made")
    assert answer.code == 1
    assert existing in answer.line()
    assert [p.name for p in Path("made").iterdir()] == [existing]
    assert Path("made", existing).read_text(encoding="utf-8") == "mine"


def test_new_does_not_propose_over_a_course(lettercourse: Terminal, course: Path) -> None:
    assert "course.toml" in lettercourse("new", course / "article.md").line()
    assert (course / "course.toml").read_text(encoding="utf-8") == MANIFEST


def test_new_writes_no_file_through_a_pictures_address(lettercourse: Terminal) -> None:
    lettercourse.write("secret.png", PICTURE)
    lettercourse.write("texts/bread.md", ARTICLE.replace("loaf.png", "../secret.png"))
    assert lettercourse("new", "texts/bread.md", "a/made").code == 0
    assert sorted(p.name for p in Path("a").rglob("*")) == ["bread.md", "course.toml", "made"]


LESSON = '[[lesson]]\nkey = "baking"\nsections = ["The oven"]\n'

BAD_COURSES: dict[str, tuple[dict[str, str | bytes], str, str]] = {
    "a missing file": ({}, "nowhere.md", "nowhere.md: "),
    "a folder without an article": ({"empty/notes.txt": "hello"}, "empty", "empty: "),
    "binary junk": ({"junk.md": bytes(range(256)) * 40}, "junk.md", "junk.md"),
    "text with a zero byte": ({"zero.md": b"# Hi\n\0\n"}, "zero.md", "zero.md"),
    "an article over 2 MB": ({"long.md": "word " * 500_000}, "long.md", "over 2 MB"),
    "an empty article": ({"empty.md": ""}, "empty.md", "empty.md"),
    "an unclosed front matter": (
        {"open.md": "---\ntitle: x\n\n# Hi\n\nText."},
        "open.md",
        "open.md",
    ),
    "front matter that is no YAML": ({"yaml.md": "---\na: [\n---\n\nText."}, "yaml.md", "yaml.md"),
    "a manifest that is no TOML": (
        {"c/article.md": ARTICLE, "c/course.toml": "[course\n"},
        "c",
        "course.toml:1",
    ),
    "a manifest naming a section that is not there": (
        {"c/article.md": ARTICLE, "c/course.toml": MANIFEST.replace('["Baking"]', '["The oven"]')},
        "c",
        "The oven",
    ),
    "two lessons with one key": (
        {"c/article.md": ARTICLE, "c/course.toml": MANIFEST.replace('"baking"', '"folding"')},
        "c",
        "folding",
    ),
    "a manifest naming an article that is not there": (
        {"c/course.toml": MANIFEST},
        "c",
        "article.md",
    ),
    "an unknown time zone": (
        {
            "c/article.md": ARTICLE,
            "c/course.toml": MANIFEST.replace(
                'send_at = "08:00"', 'send_at = "08:00"\ntimezone = "Europe/Atlantis"'
            ),
        },
        "c",
        "Europe/Atlantis",
    ),
    "an address with CR/LF": (
        {
            "c/article.md": ARTICLE,
            "c/course.toml": MANIFEST.replace("bakery.example", "bakery.example\\r\\nBcc: x@y.z"),
        },
        "c",
        "course.toml",
    ),
    "an hour that there is not": (
        {"c/article.md": ARTICLE, "c/course.toml": MANIFEST.replace("08:00", "28:00")},
        "c",
        "28:00",
    ),
}


@pytest.mark.parametrize("command", ["new", "check", "outline", "build", "publish"])
@pytest.mark.parametrize("case", BAD_COURSES)
def test_a_bad_course_is_one_line_and_leaves_nothing(
    lettercourse: Terminal, case: str, command: str
) -> None:
    files, course, says = BAD_COURSES[case]
    for name, content in files.items():
        lettercourse.write(name, content)
    before = sorted(lettercourse.folder.rglob("*"))
    arguments = ["--out", "out"] if command == "build" else []
    answer = lettercourse(command, course, *arguments)
    assert says in answer.line() or command == "new"
    assert sorted(lettercourse.folder.rglob("*")) == before


def test_a_folder_that_cannot_be_written_is_one_line(lettercourse: Terminal, course: Path) -> None:
    lettercourse.write("taken", "a file")
    assert "taken" in lettercourse("build", course, "--out", "taken").line()
    assert "taken" in lettercourse("build", course, "--out", "taken/deeper").line()


def test_an_authors_commands_read_no_settings(
    lettercourse: Terminal, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETTERCOURSE_PROVIDER", "pigeon")
    assert lettercourse("check", course).code == 0
    answer = lettercourse("publish", course)
    assert answer.code == 2
    assert "LETTERCOURSE_PROVIDER" in answer.line()


def test_check_lists_a_manifests_faults_as_json(lettercourse: Terminal, course: Path) -> None:
    manifest = MANIFEST.replace('"baking"', '"folding"').replace("08:00", "28:00")
    lettercourse.write("bread/course.toml", manifest)
    answer = lettercourse("check", course, "--json")
    assert answer.code == 1
    found = {each["rule"]: each for each in answer.json()["findings"]}
    assert set(found) == {"duplicate-key", "bad-value"}
    lines = manifest.splitlines()
    assert "28:00" in lines[found["bad-value"]["line"] - 1]


def test_an_unknown_key_stops_publishing_but_not_building(
    lettercourse: Terminal, course: Path
) -> None:
    lettercourse.write("bread/course.toml", MANIFEST + 'colour = "brown"\n')
    assert lettercourse("build", course, "--out", "out").code == 0
    found = lettercourse("check", course, "--json").json()["findings"]
    assert [each["rule"] for each in found if each["level"] == "error"] == ["unknown-key"]
    assert lettercourse("publish", course).code == 1


def test_new_writes_nothing_where_a_file_is_in_the_way(lettercourse: Terminal) -> None:
    lettercourse.write("one/article.md", "# Hi\n\n![x](img/a.png)\n")
    lettercourse.write("one/img/a.png", PICTURE)
    lettercourse.write("two/img", "a file")
    assert "two/img" in lettercourse("new", "one/article.md", "two").line()
    assert [path.name for path in (lettercourse.folder / "two").iterdir()] == ["img"]
