"""What a run leaves behind: its numbers as JSON, and plots of them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.measure import Row, Run
from bench.plots import arrivals, processors, ratios
from bench.programs import ROOT

RESULTS = ROOT / "bench" / "results"


def write(name: str, rows: Sequence[Row], out: Path, more: Mapping[str, Any] | None = None) -> None:
    """Write ``NAME.json`` and the plots ``NAME-*.svg`` into a folder, made if need be."""
    out.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine(), "rows": [as_json(row) for row in rows], **(more or {})}
    (out / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    if rows:
        ratios(rows, out / f"{name}-ratios.svg")
    sent = [row for row in rows if row.ours.curve]
    if sent:
        arrivals(sent, out / f"{name}-arrivals.svg")
        processors(sent, out / f"{name}-processors.svg")
    print(f"written to {out}: {', '.join(sorted(each.name for each in out.glob(f'{name}*')))}")


def machine() -> Mapping[str, str | int]:
    """Return what the numbers were taken on."""
    models = {
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    }
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processors": len(os.sched_getaffinity(0)),
        "model": ", ".join(sorted(models)),
        "memory_bytes": memory,
        "system": platform.system(),
        "python": platform.python_version(),
    }


def as_json(row: Row) -> dict[str, Any]:
    """Return a row as it is written."""
    case = row.case
    return {
        "name": case.name,
        "ratio": round(row.ratio, 4),
        "rounds": [round(ratio, 4) for ratio in row.rounds],
        "target": case.target,
        "ours": {"unit": case.unit, **run_as_json(row.ours)},
        "other": {"unit": case.against, **run_as_json(row.other)},
    }


def run_as_json(run: Run) -> dict[str, Any]:
    """Return one side; what it has nothing to say about is left out."""
    return {"rate": run.rate} | {key: value for key, value in asdict(run).items() if value}
