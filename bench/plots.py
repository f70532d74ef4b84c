"""Plots of a run, as SVG: they can be read in a browser and kept beside a text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.measure import Row

OURS, OTHER, AIM = "#1f6f8b", "#c9b79c", "#b3261e"
mpl.rcParams["svg.hashsalt"] = "lettercourse"  # the same numbers give the same file


def ratios(rows: Sequence[Row], path: Path) -> None:
    """Draw every row's ratio as a bar, on a logarithmic scale, and what was aimed at as a mark."""
    figure = Figure(figsize=(9, 1.5 + 0.32 * len(rows)), layout="constrained")
    axes = figure.subplots()
    names = [f"{row.case.name} | {row.case.against.removesuffix('/s')}" for row in rows]
    places = range(len(rows), 0, -1)
    axes.barh(places, [row.ratio - 1.0 for row in rows], left=1.0, color=OURS)
    for place, row in zip(places, rows, strict=True):
        side = "left" if row.ratio >= 1.0 else "right"
        axes.annotate(f" {row.ratio:.3g} ", (row.ratio, place), va="center", ha=side, fontsize=8)
        if row.case.target is not None:
            axes.plot([row.case.target] * 2, [place - 0.45, place + 0.45], color=AIM, linewidth=2)
    axes.set_xscale("log")
    axes.set_xmargin(0.15)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_yticks(list(places), names, fontsize=8)
    axes.set_xlabel("our rate as a multiple of the other's, in the same run; red: the target")
    figure.savefig(path, metadata={"Date": None})


def arrivals(rows: Sequence[Row], path: Path) -> None:
    """Draw how many letters the sink had over time, ours against the floor's."""
    across = min(len(rows), 2)
    down = -(-len(rows) // across)
    figure = Figure(figsize=(4.5 * across, 3 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).flat
    for axes, row in zip(panels, rows, strict=False):
        for run, label, color in ((row.ours, "ours", OURS), (row.other, "other", OTHER)):
            axes.plot(*zip(*run.curve, strict=True), label=label, color=color)
        axes.set_title(f"{row.case.name}\n{row.case.against.removesuffix('/s')}", fontsize=9)
        axes.set_xlabel("seconds since the first letter", fontsize=8)
        axes.set_ylabel("letters at the sink", fontsize=8)
        axes.legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def processors(rows: Sequence[Row], path: Path) -> None:
    """Draw what a letter costs the processors, in microseconds, by who spends it."""
    figure = Figure(figsize=(9, 1.8 + 0.6 * len(rows)), layout="constrained")
    axes = figure.subplots()
    labels: list[str] = []
    seen: dict[str, str] = {}
    palette = mpl.colormaps["tab20"].colors  # type: ignore[attr-defined]
    for row in rows:
        for run, name in (
            (row.ours, row.case.name),
            (row.other, row.case.against.removesuffix("/s")),
        ):
            left = 0.0
            for who, spent in run.processor.items():
                color = seen.get(who) or palette[len(seen) % len(palette)]
                label = None if who in seen else who
                axes.barh(-len(labels), 1e6 * spent, left=left, color=color, label=label)
                seen[who] = color
                left += 1e6 * spent
            labels.append(name)
    axes.set_yticks([-place for place in range(len(labels))], labels, fontsize=8)
    axes.set_xlabel("microseconds of a processor for each letter")
    axes.legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def memories(curve: Sequence[tuple[int, int]], path: Path) -> None:
    """Draw what a worker held of memory over the letters that it had sent."""
    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.plot([sent for sent, _ in curve], [held / 1e6 for _, held in curve], color=OURS)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("letters sent")
    axes.set_ylabel("resident memory, MB")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
