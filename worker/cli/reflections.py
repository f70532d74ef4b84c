"""``reflections``: what people wrote about the lessons of a course."""

from __future__ import annotations

import csv
import io

import click

from worker.cli.operating import operating, published
from worker.cli.output import answer, count, instant, json_option, print_json, say
from worker.model import ReflectionRecord

COLUMNS = (
    "address",
    "course",
    "lesson",
    "text",
    "received_at",
    "verified",
    "from_subscriber",
    "message_id",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@click.command()
@click.argument("course")
@click.option("--lesson", metavar="KEY", help="Only this lesson.")
@click.option("--csv", "as_csv", is_flag=True, help="Answer in CSV for spreadsheets.")
@json_option
def reflections(course: str, lesson: str | None, *, as_csv: bool, as_json: bool) -> None:
    """Show what people wrote about their lessons.

    Oldest first, of every run of the course.
    """
    if as_csv and as_json:
        raise click.UsageError("choose --json or --csv")
    with operating() as installation:
        found = installation.store.reflections(published(installation, course).slug, lesson)
    if as_json:
        print_json(found)
    elif as_csv:
        click.echo(in_csv(found), nl=False)
    else:
        show(found)


def in_csv(found: list[ReflectionRecord]) -> str:
    """Return reflections as CSV (RFC 4180)."""
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for each in found:
        writer.writerow(cell(getattr(each, column)) for column in COLUMNS)
    return sheet.getvalue()


def cell(value: object) -> str:
    """Return a value for a spreadsheet, times and truths as in JSON.

    What it would take for a formula gets an apostrophe before it: these words come from strangers.
    """
    text = str(value).lower() if isinstance(value, bool) else str(answer(value))
    return f"'{text}" if text.startswith(_FORMULA) else text


def show(found: list[ReflectionRecord]) -> None:
    """Write reflections for a person to read."""
    for each in found:
        doubt = "" if each.verified else ", not verified"
        doubt = doubt if each.from_subscriber else ", from another address"
        say(f"{instant(each.received_at)}  {each.lesson}  {each.address}{doubt}")
        say("".join(f"    {line}\n" for line in each.text.splitlines()))
    say(f"{count(len(found), 'reflection')}.")
