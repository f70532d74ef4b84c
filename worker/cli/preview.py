"""``preview``: the letters in a browser while they are written."""

from __future__ import annotations

import webbrowser
from datetime import datetime
from pathlib import Path

import click

from course.errors import SourceError
from worker.cli.author import COURSE
from worker.cli.output import say
from worker.preview.desk import Desk
from worker.preview.server import serve_preview


@click.command()
@COURSE
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    default=8008,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to listen on; 0 takes a free one.",
)
@click.option("--open", "opened", is_flag=True, help="Open a browser there.")
def preview(course: Path, host: str, port: int, *, opened: bool) -> None:
    """Look at the letters in a browser while you write.

    The page shows each letter as phones and desktops do, by day and by night, without pictures, as
    text and as source; what check finds, beside the article's lines; and who would get what when.
    It follows every save. Runs until Ctrl-C, and writes nothing.
    """
    if not course.exists():
        raise SourceError(
            "no such file or folder", where=str(course), remedy="name a course or an article"
        )
    today = datetime.now().astimezone().replace(minute=0)
    desk = Desk(course, f"{today:%Y-%m-%dT%H:%M}")

    def announce(url: str) -> None:
        say(f"The letters are at {url} and follow every save. Ctrl-C stops it.")
        if opened:
            webbrowser.open(url)

    serve_preview(desk, host, port, announce)
