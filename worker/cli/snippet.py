"""``snippet``: the sign-up form of a course, for somebody's own site."""

from __future__ import annotations

import click

from worker.cli.operating import operating, published
from worker.joining.snippet import snippet as form


@click.command()
@click.argument("course")
def snippet(course: str) -> None:
    """Print a sign-up form for your own site.

    It is plain HTML without style or script, and sends people to this installation, where they
    are asked to look into their mailbox.
    """
    with operating() as installation:
        target = published(installation, course)
        action = installation.links.site(f"/subscribe/{target.slug}")
    click.echo(form(action, target.title, target.language), nl=False)
