"""What a user installs is what we test: the wheel, built from the sdist, in a fresh environment."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ARTICLE = """\
# Bread without fear

Flour, water, salt, and a day of patience.

## Mixing

Stir until no dry flour is left, then leave it alone.

## Folding

Four folds, half an hour apart, replace all the kneading.

## Baking

A lid keeps the steam in for the first twenty minutes.
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command to its end and return what it printed; its errors fail the test."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from that sdist, into one folder."""
    dist = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, ROOT, cwd=dist)
    return dist


def shipped_data() -> set[str]:
    """Return every file of the packages that is data, as the checkout has it under git."""
    listed = run("git", "ls-files", "course", "worker", "templates", cwd=ROOT).splitlines()
    return {name for name in listed if not name.endswith(".py")}


def test_the_wheel_and_the_sdist_hold_every_template_and_data_file(archives: Path) -> None:
    (wheel,) = archives.glob("*.whl")
    (sdist,) = archives.glob("*.tar.gz")
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    data = shipped_data()
    assert any(name.startswith("templates/") for name in data)
    assert data <= in_sdist
    assert {f"course/{n}" if n.startswith("templates/") else n for n in data} <= in_wheel


def test_the_installed_wheel_compiles_a_course_from_another_folder(
    archives: Path, tmp_path: Path
) -> None:
    (wheel,) = archives.glob("*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    run(
        *(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--constraint", ROOT / "constraints.txt", wheel),
        cwd=tmp_path,
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "bread.md").write_text(ARTICLE, encoding="utf-8")
    lettercourse = tmp_path / "env" / "bin" / "lettercourse"
    run(lettercourse, "build", "bread.md", "--out", "out", cwd=elsewhere)
    edition = json.loads((elsewhere / "out" / "edition.json").read_text(encoding="utf-8"))
    assert [letter["key"] for letter in edition["letters"]] == [
        "welcome",
        "mixing",
        "folding",
        "baking",
        "finale",
    ]
    for letter in edition["letters"]:
        for name in letter["files"].values():
            assert (elsewhere / "out" / name).stat().st_size > 0
    where = run(python, "-c", "import course; print(course.__file__)", cwd=elsewhere)
    assert str(tmp_path) in where
