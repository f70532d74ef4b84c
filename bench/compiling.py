"""Compiling the shipped course, against laying out its MJML alone, by our library and by npm's."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from unittest.mock import patch

from mjml import mjml2html

from bench.measure import Case, Run, Size, timed
from bench.programs import once
from bench.sample import SAMPLE
from bench.sink import CACHE
from course.compile import compile_course
from course.letters import letter as letters_room
from course.letters.mjml import Context, mjml_source
from course.letters.palette import Palette

HERE = Path(__file__).parent / "peers" / "mjml"
ENVIRONMENT = CACHE / "mjml"


def compiling(size: Size) -> Iterator[Case]:
    """Compile from the article on disk to letters that wait for values, checks included.

    The other sides are given each letter's MJML ready made, and make nothing but HTML of it.
    """
    sources, courses = letters_as_mjml(), size.of(40)
    count = courses * len(sources)

    def ours() -> object:
        return [compile_course(SAMPLE) for _ in range(courses)]

    def floor() -> object:
        return [mjml2html(source) for _ in range(courses) for source in sources]

    name, unit = "compile a course", "letters/s"
    yield Case(
        name, unit, lambda: timed(count, ours), "by the MJML library/s", lambda: timed(count, floor)
    )
    yield Case(
        name, unit, lambda: timed(count, ours), "by npm's mjml/s", lambda: by_npm(size.of(4))
    )


@cache
def letters_as_mjml() -> tuple[str, ...]:
    """Return the shipped course's letters as they are before MJML makes HTML of them."""
    sources: list[str] = []

    def keep(frame: str, context: Context, looks: Palette) -> str:
        sources.append(mjml_source(frame, context, looks))
        return ""

    with patch.object(letters_room, "html_frame", keep):
        compile_course(SAMPLE)
    return tuple(sources)


def by_npm(rounds: int) -> Run:
    """Lay all letters out so often in one process of Node that measures itself once warm."""
    install()
    given = json.dumps({"sources": letters_as_mjml(), "rounds": rounds})
    done = subprocess.run(
        ["node", "lay_out.js"],
        cwd=ENVIRONMENT,
        input=given,
        capture_output=True,
        text=True,
        check=True,
    )
    return Run(rounds * len(letters_as_mjml()), float(done.stdout))


def install() -> None:
    """Install the package from npm's registry, the first time; its program lies beside it."""
    ENVIRONMENT.mkdir(parents=True, exist_ok=True)
    done, wanted = ENVIRONMENT / "done", (HERE / "package.json").read_text()
    for each in ("package.json", "lay_out.js"):
        shutil.copy(HERE / each, ENVIRONMENT)
    if not (done.exists() and done.read_text() == wanted):
        quiet = ("--no-audit", "--no-fund", "--no-package-lock", "--loglevel", "error")
        once(["npm", "install", *quiet], folder=ENVIRONMENT)
        done.write_text(wanted)
