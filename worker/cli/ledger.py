"""The ledger: ``deliveries list`` and ``settle``, ``explain``, ``audit``; and ``migrate``."""

from __future__ import annotations

import getpass
from dataclasses import fields

import click

from worker.cli.operating import operating, published
from worker.cli.output import count, instant, json_option, note, print_json, say, say_table
from worker.errors import Refused, UnknownDelivery
from worker.installation import migrate as bring_up_to_date
from worker.lists import normalise_address
from worker.model import Decision, DeliveryState, Settlement
from worker.settings import settings_from_environment


@click.group()
def deliveries() -> None:
    """Show the ledger of deliveries, and settle what is in doubt."""


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
        ("address", "course", "letter", "state", "due (UTC)", "handed over", "attempts", "id"),
        (
            (
                r.address,
                r.course,
                r.letter,
                r.state.value,
                instant(r.due_at),
                instant(r.handed_at),
                str(r.attempts),
                r.id,
            )
            for r in records
        ),
    )
    say("1 delivery." if len(records) == 1 else f"{len(records)} deliveries.")


@deliveries.command()
@click.argument("ids", metavar="ID...", nargs=-1)
@click.option(
    "--as",
    "decision",
    type=click.Choice([d.value for d in Decision]),
    required=True,
    help="What became of them: sent, failed, or resend to send them once more.",
)
@click.option("--all", "every", is_flag=True, help="Every letter in doubt, instead of IDs.")
@click.option("--course", help="With --all: only this course.")
@click.option("--by", metavar="NAME", help="Who decides; by default this system's user.")
@click.option("--because", default="", metavar="TEXT", help="Why; kept with the decision.")
@json_option
def settle(
    ids: tuple[str, ...],
    decision: str,
    course: str | None,
    by: str | None,
    because: str,
    *,
    every: bool,
    as_json: bool,
) -> int:
    """Say what became of letters that are in doubt.

    A resend is the same letter with the same Message-ID; it is refused while the provider may be at
    work on the first copy, behind a later letter, and to who left. A letter that failed may be
    settled as sent. Exits with 1 when any was refused; the others are settled.
    """
    if every == bool(ids):
        raise click.UsageError("name the letters, or give --all for every one in doubt")
    if course is not None and not every:
        raise click.UsageError("--course goes with --all")
    settled: list[Settlement] = []
    refused: list[dict[str, str]] = []
    with operating() as installation:
        if every:
            slug = published(installation, course).slug if course else None
            doubts = installation.store.deliveries(state=DeliveryState.IN_DOUBT, course=slug)
            ids = tuple(each.id for each in doubts)
        for delivery_id in dict.fromkeys(ids):
            try:
                answer = installation.store.decide(
                    delivery_id, Decision(decision), by or _user(), because, installation.moment()
                )
                settled.append(answer)
            except (Refused, UnknownDelivery) as fault:
                refused.append({"id": delivery_id, "why": fault.what, "remedy": fault.remedy})
                if not as_json:
                    note(f"lettercourse: {fault}")
    if as_json:
        print_json({"settled": settled, "refused": refused})
    else:
        say(f"{count(len(settled), 'letter')} settled as {decision}.")
    return 1 if refused else 0


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without a name, as containers have
        return "somebody"


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

    Exits with 1 when the ledger breaks one of them. What lies about because no worker runs is told
    too, and breaks none.
    """
    with operating() as installation:
        found = installation.store.audit(installation.moment())
    if as_json:
        print_json(found)
    else:
        counts = [f.name for f in fields(found) if f.name not in ("violations", "late")]
        say_table(counts, [[str(getattr(found, name)) for name in counts]])
        for violation in found.violations:
            say(f"violation: {violation}")
        for each in found.late:
            say(f"late: {each}")
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
    bring_up_to_date(settings_from_environment())
    say("The database is up to date.")
