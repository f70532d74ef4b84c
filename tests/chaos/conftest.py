"""Each test here is a run of one row of the fault matrix; together they print its table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.ground import Ground, on_ground
from tests.chaos.report import Run, markdown, run_of, table

_RUNS: list[Run] = []


@pytest.fixture(autouse=True)
def row(request: pytest.FixtureRequest, record_property: Any) -> None:
    """Say in the report which row a test is a run of."""
    marker = request.node.get_closest_marker("row")
    assert marker is not None, "every test of the matrix belongs to a row"
    record_property("row", marker.kwargs["name"])
    record_property("title", marker.kwargs["title"])


@pytest.fixture(params=["sqlite", "postgresql"])
def ground(
    request: pytest.FixtureRequest, tmp_path: Path, record_property: Any
) -> Iterator[Ground]:
    """An installation on each kind of database, with its sink."""
    kind: str = request.param
    url = request.getfixturevalue("postgresql_url") if kind == "postgresql" else ""
    yield from opened(kind, tmp_path, url, record_property)


@pytest.fixture
def sqlite_ground(tmp_path: Path, record_property: Any) -> Iterator[Ground]:
    """An installation on SQLite alone, where the fault is SQLite's or no database's."""
    yield from opened("sqlite", tmp_path, "", record_property)


def opened(kind: str, folder: Path, url: str, record_property: Any) -> Iterator[Ground]:
    record_property("kind", kind)
    with on_ground(kind, folder, url) as made:
        record_property("findings", made.told)
        yield made


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or (report.when == "setup" and report.failed):
        run = run_of(report.user_properties, report.duration, holds=report.passed)
        if run is not None:
            _RUNS.append(run)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not _RUNS:
        return
    lines = table(_RUNS)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    terminalreporter.section("the fault matrix")
    for line in lines:
        cells = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        terminalreporter.write_line("  ".join(cells).rstrip())
    if file := os.environ.get("CHAOS_TABLE"):
        Path(file).write_text(markdown(lines))
