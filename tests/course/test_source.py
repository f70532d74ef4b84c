from __future__ import annotations

import os
from pathlib import Path

import pytest

from course.article.source import MAX_BYTES, read_source
from course.errors import LettercourseError, ManifestError, SourceError
from course.plan import plan

MANIFEST = '[course]\narticle = "text/essay.md"\n[[lesson]]\nkey = "a"\nsections = ["A"]\n'


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_a_folder_names_its_article_in_the_manifest(tmp_path: Path) -> None:
    write(tmp_path, {"course.toml": MANIFEST, "text/essay.md": "## A\n\nWords.\n"})
    for path in (tmp_path, tmp_path / "course.toml"):
        source = read_source(path)
        assert source.article_file == str(tmp_path / "text" / "essay.md")
        assert source.folder == tmp_path / "text"
        assert source.manifest == MANIFEST


def test_an_article_may_lie_outside_the_folder(tmp_path: Path) -> None:
    manifest = MANIFEST.replace("text/essay.md", "../essay.md")
    write(tmp_path, {"course/course.toml": manifest, "essay.md": "## A\n\nWords.\n"})
    assert read_source(tmp_path / "course").article == b"## A\n\nWords.\n"


def test_an_article_given_by_name_stands_alone(tmp_path: Path) -> None:
    write(tmp_path, {"course.toml": "broken [", "essay.md": "Words."})
    source = read_source(tmp_path / "essay.md")
    assert (source.manifest, source.manifest_file) == (None, "")


@pytest.mark.parametrize("names", [["one.md"], ["article.md", "notes.md"], ["one.markdown"]])
def test_a_folder_without_manifest_needs_one_article(tmp_path: Path, names: list[str]) -> None:
    write(tmp_path, dict.fromkeys(names, "Words."))
    assert read_source(tmp_path).article_file == str(tmp_path / names[0])


def test_a_byte_order_mark_survives(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "\ufeff---\ntitle: Marked\n---\n\nWords.\n"})
    assert plan(read_source(tmp_path))[0].title == "Marked"


@pytest.mark.parametrize(
    ("files", "path", "fault"),
    [
        ({}, "gone.md", "gone.md: no such file or folder"),
        ({}, "", "no article in this folder"),
        ({"a.md": "a", "b.md": "b"}, "", "several articles in this folder: a.md, b.md"),
        ({"a.md": b"\x89PNG\r\n\x1a\n"}, "a.md", "a.md:1: not UTF-8 text"),
        ({"a.md": b"one\ntwo \xff"}, "a.md", "a.md:2: not UTF-8 text"),
        ({"a.md": b"one\0two"}, "a.md", "a.md: binary, not text"),
        ({"a.md": "x" * (MAX_BYTES + 1)}, "a.md", "a.md: over 2 MB"),
        ({"a.md": ""}, "a.md", "a.md: the article is empty"),
        ({"a.md": "---\ntitle: x\n---\n \n"}, "a.md", "a.md: the article is empty"),
        ({"a.md": "<!-- later -->"}, "a.md", "a.md: the article is empty"),
        ({"a.md": "---\ntitle: x\n\nWords"}, "a.md", "a.md:1: the front matter is not closed"),
        ({"a.md": "---\na: b\nc: [\n---\nWords"}, "a.md", "a.md:4: the front matter is not YAML"),
        ({"a.md": "---\na: 2024-99-99\n---\nWords"}, "a.md", "a.md:2: the front matter is not"),
        ({"a.md": "+++\ntitle = x\n+++\nWords"}, "a.md", "a.md:2: the front matter is not TOML"),
        ({"a.md": "+++\na = 1\n\nb = 2"}, "a.md", "a.md:1: the front matter is not closed"),
        ({"a.md": "---\n- a\n---\nWords"}, "a.md", "a.md:2: the front matter is not a mapping"),
        ({"a.md": "---\na: " + "[" * 9999 + "\n---\nWords"}, "a.md", "a.md:2: the front matter is"),
        ({"course.toml": MANIFEST}, "", 'course.toml:2: the article "text/essay.md" is not there'),
        ({"course.toml": b"\xff"}, "", "course.toml:1: not UTF-8 text"),
        ({"course.toml": "[course\n"}, "", "course.toml:1: not TOML"),
        ({"course.toml": "[course]\n"}, "", "no article in this folder"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, files: dict[str, str | bytes], path: str, fault: str
) -> None:
    write(tmp_path, files)
    with pytest.raises(LettercourseError) as caught:
        plan(read_source(tmp_path / path))
    line = str(caught.value)
    assert fault in line
    assert "\n" not in line
    assert caught.value.remedy


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "article.md"
    os.mkfifo(pipe)
    with pytest.raises(SourceError, match="not a file"):
        read_source(pipe)


def test_an_article_that_the_manifest_misses_is_found_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text('[course]\narticle = "gone.md"\n')
    with pytest.raises(ManifestError) as fault:
        read_source(tmp_path)
    assert [(f.rule, f.line) for f in fault.value.findings] == [("missing-article", 2)]
