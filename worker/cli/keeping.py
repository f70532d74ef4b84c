"""``backup``, ``restore`` and ``copy``: for when a disk, a machine or a database is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from worker.cli.operating import operating
from worker.cli.output import count, instant, json_option, margin, note, print_json, say
from worker.clocks import machine_time
from worker.errors import Refused
from worker.installation import kept_key, sole_occupant
from worker.keeping.backing_up import back_up
from worker.keeping.moving import move
from worker.keeping.restoring import Restored
from worker.keeping.restoring import restore as restore_file
from worker.settings import settings_from_environment
from worker.store.copying import Report
from worker.store.engine import open_database
from worker.store.rebuilding import Reconciled


@click.command()
@click.argument("to", type=click.Path(path_type=Path))
@json_option
def backup(to: Path, *, as_json: bool) -> None:
    """Write everything that a restore needs into one file.

    TO is the file, or a folder in which it gets a name. It runs beside everything else. The file
    holds personal data and, where the data folder keeps it, the key that signs links.
    """
    with operating() as installation, progress() as report:
        key = kept_key(installation.settings)
        kept = back_up(installation.store, to, key, machine_time(), report)
    if as_json:
        print_json(kept)
    else:
        say(f"{kept.file}: {count(kept.rows, 'row')}, read back and whole.")
        if not kept.has_key:
            say("The keys in LETTERCOURSE_SECRET_KEYS are not in it: keep them too.")


@click.command()
@click.argument("source", metavar="[FROM]", required=False, type=click.Path(path_type=Path))
@click.option("--reconcile", is_flag=True, help="Only compare with this host's journal.")
@click.option(
    "--without", multiple=True, metavar="HOST", help="Do not wait for a journal that is lost."
)
@click.option(
    "--force", is_flag=True, help="Go on although workers were seen, or lines are damaged."
)
@json_option
def restore(
    source: Path | None, *, reconcile: bool, without: tuple[str, ...], force: bool, as_json: bool
) -> int:
    """Put a backup in place, and rebuild what was sent since.

    Letters that this host's journal saw handed over become in doubt and are not sent again; who
    left since, leaves again. The database that was in use is kept aside. Exits with 1 when
    something had to be passed over, or another host's journal is still to be compared.
    """
    if (source is None) == (not reconcile and not without):
        raise click.UsageError("name a backup, or say --reconcile")
    restored: Restored | None = None
    settings = settings_from_environment()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        if not force or source is not None:
            held.enter_context(sole_occupant(settings))
        if source is not None:
            report = held.enter_context(progress())
            database = open_database(settings.database_url)
            restored = restore_file(
                database, settings.data_dir, source, machine_time(), report, force=force
            )
        with operating() as installation:
            found = installation.store.reconcile(installation.now(), without, force=force)
    if as_json:
        print_json({"restored": restored, **_answer(found)})
    else:
        _say(restored, found)
    return 1 if found.passed_over or found.waiting else 0


@click.command()
@click.option("--to", metavar="URL", help="The empty database to copy to.")
@click.option("--cancel", is_flag=True, help="Give up a copy that was cut short.")
@json_option
def copy(to: str | None, *, cancel: bool, as_json: bool) -> None:
    """Move the installation to another database.

    Nothing is sent from this database any more, whatever runs, and nothing is written to it.
    Afterwards set LETTERCOURSE_DATABASE_URL to URL and start everything again.
    """
    if (to is None) == (not cancel):
        raise click.UsageError("name the database with --to, or say --cancel")
    with operating() as installation:
        if to is None:
            installation.store.go_on()
            say("This database is in use again.")
            return
        target = open_database(to)
        if target.where == open_database(installation.settings.database_url).where:
            raise Refused("this is the database in use", where=target.where)
        try:
            with progress() as report:
                moved = move(installation.store, target, installation.clock, report)
        finally:
            target.close()
    if as_json:
        print_json(moved)
    else:
        say(f"{count(moved.rows, 'row')} copied to {moved.to}.")
        say("Set LETTERCOURSE_DATABASE_URL to it and start everything again.")


@contextmanager
def progress() -> Iterator[Report]:
    """Yield what shows how many rows of each table are copied, on a terminal."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=margin(),
        transient=True,
        disable=not margin().is_terminal,
    )
    with bar:
        task = bar.add_task("", total=None)
        yield lambda table, done, rows: bar.update(
            task, description=table, completed=done, total=rows
        )


def _answer(found: Reconciled) -> dict[str, object]:
    return {name: getattr(found, name) for name in Reconciled.__slots__}


def _say(restored: Restored | None, found: Reconciled) -> None:
    if restored is not None:
        say(f"Restored as of {instant(restored.taken_at)} UTC.")
        for aside in (restored.aside, restored.key_aside):
            if aside:
                say(f"What was in use before is kept: {aside}")
    say(
        f"{count(found.hand_overs, 'letter')} in doubt, {count(found.departures, 'departure')} and"
        f" {count(found.erasures, 'erasure')} applied again; {found.placeholders}"
        " of those people are known by the journal alone."
    )
    for place in found.passed_over:
        note(f"passed over: {place}")
    for host in found.waiting:
        note(f"nothing is sent before {host} ran: lettercourse restore --reconcile")
