"""``suppressions``: addresses that must not be written to, from other services and for them."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path

import click

from worker.cli.enroll import batches, opened, progress, refuse_to_replace
from worker.cli.operating import operating
from worker.cli.output import answer, json_option, note, print_json, say
from worker.lists import RejectedRow, read_suppressed, rejected_path, write_rejected
from worker.store.suppressing import Suppressed, SuppressResult


@click.group()
def suppressions() -> None:
    """Take in and give out addresses that must not be written to."""


@suppressions.command()
@click.option("--csv", "as_csv", is_flag=True, help="Answer in CSV, the default.")
@json_option
def export(*, as_csv: bool, as_json: bool) -> None:
    """List everybody who left: unsubscribed, bounced or complained.

    People who were erased are not on it: of their addresses only a keyed hash is left.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other")
    with operating() as installation:
        gone = installation.store.suppressed()
    if as_json:
        print_json(gone)
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("email", "reason", "since"))
    writer.writerows((each.address, each.reason.value, answer(each.since)) for each in gone)


@suppressions.command("import")
@click.argument("listed", metavar="LIST.csv", type=click.Path(path_type=Path, allow_dash=True))
@json_option
def import_(listed: Path, *, as_json: bool) -> int:
    """Never write to anybody on a list, as other services export theirs.

    LIST.csv has a header row with a column of addresses, and may say why in a column reason,
    status or type; - reads standard input. People who take a course leave it at once, unknown
    ones are kept so that no list enrolls them. Rejected rows are written beside the list with
    their reasons, and exit with 1; running a list again changes nothing.
    """
    is_file = str(listed) != "-"
    leftover = rejected_path(listed) if is_file else None
    if leftover:
        refuse_to_replace(leftover)
    results: Counter[SuppressResult] = Counter()
    rejected: list[RejectedRow] = []
    with operating() as installation, opened(listed) as stream, progress(stream) as move:
        for rows in batches(read_suppressed(stream, str(listed) if is_file else "standard input")):
            named = [Suppressed(*row) for row in rows if not isinstance(row, RejectedRow)]
            rejected += (row for row in rows if isinstance(row, RejectedRow))
            results.update(installation.store.suppress(named, installation.now()))
            move()
    if leftover and rejected:
        write_rejected(leftover, rejected)
    elif leftover:
        leftover.unlink(missing_ok=True)
    counts = {result.value: results[result] for result in SuppressResult}
    counts["rejected"] = len(rejected)
    if not is_file:
        for row in rejected:
            note(f"line {row.line}: {row.reason}")
    if as_json:
        print_json(counts | {"rejected_file": str(leftover) if leftover and rejected else None})
    else:
        say(", ".join(f"{number} {name}" for name, number in counts.items() if number) or "0 added")
        if leftover and rejected:
            say(
                f"Why: {leftover}. Mend it there, then: lettercourse suppressions import {leftover}"
            )
    return 1 if rejected else 0
