"""``tick``: deliver what is due, here and now, or at an instant that is being rehearsed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime

import click

from worker.cli.operating import operating
from worker.cli.output import json_option, margin, print_json, say
from worker.clocks import SteadyClock
from worker.delivery import tick as deliver_due
from worker.logs import log_as
from worker.model import Clock

YEARS = range(1970, 2200)
"""Years that a calendar can be asked about without running out of dates."""

COURIERS = 2
"""Windows in flight: one is on the wire while the other waits for the disk."""


class Instant(click.ParamType[datetime]):
    """An ISO 8601 instant with its offset, as an aware datetime in UTC."""

    name = "instant"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read ``value``; what has no offset is refused, because it names no instant."""
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no instant; write it like 2026-03-29T08:00+02:00", param, ctx)
        if at.tzinfo is None:
            self.fail(f"{value!r} has no offset; add one, such as Z or +02:00", param, ctx)
        if at.year not in YEARS:
            self.fail(f"{value!r} is not between 1970 and 2199", param, ctx)
        return at.astimezone(UTC)


@dataclass(frozen=True)
class StandingClock:
    """A clock whose calendar stands still; leases and deadlines go by the machine's clocks."""

    at: datetime
    machine: Clock

    def now(self) -> datetime:
        """Return the rehearsed instant."""
        return self.at

    def wall(self) -> datetime:
        """Return the machine's instant."""
        return self.machine.wall()

    def boot(self) -> float:
        """Return the machine's seconds since boot."""
        return self.machine.boot()


@click.command()
@click.option(
    "--at",
    type=Instant(),
    metavar="INSTANT",
    help="Rehearse: write, deliver and date by this instant.",
)
@click.option("--force", is_flag=True, help="Rehearse even where letters reach real people.")
@json_option
def tick(at: datetime | None, *, force: bool, as_json: bool) -> int:
    """Deliver what is due, until nothing is.

    INSTANT is ISO 8601 with its offset. It is no dry run: letters are delivered and dated by it,
    the database is marked as rehearsed, and INSTANT never goes back. Exits with 1 when a letter
    failed or is in doubt. Ctrl-C finishes the letter in hand and gives the rest back.
    """
    with (
        operating(StandingClock(at, SteadyClock()) if at else None, force=force) as installation,
        interruptions() as interrupted,
    ):
        log_as("tick", installation.settings, answers=True)
        if at:
            installation.rehearse(at)
        with margin().status("delivering"):
            couriers = [installation.courier(stopping=interrupted) for _ in range(COURIERS)]
            tally = deliver_due(*couriers)
        stopped = interrupted()
    if as_json:
        print_json(tally)
    else:
        counts = [f"{getattr(tally, f.name)} {f.name.replace('_', ' ')}" for f in fields(tally)]
        say(", ".join(counts))
    if stopped:
        raise click.Abort
    return 1 if tally.failed or tally.in_doubt else 0


@contextmanager
def interruptions() -> Iterator[Callable[[], bool]]:
    """Yield whether somebody asked this process to stop, which from now on is only noted."""
    asked = threading.Event()
    former = {
        number: signal.signal(number, lambda *_: asked.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield asked.is_set
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
