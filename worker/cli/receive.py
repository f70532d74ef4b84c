"""``receive``: a mail from standard input, for a mail server that hands each to a command."""

from __future__ import annotations

import sys

import click

from course.errors import LettercourseError
from worker.cli.operating import operating
from worker.cli.output import json_option, note, print_json, say
from worker.inbound import InboundMail
from worker.inbound.authentication import authenticated_domains
from worker.receiving import Received
from worker.receiving import receive as take_in

LARGEST_MAIL = 41_943_040
"""Bytes; mail servers take less, and one that does not must not fill the memory here."""

TOO_LARGE = 65
"""EX_DATAERR of sysexits.h: trying again does not help."""

TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h: a mail server keeps the mail and comes again."""


@click.command()
@click.option("--from", "sender", help="The envelope's sender; empty for reports of mail systems.")
@click.option("--to", "recipients", multiple=True, help="The envelope's recipient; repeatable.")
@json_option
def receive(sender: str | None, recipients: tuple[str, ...], *, as_json: bool) -> int:
    """Take in one mail from standard input.

    It is kept, whatever it is, and a copy of it changes nothing. Exits with 75 when it could not be
    kept, so that a mail server tries again later, and with 65 when it is larger than 40 MB.
    """
    raw = sys.stdin.buffer.read(LARGEST_MAIL + 1)
    if len(raw) > LARGEST_MAIL:
        note("lettercourse: receive: the mail is larger than 40 MB")
        return TOO_LARGE
    try:
        with operating() as installation:
            authserv_id = installation.settings.authserv_id
            mail = InboundMail(raw, sender, recipients, authenticated_domains(raw, authserv_id))
            received = take_in(installation.receiver(), mail)
    except (LettercourseError, OSError) as fault:
        for line in str(fault).splitlines():
            note(f"lettercourse: {line}")
        return TRY_AGAIN
    if as_json:
        print_json(received)
    else:
        say(sentence(received))
    return 0


def sentence(received: Received) -> str:
    """Return in one line what a mail became."""
    about = "/".join(each for each in (received.course, received.lesson) if each)
    parts = [received.kind.value, about, "" if received.is_new else "known already"]
    told = ", ".join(part for part in parts if part)
    return f"{told}: {received.why}"
