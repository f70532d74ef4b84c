"""The fault matrix in the docs is the one that is run: every row, in both directions."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_row_of_the_fault_matrix_stands_in_the_docs_and_is_run() -> None:
    sources = "".join(file.read_text() for file in (ROOT / "tests/chaos").glob("test_*.py"))
    run = set(re.findall(r'mark\.row\(\s*name="([a-z-]+)"', sources))
    page = (ROOT / "docs/explanation/delivery.md").read_text()
    _, _, matrix = page.partition("## Under fire")
    told = set(re.findall(r"^\| ([a-z-]+) \|", matrix, re.MULTILINE)) - {"row", "---"}
    assert told == run
