"""``simulate``: the calendar of one person, before anybody takes the course."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

import click
from rich.text import Text

from course.article.source import read_source
from course.errors import LettercourseError
from course.plan import plan
from worker.calendar import Planned, calendar
from worker.cli.output import instant, json_option, print_json, say, say_table
from worker.model import Proposed, Syllabus, Wait
from worker.schedule import find_zone

YEARS = range(1970, 2200)
"""Years that a calendar can be asked about without running out of dates."""


class Zone(click.ParamType[str]):
    """An IANA time zone."""

    name = "zone"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Read ``value``; the nearest zone is suggested for one that there is not."""
        try:
            return find_zone(str(value)).key
        except LettercourseError as fault:
            self.fail(f"{fault.what}; {fault.remedy}", param, ctx)


class Start(click.ParamType[date]):
    """A date, or a local date and time without an offset."""

    name = "start"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Read ``value``; a ``datetime`` where it has a time."""
        text = str(value)
        try:
            start = date.fromisoformat(text) if len(text) == len("2026-03-29") else None
            start = start or datetime.fromisoformat(text)
        except ValueError:
            self.fail(
                f"{text!r} is no date; write it like 2026-03-29 or 2026-03-29T21:30", param, ctx
            )
        if isinstance(start, datetime) and start.tzinfo is not None:
            self.fail(f"{text!r} has an offset; --zone says where the clock is", param, ctx)
        if start.year not in YEARS:
            self.fail(f"{text!r} is not between 1970 and 2199", param, ctx)
        return start


class Hour(click.ParamType[time]):
    """A local time of day, to the minute."""

    name = "hour"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> time:
        """Read ``value``."""
        try:
            return datetime.strptime(str(value), "%H:%M").time()  # noqa: DTZ007 - a clock's face
        except ValueError:
            self.fail(f"{value!r} is no time of day; write it like 07:30", param, ctx)


@click.command()
@click.argument("course")
@click.option("--zone", type=Zone(), help="Where the person lives; the course's zone without it.")
@click.option(
    "--start",
    type=Start(),
    metavar="DATE",
    help="When they begin: a date, or a local time at which they join; today without it.",
)
@click.option("--at", "send_at", type=Hour(), metavar="HH:MM", help="Their own send time.")
@json_option
def simulate(
    course: str, zone: str | None, start: date | None, send_at: time | None, *, as_json: bool
) -> None:
    """Print the calendar of one person who takes the course.

    COURSE is a folder or article as it is now, or a published course's slug. The calendar is that
    of somebody who never replies; where a lesson waits for a reflection it says how much earlier
    one would bring the next letter.
    """
    slug, syllabus, subjects = what_is_taken(course)
    zone = zone or syllabus.schedule.timezone
    start = start or datetime.now(find_zone(zone)).date()
    planned = calendar(syllabus, start, zone, send_at)
    send_at = send_at or syllabus.schedule.send_at
    if as_json:
        print_json(
            {
                "course": slug,
                "zone": zone,
                "start": start.isoformat(),
                "send_at": f"{send_at:%H:%M}",
                "letters": [line_answer(each) for each in planned],
            }
        )
        return
    say(f"{slug} in {zone}, at {send_at:%H:%M}")
    say_table(
        ["letter", "local time", "UTC", "why then"], [line(each, subjects) for each in planned]
    )


def what_is_taken(course: str) -> tuple[str, Syllabus, dict[str, str]]:
    """Return slug, syllabus and subjects of what COURSE names; no database for what is a file."""
    if not Path(course).exists():
        from worker.cli.operating import operating

        with operating() as installation:
            found = installation.store.course(course)
            letters = [installation.store.letter(each).letter for each in found.letter_ids]
        return found.slug, found, {each.key: each.subject for each in letters}
    planned, _ = plan(read_source(Path(course)))
    syllabus = Proposed(
        keys=tuple(lesson.key for lesson in planned.lessons),
        schedule=planned.schedule,
        waits={
            lesson.key: Wait(lesson.wait_days, lesson.nudge_days)
            for lesson in planned.lessons
            if lesson.wait_days
        },
    )
    return planned.slug, syllabus, {each.key: each.subject for each in planned.lessons}


def line(planned: Planned, subjects: dict[str, str]) -> Sequence[str | Text]:
    """Return one letter for a person: which, when there, when in UTC, and what is unusual."""
    why = "; ".join(reason.why for reason in planned.reasons)
    letter = Text(planned.key, "bold")
    if planned.key in subjects:
        letter.append(f"  {subjects[planned.key]}", "not bold dim")
    return letter, local(planned.local), instant(planned.at), Text(why, "yellow")


def local(at: datetime) -> str:
    """Return an instant as somebody's clock shows it, with weekday and offset."""
    return f"{at:%a %Y-%m-%d %H:%M} {at.isoformat()[-6:]}"


def line_answer(planned: Planned) -> dict[str, object]:
    """Return one letter for programs."""
    return {
        "letter": planned.key,
        "kind": planned.kind,
        "at": planned.at.astimezone(UTC),
        "local": planned.local.isoformat(),
        "weekday": f"{planned.local:%A}",
        "waits_for": planned.waits_for,
        "earliest": planned.earliest,
        "reasons": [{"reason": each.what, "why": each.why} for each in planned.reasons],
    }
