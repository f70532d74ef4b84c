from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.desk import ARTICLE, MANIFEST, PEOPLE, PICTURE
from worker.app import run


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code in (0, 1), self.err
        return json.loads(self.out)

    def line(self) -> str:
        """The one line of a fault; anything more is a failure."""
        assert self.code in (1, 2), (self.code, self.out)
        assert self.out == ""
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("lettercourse: ")
        assert "Traceback" not in self.err
        return self.err.strip()


class Terminal:
    """Somebody typing commands in a folder of their own."""

    def __init__(
        self, folder: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.folder = folder
        self.capsys = capsys
        self.patch = patch
        self.capsys.readouterr()

    def __call__(self, *arguments: str | Path, stdin: bytes = b"") -> Answer:
        self.patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run([str(each) for each in arguments])
        out, err = self.capsys.readouterr()
        return Answer(code, out, err)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path


@pytest.fixture
def lettercourse(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    logging_as_before: None,
) -> Terminal:
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LETTERCOURSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "100")
    return Terminal(folder, capsys, monkeypatch)


@pytest.fixture
def bread(lettercourse: Terminal) -> Terminal:
    """A published course."""
    lettercourse.write("bread/article.md", ARTICLE)
    lettercourse.write("bread/loaf.png", PICTURE)
    lettercourse.write("bread/course.toml", MANIFEST)
    lettercourse.write("people.csv", PEOPLE)
    answer = lettercourse("publish", "bread", "--json")
    assert answer.json()["changed"] is True
    return lettercourse


@pytest.fixture
def enrolled(bread: Terminal) -> Terminal:
    """Three people who take it from now on."""
    assert bread("enroll", "bread", "people.csv").code == 0
    return bread
