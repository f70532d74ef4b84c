"""``publish`` and ``send-test``: the course leaves its author's desk."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import click

from course.article.source import MANIFEST_NAME
from course.compile import compile_course
from course.errors import LettercourseError
from course.letters.nudge import nudge_key
from course.model import Letter, Level
from course.segments import Slot
from worker.cli.author import COURSE
from worker.cli.edits import show_plan, summed_up
from worker.cli.findings import note_findings
from worker.cli.operating import operating
from worker.cli.output import count, json_option, print_json, say
from worker.compose import compose_test, message_id
from worker.installation import Installation
from worker.lists import normalise_address
from worker.model import StoredLetter, Verdict
from worker.settings import ProviderName


@click.command()
@COURSE
@click.option(
    "--plan",
    "only_plan",
    is_flag=True,
    help="Only show who would get what before and after; writes nothing.",
)
@json_option
def publish(course: Path, *, only_plan: bool, as_json: bool) -> int:
    """Store the course as the edition that is sent.

    COURSE needs a course.toml, and findings of level error stop it. Publishing the same course
    again changes nothing; a changed one is what everybody's next letter comes from.
    """
    compiled = compile_course(course)
    if not compiled.course.manifest_file:
        raise LettercourseError(
            "only a course with a course.toml can be published",
            where=str(course),
            remedy=way_to_manifest(course),
        )
    errors = [f for f in compiled.findings if f.level is Level.ERROR]
    note_findings(errors)
    if errors:
        raise LettercourseError(
            f"{count(len(errors), 'error')} must be mended before publishing", where=str(course)
        )
    edition = compiled.edition
    with operating() as installation:
        now = installation.now()
        plan = installation.store.foresee(edition, now, for_whom=only_plan)
        changed = not only_plan and installation.store.publish(edition, now)
    if only_plan:
        if as_json:
            print_json(plan)
        else:
            show_plan(plan)
        return 1 if plan.refused else 0
    if as_json:
        print_json(
            {
                "course": edition.course,
                "digest": edition.digest,
                "letters": len(edition.letters),
                "changed": changed,
                "edits": {"letters": plan.letters, "settings": plan.settings},
                "people": plan.people,
            }
        )
    else:
        done = f"{count(len(edition.letters), 'letter')} published" if changed else ""
        say(f"{edition.course}: {summed_up(plan, done)}")
        if not (plan.people or plan.completed):
            say(f"Next: lettercourse enroll {edition.course} LIST.csv")
    return 0


@click.command("send-test")
@click.argument("course")
@click.argument("letter")
@click.option("--to", "address", required=True, metavar="ADDRESS", help="Who gets it.")
@click.option("--name", default="", help="The name to greet them by.")
@json_option
def send_test(course: str, letter: str, address: str, name: str, *, as_json: bool) -> int:
    """Send one letter to yourself, as a test.

    COURSE is a folder or article, compiled as it is now, or a published course's slug; LETTER is
    the letter's key. It goes through the provider that is set, is marked as a test, and touches
    nobody's progress.
    """
    address = normalise_address(address)
    with operating() as installation:
        stored = find_letter(installation, course, letter)
        id_ = message_id(f"test-{uuid4().hex}", stored.sender)
        message = compose_test(
            stored,
            address,
            name,
            installation.links,
            message_id=id_,
            date=installation.now(),
        )
        outcome = installation.provider.send(message)
    accepted = outcome.verdict is Verdict.ACCEPTED
    if as_json:
        print_json(
            {
                "course": stored.course,
                "letter": letter,
                "to": address,
                "message_id": id_,
                "outcome": outcome.verdict,
                "detail": outcome.detail,
            }
        )
    elif accepted:
        later = "" if stored.id or not shows_pictures(stored.letter) else PICTURES_LATER
        say(_what_happened(installation, f"“{stored.letter.subject}”", address) + later)
    if not accepted:
        raise LettercourseError(
            f"the provider did not take the letter: {outcome.verdict.value}, {outcome.detail}",
            remedy="check the provider's settings",
        )
    return 0


PICTURES_LATER = " Its pictures show once the course is published."


def shows_pictures(letter: Letter) -> bool:
    """Tell whether a letter shows pictures that this installation serves."""
    return any(isinstance(each, Slot) and each.name == "assets_url" for each in letter.html)


def _what_happened(installation: Installation, letter: str, address: str) -> str:
    """Return where an accepted letter is now, which is not always a mailbox."""
    settings = installation.settings
    if settings.provider is ProviderName.MAILDIR:
        return f"{letter} for {address} lies in the Maildir; nobody was written to."
    if settings.provider is ProviderName.SENDGRID and settings.sendgrid_sandbox:
        return (
            f"SendGrid finds nothing wrong with {letter}. In its sandbox it sends nobody anything."
        )
    return f"{letter} is on its way to {address}."


def find_letter(installation: Installation, course: str, key: str) -> StoredLetter:
    """Return the letter of a folder as it is now, or of a published course; also a reminder."""
    if not Path(course).exists():
        found = installation.store.course(course)
        ids = dict(zip(found.keys, found.letter_ids, strict=True))
        ids |= {nudge_key(of): wait.nudge_id for of, wait in found.waits.items() if wait.nudge_id}
        if key not in ids:
            raise no_such_letter(course, key, tuple(ids))
        return installation.store.letter(ids[key])
    edition = compile_course(Path(course)).edition
    reminders = [wait.nudge for wait in edition.waits.values() if wait.nudge]
    by_key = {each.key: each for each in (*edition.letters, *reminders)}
    if key not in by_key:
        raise no_such_letter(course, key, tuple(by_key))
    if edition.sender is None:
        raise LettercourseError(
            "a letter needs a sender", where=course, remedy=way_to_manifest(Path(course))
        )
    if not edition.sender.email:
        raise LettercourseError(
            "a letter needs a sender", where=course, remedy="fill in email under [sender]"
        )
    return StoredLetter(0, edition.course, edition.title, edition.sender, by_key[key])


def no_such_letter(course: str, key: str, keys: tuple[str, ...]) -> LettercourseError:
    """Return the fault of naming a letter that the course does not have."""
    return LettercourseError(
        f"there is no letter {key!r}", where=course, remedy=f"one of {', '.join(keys)}"
    )


def way_to_manifest(course: Path) -> str:
    """Return what to do about a course that has no sender because its manifest was not read."""
    beside = course.parent / MANIFEST_NAME
    return f"use {beside}" if beside.exists() else f"lettercourse new {course}"
