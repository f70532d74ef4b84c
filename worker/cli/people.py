"""``subscribers``: who takes which course, and what one person asked for."""

from __future__ import annotations

from collections.abc import Sequence

import click

from worker.cli.operating import operating, published
from worker.cli.output import instant, json_option, print_json, say, say_table
from worker.lists import normalise_address
from worker.model import Standing

ADDRESS = click.argument("address")
ONE_COURSE = click.option("--course", help="Only this course; all of the person's without it.")


@click.group()
def subscribers() -> None:
    """List, show, pause, resume, unsubscribe, restart."""


@subscribers.command("list")
@click.option("--course", help="Only people of this course.")
@click.option("--limit", type=click.IntRange(1, 2**31 - 1), help="At most so many people.")
@json_option
def list_(course: str | None, limit: int | None, *, as_json: bool) -> None:
    """List everybody with where they stand."""
    with operating() as installation:
        slug = published(installation, course).slug if course else None
        people = installation.store.subscribers(slug, limit)
    if as_json:
        print_json(people)
    else:
        show_table(people)


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
@json_option
def unsubscribe(address: str, *, as_json: bool) -> None:
    """Never write to a person again, as if they had left by the link in a letter."""
    address = normalise_address(address)
    with operating() as installation:
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


def show_person(standing: Standing, *, as_json: bool) -> None:
    """Answer with where one person stands."""
    if as_json:
        print_json(standing)
        return
    named = f"{standing.name} <{standing.address}>" if standing.name else standing.address
    say(f"{named}, {standing.state.value}, {standing.timezone}")
    say_table(
        ("course", "state", "next letter", "due (UTC)", "had"),
        (
            (
                f"{e.course} (run {e.run})" if e.run > 1 else e.course,
                e.state.value,
                e.next or "–",
                instant(e.next_at),
                ", ".join(e.sent) or "–",
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
