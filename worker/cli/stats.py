"""``stats``: how people go through a course, letter by letter."""

from __future__ import annotations

from dataclasses import fields

import click

from worker.cli.operating import operating, published
from worker.cli.output import count, json_option, print_json, say, say_table
from worker.model import CourseStats


@click.command()
@click.argument("course")
@json_option
def stats(course: str, *, as_json: bool) -> None:
    """Count how people go through a course.

    Nobody is watched opening anything.
    """
    with operating() as installation:
        store = installation.store
        found = store.stats(published(installation, course).slug)
    if as_json:
        print_json(found)
        return
    say(_totals(found))
    say_table(
        ("letter", "owed", "sent", "delivered", "reflected", "left"),
        (
            (
                each.letter,
                str(each.owed),
                str(each.sent),
                "–" if each.delivered is None else str(each.delivered),
                str(each.reflected),
                str(each.left),
            )
            for each in found.letters
        ),
    )


def _totals(found: CourseStats) -> str:
    """Return one line: how many there are, and how many of them in which state."""
    why = [(field.name, getattr(found.stopped, field.name)) for field in fields(found.stopped)]
    stopped = sum(people for _, people in why)
    parts = [f"{getattr(found, state)} {state}" for state in ("active", "paused", "held")]
    parts += [f"{found.completed} completed", f"{stopped} stopped"]
    reasons = ", ".join(f"{people} {WHY[name]}" for name, people in why if people)
    return f"{count(found.enrolled, 'enrollment')}: {', '.join(parts)}" + (
        f" ({reasons})." if reasons else "."
    )


WHY = {
    "unsubscribed": "unsubscribed",
    "bounced": "bounced",
    "complained": "complained",
    "course": "left this course only",
}
