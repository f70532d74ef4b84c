"""The table that a run of the fault matrix ends with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HEAD = (
    "row",
    "what happens",
    "database",
    "runs",
    "letters",
    "arrived",
    "most copies",
    "in doubt",
    "seconds",
    "holds",
)


@dataclass(frozen=True)
class Run:
    """One run of one row.

    Attributes:
        row: the row's name, and ``title`` what happens in it.
        kind: the database's.
        findings: as ``tests.chaos.ground.Findings`` has them; empty where it did not come so far.
    """

    row: str
    title: str
    kind: str
    findings: Mapping[str, int]
    seconds: float
    holds: bool


def run_of(properties: Iterable[tuple[str, Any]], seconds: float, *, holds: bool) -> Run | None:
    """Return the run that a test's properties tell of; ``None`` when it is none of the matrix."""
    told = dict(properties)
    if "row" not in told:
        return None
    return Run(
        told["row"], told["title"], told.get("kind", ""), told.get("findings", {}), seconds, holds
    )


def table(runs: Iterable[Run]) -> list[Sequence[str]]:
    """Return a line for each row and database, in the order in which they came first."""
    grouped: dict[tuple[str, str, str], list[Run]] = defaultdict(list)
    for run in runs:
        grouped[run.row, run.title, run.kind].append(run)
    return [HEAD, *(_line(*key, each) for key, each in sorted(grouped.items()))]


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Return the table as Markdown."""
    head, *rest = lines
    rows = [head, ["---"] * len(head), *rest]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _line(row: str, title: str, kind: str, runs: Sequence[Run]) -> Sequence[str]:
    def total(what: str) -> str:
        return str(sum(run.findings.get(what, 0) for run in runs))

    failed = sum(not run.holds for run in runs)
    return (
        row,
        title,
        kind,
        str(len(runs)),
        total("letters"),
        total("arrived"),
        str(max(run.findings.get("most", 0) for run in runs)),
        total("in_doubt"),
        f"{sum(run.seconds for run in runs):.0f}",
        f"{failed} of {len(runs)} do not" if failed else "yes",
    )
