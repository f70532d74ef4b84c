"""``up`` and ``web``: the commands that stay until they are told to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from worker.cli.operating import operating
from worker.cli.output import say
from worker.logs import log_as
from worker.stack import run

Command = TypeVar("Command", bound=Callable[..., Any])

HOST: Callable[[Command], Command] = click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on."
)
PORT: Callable[[Command], Command] = click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to listen on; 0 takes a free one.",
)


@click.command()
@HOST
@PORT
@click.option("--force", is_flag=True, help="Run although the database was rehearsed.")
def up(host: str, port: int, *, force: bool) -> None:
    """Run web, scheduler and worker in one process.

    It runs until Ctrl-C or SIGTERM: then the letter in hand is finished and the rest goes back. It
    alone locks the data folder; every other command works beside it.
    """
    serve(host, port, deliver=True, force=force)


@click.command()
@HOST
@PORT
def web(host: str, port: int) -> None:
    """Run only the web server.

    For an installation whose scheduler and workers run elsewhere.
    """
    serve(host, port, deliver=False, force=False)


def serve(host: str, port: int, *, deliver: bool, force: bool) -> None:
    """Run until a signal; say on standard output where, once everything works."""
    with operating(force=force) as installation:
        settings = installation.settings
        log_as("up" if deliver else "web", settings)
        what = f"letters go to {settings.provider.value}" if deliver else "web only"
        if settings.inbound_listen:
            what = f"{what}, mail comes in at {settings.inbound_listen}"
        run(
            installation,
            host,
            port,
            deliver=deliver,
            announce=lambda url: say(f"Lettercourse runs at {url}, {what}. Ctrl-C stops it."),
        )
