"""``demo``: the shipped course goes through all its days in a minute, with nothing pretended.

The web server, the scheduler and Celery's workers are those of ``lettercourse up``; only the
calendar they go by is driven from one due letter to the next.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import sys
import time
from functools import partial
from pathlib import Path

import click
from rich.console import Console

import course
from course.build import write_build
from course.compile import Compiled, compile_course
from course.errors import LettercourseError
from worker.cli.output import count, margin, paper, say
from worker.demo.calendar import calendar
from worker.demo.correspondence import Mailbox, html_of
from worker.demo.drive import DrivenClock, Happening, drive
from worker.demo.folder import claim_folder
from worker.demo.people import ANSWERS, LEAVES, LEAVES_AT, REPLIES, START
from worker.installation import Installation, open_installation, sole_occupant
from worker.lists import RejectedRow, read_people
from worker.model import Person, PublishedCourse
from worker.settings import read_settings
from worker.stack import Stack

SAMPLE = Path(course.__file__).parent / "samples" / "stay-motivated"


@click.command()
@click.option(
    "--out",
    default="demo",
    show_default=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder to write to.",
)
def demo(out: Path) -> None:
    """Watch the shipped course go through its days in a minute.

    Leaves a gallery of the letters and a Maildir in DIR, and prints who got which letter at which
    local hour. Run again, it replaces what it wrote before and nothing else.
    """
    began = time.monotonic()
    compiled = compile_course(SAMPLE)
    claim_folder(out)
    port = free_port()
    settings = read_settings(
        {
            "LETTERCOURSE_DATA_DIR": str(out.resolve()),
            "LETTERCOURSE_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "LETTERCOURSE_REPLY_DOMAIN": "reply.example.org",
            "LETTERCOURSE_INBOUND_SECRET": secrets.token_urlsafe(),
        }
    )
    clock = DrivenClock(START)
    with sole_occupant(settings):
        installation = open_installation(settings, clock, force=True)
        try:
            installation.rehearse(START)
            write_build(compiled, out / "gallery")
            target = enroll(installation, compiled)
            deliver(installation, clock, port)
            installation.rehearse(clock.now())
            people = installation.store.subscribers(target.slug)
            sent = installation.store.deliveries(course=target.slug)
        finally:
            installation.close()
    table = calendar(target.keys, people, sent)
    say("")
    paper().print(table)
    with (out / "calendar.txt").open("w", encoding="utf-8") as file:
        Console(file=file, width=100).print(table)
    finale = html_of(Mailbox(out / "maildir", ANSWERS).newest())
    (out / "finale.html").write_text(finale, encoding="utf-8")
    tell_more(out, count(len(sent), "letter"), time.monotonic() - began)


def enroll(installation: Installation, compiled: Compiled) -> PublishedCourse:
    """Publish the course and enroll everybody on the list that is shipped with it."""
    installation.store.publish(compiled.edition, START)
    target = installation.store.course(compiled.edition.course)
    rows = list(read_people((SAMPLE / "subscribers.csv").read_bytes(), "subscribers.csv"))
    people = [row for row in rows if isinstance(row, Person)]
    installation.store.enroll(target, people, START)
    zones = count(len({person.timezone for person in people}), "time zone")
    say(f"“{target.title}” became {count(len(target.keys), 'letter')}.")
    say(f"{START:%A} {START.day} {START:%B %Y, %H:%M} UTC: {len(people)} people in {zones} enroll.")
    for row in rows:
        if isinstance(row, RejectedRow):
            say(f"subscribers.csv, line {row.line} is rejected: {row.reason}")
    return target


def deliver(installation: Installation, clock: DrivenClock, port: int) -> None:
    """Let the whole stack deliver the course while its calendar is driven through the days."""
    maildir = installation.settings.data_dir / "maildir"
    hook = installation.links.site("/hooks/sendgrid/inbound")
    (secret,) = installation.settings.inbound_secret
    happenings = [
        Happening(at, partial(Mailbox(maildir, address).reply, words, at, hook, secret))
        for address, at, words in REPLIES
    ]
    happenings.append(Happening(LEAVES_AT, Mailbox(maildir, LEAVES).leave))
    stack = Stack(installation, port=port)
    stack.start()
    try:
        with margin().status("") as status:
            drive(
                stack,
                installation.store,
                clock,
                happenings,
                lambda at: status.update(f"{at:%A %d %B}"),
            )
    finally:
        stopped = stack.stop()
    if not stopped:
        raise LettercourseError("the workers did not stop in time", remedy="run the demo again")


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def tell_more(out: Path, letters: str, seconds: float) -> None:
    """Say what the calendar shows, what lies where, and what to do next."""
    command = own_command()
    for line in (
        f"Hours are local. {letters} in {seconds:.0f} seconds, each delivered by Celery and dated "
        "by the day it was due.",
        "",
        "- Berlin put its clocks forward on Sunday 29 March: 08:00 stayed 08:00, and Emil's 02:30,",
        "  which that night did not have, became 03:30.",
        "- Ada answered five letters by pressing reply (✎). The last one gives her own words back:",
        f"  {out / 'finale.html'}",
        "- Priya replied “Pause” on Saturday and “resume” on Monday; then her course went on.",
        "- Tom left on Sunday with one click on the link in his letter.",
        "",
        f"  {out / 'gallery' / 'index.html'}   every letter, in a browser",
        f"  {out / 'maildir'}   what arrived, for any mail program (mutt -f)",
        f"  LETTERCOURSE_DATA_DIR={out} {command} explain {LEAVES}",
        f"  LETTERCOURSE_DATA_DIR={out} {command} reflections stay-motivated",
        "",
        "Now with an article of yours:",
        "",
        f"  {command} new ARTICLE.md my-course",
        "  (say in my-course/course.toml who sends the letters)",
        f"  {command} build my-course --out build",
        f"  {command} publish my-course",
        f"  {command} enroll my-course PEOPLE.csv",
        f"  {command} up",
    ):
        say(line)


def own_command() -> str:
    """Return how this command is called from here: by its name where the shell would find it."""
    installed = Path(sys.executable).with_name("lettercourse")
    if shutil.which("lettercourse") or not installed.exists():
        return "lettercourse"
    near = installed.is_relative_to(Path.cwd())
    return str(installed.relative_to(Path.cwd()) if near else installed)
