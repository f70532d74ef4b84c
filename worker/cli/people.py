"""``subscribers``: who takes which course, and what one person asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from course.errors import LettercourseError
from worker.cli.operating import operating, published
from worker.cli.output import count, instant, json_option, note, print_json, say, say_table
from worker.erasing import sweep
from worker.errors import UnknownSubscriber
from worker.lists import normalise_address
from worker.model import Standing
from worker.store.erasing import Erased

ON_A_PAGE = 100
"""People that a table shows unless told otherwise."""

ADDRESS = click.argument("address")
ONE_COURSE = click.option("--course", help="Only this course; all of the person's without it.")


@click.group()
def subscribers() -> None:
    """Show, pause, resume, restart, unsubscribe, export, erase."""


@subscribers.command("list")
@click.option("--course", help="Only people of this course.")
@click.option(
    "--limit",
    type=click.IntRange(1, 2**31 - 2),
    help="At most so many people; 100 for people, everybody for programs.",
)
@json_option
def list_(course: str | None, limit: int | None, *, as_json: bool) -> None:
    """List everybody with where they stand."""
    most = limit or (None if as_json else ON_A_PAGE)
    with operating() as installation:
        slug = published(installation, course).slug if course else None
        people = installation.store.subscribers(slug, most and most + 1)
    if as_json:
        print_json(people[:most])
        return
    show_table(people[:most])
    if most is not None and len(people) > most:
        note("There are more: --limit N shows them, --json gives everybody to a program.")


@subscribers.command()
@ADDRESS
@json_option
def show(address: str, *, as_json: bool) -> None:
    """Show one person and every course they take."""
    with operating() as installation:
        standing = installation.store.standing(normalise_address(address))
    show_person(standing, as_json=as_json)


@subscribers.command()
@ADDRESS
@ONE_COURSE
@json_option
def pause(address: str, course: str | None, *, as_json: bool) -> None:
    """Stop a person's letters until they are resumed."""
    address = normalise_address(address)
    with operating() as installation:
        slug = published(installation, course).slug if course else None
        installation.store.pause(address, slug, installation.now())
        standing = installation.store.standing(address)
    show_person(standing, as_json=as_json)


@subscribers.command()
@ADDRESS
@ONE_COURSE
@json_option
def resume(address: str, course: str | None, *, as_json: bool) -> None:
    """Go on with a paused or held course, at the person's next hour."""
    address = normalise_address(address)
    with operating() as installation:
        slug = published(installation, course).slug if course else None
        installation.store.resume(address, slug, installation.now())
        standing = installation.store.standing(address)
    show_person(standing, as_json=as_json)


@subscribers.command()
@ADDRESS
@click.option("--course", help="Only this course; the others go on.")
@json_option
def unsubscribe(address: str, course: str | None, *, as_json: bool) -> None:
    """Never write to a person again, as if they had left by the link in a letter."""
    address = normalise_address(address)
    with operating() as installation:
        if course:
            slug = published(installation, course).slug
            installation.store.leave_course(address, slug, installation.now())
        else:
            installation.store.unsubscribe(address, installation.now())
        standing = installation.store.standing(address)
    show_person(standing, as_json=as_json)


@subscribers.command()
@ADDRESS
@click.option("--course", required=True, help="The course to begin again.")
@json_option
def restart(address: str, course: str, *, as_json: bool) -> None:
    """Begin a person's course again from its welcome."""
    address = normalise_address(address)
    with operating() as installation:
        slug = published(installation, course).slug
        installation.store.restart(address, slug, installation.now())
        standing = installation.store.standing(address)
    show_person(standing, as_json=as_json)


@subscribers.command()
@ADDRESS
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file, only for you.")
def export(address: str, out: Path | None) -> None:
    """Give out everything that is kept about a person, as JSON."""
    address = normalise_address(address)
    with operating() as installation:
        store = installation.store
        document = store.export(store.subscriber_id(address), installation.now())
    if out is None:
        print_json(document)
        return
    write_privately(out, json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    say(f"Written: {out}")


@subscribers.command("erase")
@ADDRESS
@click.option("--yes", is_flag=True, help="Do not ask first.")
@json_option
def erase_(address: str, *, yes: bool, as_json: bool) -> int:
    """Erase a person: address, name, everything they wrote, and copies of their letters.

    Deliveries stay without the address, and a keyed hash of it stays, so that no list enrolls
    them again. This cannot be undone. Once more changes nothing, and completes what was cut short.
    """
    address = normalise_address(address)
    with operating() as installation:
        store = installation.store
        try:
            subscriber_id = store.subscriber_id(address)
        except UnknownSubscriber:
            if not store.was_erased(address):
                raise
            erased = Erased()
        else:
            if not yes:
                click.confirm(f"Erase {address} for good?", abort=True, err=True)
            erased = store.erase(subscriber_id, installation.now())
        swept = sweep(store, installation.provider)
    if as_json:
        print_json({**asdict(erased), "swept": swept})
    else:
        words = count(erased.reflections, "reflection"), count(erased.replies, "mail")
        say(f"Erased, with {' and '.join(words)}.")
    if not swept:
        note("The database file could not be rewritten just now; run the same command again.")
    return 0 if swept else 1


def write_privately(path: Path, text: str) -> None:
    """Write a file that only its owner may read; one that stands there is not replaced.

    Raises:
        LettercourseError: there is one.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        remedy = "move it away, or name another file"
        raise LettercourseError("this file exists", where=str(path), remedy=remedy) from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def show_person(standing: Standing, *, as_json: bool) -> None:
    """Answer with where one person stands."""
    if as_json:
        print_json(standing)
        return
    named = f"{standing.name} <{standing.address}>" if standing.name else standing.address
    say(f"{named}, {standing.state.value}, {standing.timezone}")
    say_table(
        ("course", "state", "next letter", "due (UTC)", "had", "answered"),
        (
            (
                f"{e.course} (run {e.run})" if e.run > 1 else e.course,
                e.state.value,
                e.next or "–",
                instant(e.next_at),
                ", ".join(e.sent) or "–",
                ", ".join(e.reflections) or "–",
            )
            for e in standing.enrollments
        ),
    )


def show_table(people: Sequence[Standing]) -> None:
    """Show one line for every person and course."""
    say_table(
        ("address", "name", "timezone", "person", "course", "state", "next letter", "due (UTC)"),
        (
            (
                person.address,
                person.name,
                person.timezone,
                person.state.value,
                e.course,
                e.state.value,
                e.next or "–",
                instant(e.next_at),
            )
            for person in people
            for e in person.enrollments
        ),
    )
    say(f"{len(people)} {'person' if len(people) == 1 else 'people'}.")
