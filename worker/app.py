"""The ``lettercourse`` command: its table of commands, and how every fault is told.

A command's module is imported when the command is called, so that what an author runs needs
neither the database nor Celery.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

import click
from click.shell_completion import CompletionItem

from course.errors import LettercourseError, one_line

CHAPTERS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Write a course": {
        "new": ("worker.cli.new:new", "Make a course of an article: write its course.toml."),
        "check": ("worker.cli.check:check", "Say what would go wrong, and the remedy."),
        "outline": ("worker.cli.author:outline", "Show what went into which letter, and why."),
        "preview": (
            "worker.cli.preview:preview",
            "Look at the letters in a browser while you write.",
        ),
        "build": (
            "worker.cli.author:build",
            "Write every letter and a gallery of them to a folder.",
        ),
        "simulate": (
            "worker.cli.simulate:simulate",
            "Print the calendar of one person who takes the course.",
        ),
    },
    "Send it": {
        "publish": ("worker.cli.publish:publish", "Store the course as the edition that is sent."),
        "send-test": ("worker.cli.publish:send_test", "Send one letter to yourself, as a test."),
        "enroll": ("worker.cli.enroll:enroll", "Enroll everybody on a list."),
        "snippet": ("worker.cli.snippet:snippet", "Print a sign-up form for your own site."),
        "up": ("worker.running:up", "Run web, scheduler and worker in one process."),
        "demo": ("worker.demo:demo", "Watch the shipped course go through its days in a minute."),
    },
    "Look after people": {
        "subscribers": (
            "worker.cli.people:subscribers",
            "Show, pause, resume, restart, unsubscribe, export, erase.",
        ),
        "reflections": (
            "worker.cli.reflections:reflections",
            "Show what people wrote about their lessons.",
        ),
        "explain": (
            "worker.cli.ledger:explain",
            "Say why each letter was or was not sent to a person.",
        ),
        "stats": ("worker.cli.stats:stats", "Count how people go through a course."),
    },
    "Look after the installation": {
        "suppressions": (
            "worker.cli.suppressions:suppressions",
            "Take in and give out addresses that must not be written to.",
        ),
        "deliveries": (
            "worker.cli.ledger:deliveries",
            "Show the ledger of deliveries, and settle what is in doubt.",
        ),
        "doctor": (
            "worker.cli.doctor:doctor",
            "Look at all that letters hang on, and say what to do.",
        ),
        "audit": ("worker.cli.ledger:audit", "Count every letter owed and check the promises."),
        "tick": ("worker.cli.tick:tick", "Deliver what is due, until nothing is."),
        "receive": ("worker.cli.receive:receive", "Take in one mail from standard input."),
        "migrate": ("worker.cli.ledger:migrate", "Bring the database to this version's form."),
        "backup": (
            "worker.cli.keeping:backup",
            "Write everything that a restore needs into one file.",
        ),
        "restore": (
            "worker.cli.keeping:restore",
            "Put a backup in place, and rebuild what was sent since.",
        ),
        "copy": (
            "worker.cli.keeping:copy",
            "Move the installation to another database.",
        ),
        "web": ("worker.running:web", "Run only the web server."),
    },
}
COMMANDS = {name: entry for chapter in CHAPTERS.values() for name, entry in chapter.items()}

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C ended."""


class Lettercourse(click.Group):
    """A group whose commands are named by ``COMMANDS`` and imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return every command's name in the table's order."""
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        """Import and return one command; ``None`` when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that ``args`` start with; a near miss is suggested."""
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise click.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the table, chapter by chapter, without importing a command."""
        width = max(map(len, COMMANDS))
        for chapter, commands in CHAPTERS.items():
            with formatter.section(chapter):
                formatter.write_dl([(f"{n:<{width}}", text) for n, (_, text) in commands.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer commands by the table, options as click does."""
        names = [
            CompletionItem(name, help=text)
            for name, (_, text) in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=Lettercourse, epilog="Begin with: lettercourse new ARTICLE")
@click.version_option(package_name="lettercourse", message="lettercourse %(version)s")
def lettercourse() -> None:
    """Turn one Markdown article into an email course and look after everyone who takes it."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0 fine, 1 findings or failures, 2 wrong usage.

    Commands return their exit code. What they raise for a person becomes one line on standard
    error; any other exception is a fault of ours and keeps its traceback.
    """
    try:
        code = lettercourse.main(list(arguments), "lettercourse", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as help_text:
        click.echo(help_text.format_message(), err=True)
        return help_text.exit_code
    except click.ClickException as fault:
        complain(usage_line(fault, arguments))
        return fault.exit_code
    except click.Abort:
        return INTERRUPTED
    except LettercourseError as fault:
        for line in str(fault).splitlines():
            complain(line)
        return fault.exit_code
    except OSError as fault:
        complain(disk_line(fault))
        return 1
    return code or 0


def usage_line(fault: click.ClickException, arguments: Sequence[str]) -> str:
    """Return click's complaint in the form of ours: where, what, and where to read on."""
    what = one_line(fault.format_message()).rstrip(".")
    context = fault.ctx if isinstance(fault, click.UsageError) else None
    where = context.command_path.partition(" ")[2] if context else ""
    if not context and arguments[0] in COMMANDS:  # the option parser does not say where it is
        where = arguments[0]
    command = f"lettercourse {where}".strip()
    return str(
        LettercourseError(what[:1].lower() + what[1:], where=where, remedy=f"see {command} --help")
    )


def disk_line(fault: OSError) -> str:
    """Return what the system says of a file in the form of ours."""
    what, where = fault.strerror or str(fault), str(fault.filename or "")
    remedy = "check the path, its rights and the room on the disk"
    return str(LettercourseError(what, where=where, remedy=remedy))


def complain(line: str) -> None:
    """Write one fault to standard error."""
    click.echo(f"lettercourse: {line}", err=True)


def main() -> NoReturn:
    """Run the command that the shell asked for, and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError as fault:  # a full disk; or the reader left early, as ``head`` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(fault, BrokenPipeError) and code == 0:
            complain(disk_line(fault))
            code = 1
    sys.exit(code)
