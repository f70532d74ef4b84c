"""Reading the ledger: ``deliveries list``, ``explain``, ``audit``; and ``migrate``."""

from __future__ import annotations

from dataclasses import fields

import click

from worker.cli.operating import operating, published
from worker.cli.output import count, instant, json_option, print_json, say, say_table
from worker.lists import normalise_address
from worker.model import DeliveryState
from worker.settings import settings_from_environment
from worker.store import open_store


@click.group()
def deliveries() -> None:
    """Show the ledger of deliveries."""


@deliveries.command("list")
@click.option(
    "--state", type=click.Choice([s.value for s in DeliveryState]), help="Only this state."
)
@click.option("--course", help="Only this course.")
@click.option("--limit", type=click.IntRange(1, 2**31 - 1), help="At most so many, newest first.")
@json_option
def list_(state: str | None, course: str | None, limit: int | None, *, as_json: bool) -> None:
    """List deliveries."""
    with operating() as installation:
        slug = published(installation, course).slug if course else None
        records = installation.store.deliveries(
            state=DeliveryState(state) if state else None, course=slug, limit=limit
        )
    if as_json:
        print_json(records)
        return
    say_table(
        ("address", "course", "letter", "state", "due (UTC)", "handed over", "attempts"),
        (
            (
                r.address,
                r.course,
                r.letter,
                r.state.value,
                instant(r.due_at),
                instant(r.handed_at),
                str(r.attempts),
            )
            for r in records
        ),
    )
    say("1 delivery." if len(records) == 1 else f"{len(records)} deliveries.")


@click.command()
@click.argument("address")
@json_option
def explain(address: str, *, as_json: bool) -> None:
    """Say why each letter was or was not sent to a person."""
    with operating() as installation:
        story = installation.store.explain(normalise_address(address), installation.now())
    if as_json:
        print_json(story)
        return
    for course in story.courses:
        say(f"{story.address} in {course.course}")
        say_table(
            ("letter", "state", "at (UTC)", "why"),
            ((each.letter, each.state, instant(each.at), each.why) for each in course.letters),
        )


@click.command()
@json_option
def audit(*, as_json: bool) -> int:
    """Count every letter owed and check the promises.

    Exits with 1 when the ledger breaks one of them.
    """
    with operating() as installation:
        found = installation.store.audit()
    if as_json:
        print_json(found)
    else:
        counts = [f.name for f in fields(found) if f.name != "violations"]
        say_table(counts, [[str(getattr(found, name)) for name in counts]])
        for violation in found.violations:
            say(f"violation: {violation}")
        say(
            f"{count(len(found.violations), 'violation')}."
            if found.violations
            else "Every promise holds."
        )
    return 1 if found.violations else 0


@click.command()
def migrate() -> None:
    """Bring the database to this version's form.

    Running it again changes nothing.
    """
    settings = settings_from_environment()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    store = open_store(settings.database_url)
    try:
        store.migrate()
    finally:
        store.close()
    say("The database is up to date.")
