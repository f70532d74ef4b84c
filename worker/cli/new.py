"""``new``: an article becomes a course that its author can edit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from posixpath import normpath
from urllib.parse import unquote

import click

from course.article.source import MANIFEST_NAME, Source, read_source
from course.assets import collect_assets
from course.errors import LettercourseError
from course.plan import plan
from course.propose import propose_manifest
from worker.cli.output import say


@click.command()
@click.argument("article", type=click.Path(path_type=Path))
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
def new(article: Path, folder: Path | None) -> None:
    """Make a course of an article: write its course.toml.

    Without DIR it is written beside ARTICLE. With DIR a folder is made that holds a copy of the
    article, of its pictures and the course.toml. Nothing that exists is overwritten.
    """
    source = read_source(article)
    if source.manifest is not None:
        raise LettercourseError(
            "this is a course already", where=source.manifest_file, remedy="edit it as it is"
        )
    manifest = {MANIFEST_NAME: propose_manifest(source).encode()}
    here = folder is None or folder.resolve() == source.folder.resolve()
    target = folder or source.folder
    write_new(target, manifest if here else luggage(source) | manifest)
    say(f"{target / MANIFEST_NAME} written. Say in it who sends the letters, then:")
    say(f"  lettercourse check {target}")
    say(f"  lettercourse preview {target} --open")


def luggage(source: Source) -> dict[str, bytes]:
    """Return what a course takes along to a folder of its own, by path in that folder.

    Those are the article and the pictures that lie in its folder or below it.
    """
    course, _ = plan(source)
    files = {Path(source.article_file).name: source.article}
    for address, picture in collect_assets(course, source.folder).found.items():
        path = normpath(unquote(address.partition("#")[0].partition("?")[0]))
        if not path.startswith(".."):
            files[path] = picture.content
    return files


def write_new(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files that are not there yet, each as a whole, or none of them."""
    for name in files:
        if (folder / name).exists():
            raise LettercourseError(
                "exists and is not overwritten",
                where=str(folder / name),
                remedy="move it away, or name a new folder",
            )
    for parent in {parent for name in files for parent in (folder / name).parents}:
        if parent.exists() and not parent.is_dir():
            raise LettercourseError(
                "a file stands where a folder is to be",
                where=str(parent),
                remedy="move it away, or name a new folder",
            )
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.unfinished")
        unfinished.write_bytes(content)
        unfinished.replace(path)
