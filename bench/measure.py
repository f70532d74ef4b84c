"""What a row is, and how both of its sides are measured: in turn, and the best of each counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

ROUNDS = 3


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        share: of the usual counts; what does not take fewer is left as it is.
        rounds: of both sides in turn.
        plain_sink: send to our own sink, although postfix's could be had.
    """

    share: float = 1.0
    rounds: int = ROUNDS
    plain_sink: bool = False

    def of(self, count: int, least: int = 1) -> int:
        """Return the part of a count that is to be measured."""
        return max(round(count * self.share), least)


@dataclass(frozen=True)
class Run:
    """One side, once.

    Attributes:
        count: things done.
        connections: to the mail server, the most at once; 0 where there are none.
        processor: seconds of the processors for each thing, by who used them.
        curve: pairs of seconds since the first thing and things done by then.
    """

    count: int
    seconds: float
    connections: int = 0
    processor: Mapping[str, float] = field(default_factory=dict)
    curve: Sequence[tuple[float, int]] = field(default=(), repr=False)

    @property
    def rate(self) -> float:
        """Things a second."""
        return self.count / self.seconds


@dataclass(frozen=True)
class Case:
    """One row of the table, not yet measured.

    Attributes:
        unit: of our side.
        against: unit of the other side.
        target: the least ratio that is aimed at; ``None`` where none was set.
    """

    name: str
    unit: str
    ours: Callable[[], Run]
    against: str
    other: Callable[[], Run]
    target: float | None = None


Subject = Callable[[Size], Iterator[Case]]
"""Yields its cases one by one; what they need runs until the next is asked for."""


@dataclass(frozen=True)
class Row:
    """One row, measured: the best round of each side.

    Attributes:
        rounds: the ratio of each round.
    """

    case: Case
    ours: Run
    other: Run
    rounds: Sequence[float] = ()

    @property
    def ratio(self) -> float:
        """Our rate as a multiple of the other's."""
        return self.ours.rate / self.other.rate

    def report(self) -> str:
        """Return the row's line, and where processors were asked, what each side spent."""
        case, target = self.case, "" if self.case.target is None else f" ({self.case.target:.2g})"
        lines = [
            f"{case.name:<42} {self.ours.rate:>10,.0f} {case.unit:<11}"
            f" {self.other.rate:>12,.0f} {case.against:<28} {self.ratio:>7.3g}{target}"
        ]
        for who, run in (("ours", self.ours), ("other", self.other)):
            if run.processor:
                each = ", ".join(
                    f"{name} {1e6 * spent:.0f}" for name, spent in run.processor.items()
                )
                lines.append(f"  {who}: {run.connections} connections; processor µs each: {each}")
        return "\n".join(lines)


def measure(case: Case, rounds: int) -> Row:
    """Return a row from so many rounds of both sides, in turn.

    A machine whose speed drifts favours neither side so, and what disturbs one round is left out.
    """
    pairs = [(case.ours(), case.other()) for _ in range(rounds)]
    return Row(
        case,
        max((ours for ours, _ in pairs), key=lambda run: run.rate),
        max((other for _, other in pairs), key=lambda run: run.rate),
        [ours.rate / other.rate for ours, other in pairs],
    )


def measure_all(subjects: Sequence[Subject], size: Size) -> list[Row]:
    """Measure every case of the subjects, and print each row as it comes."""
    rows = []
    for subject in subjects:
        for case in subject(size):
            rows.append(measure(case, size.rounds))
            print(rows[-1].report(), flush=True)
    return rows


def seconds(work: Callable[[], object]) -> float:
    """Return how long ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def timed(count: int, work: Callable[[], object]) -> Run:
    """Do ``count`` things at once."""
    return Run(count, seconds(work))
