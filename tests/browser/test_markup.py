"""What others say of our letters: a validator of HTML, the MJML of npm, a filter of spam."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from unittest.mock import patch

import pytest

from course.compile import compile_course
from course.letters import letter as letters_room
from course.letters.mjml import Context, mjml_source
from course.letters.palette import Palette
from tests.browser.house import SAMPLE
from tests.browser.letters import Shown, written
from tests.browser.node import node

SPAM = 5.0
"""The score from which SpamAssassin, as it comes, calls a letter spam."""


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> list[Shown]:
    return written(tmp_path_factory.mktemp("letters"))


def test_letters_are_valid_html(letters: list[Shown]) -> None:
    """The rules left out are about style, or about what mail needs and pages do not.

    Those are ``cellpadding`` and its like, conditional comments, and styles in elements.
    """
    files = [letter.html for letter in letters]
    done = node(
        "node_modules/.bin/html-validate", "--config", ".htmlvalidate.json", "-f", "json", *files
    )
    complaints = [
        f"{Path(report['filePath']).name}:{each['line']} {each['ruleId']}: {each['message']}"
        for report in json.loads(done.stdout)
        for each in report["messages"]
    ]
    assert complaints == []


def test_the_mjml_of_npm_lays_out_our_frames_without_a_complaint(tmp_path: Path) -> None:
    sources: list[str] = []

    def keep(frame: str, context: Context, looks: Palette) -> str:
        sources.append(mjml_source(frame, context, looks))
        return ""

    with patch.object(letters_room, "html_frame", keep):
        edition = compile_course(SAMPLE).edition
    files = []
    for letter, source in zip(edition.letters, sources, strict=True):
        files.append(tmp_path / f"{letter.key}.mjml")
        files[-1].write_text(source, "utf-8")
    done = node("node", "frames.js", *files)
    assert done.returncode == 0, done.stderr
    for file, letter in zip(files, edition.letters, strict=True):
        assert letter.title in file.with_suffix(".html").read_text("utf-8")


def test_a_filter_of_spam_finds_none(letters: list[Shown]) -> None:
    """SpamAssassin offline, on the shipped course; ``pytest -s`` prints the report."""
    program = shutil.which("spamassassin")
    assert program, "SpamAssassin is missing; on Debian: apt-get install spamassassin"
    for letter in letters:
        if not letter.name.startswith(SAMPLE.name):
            continue
        done = subprocess.run(
            [program, "--local", "--test-mode"],
            input=letter.eml.read_bytes(),
            capture_output=True,
            timeout=120,
            check=True,
        )
        report = done.stdout.decode("utf-8", "replace")
        found = re.search(r"^X-Spam-Status: \w+, score=(-?[\d.]+)", report, re.MULTILINE)
        assert found, report
        rules = re.findall(
            r"^ *(-?\d+\.\d) (\w+)", report.rpartition("Content analysis")[2], re.MULTILINE
        )
        print(f"{letter.name}: {found[1]} " + ", ".join(f"{name} {score}" for score, name in rules))
        assert float(found[1]) < SPAM, report
