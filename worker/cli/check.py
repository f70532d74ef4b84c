"""``check``: what would embarrass an author, for people, for programs and for code hosts."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from course.compile import compile_course
from course.errors import ManifestError
from course.lint.rules import IDS, RULES, arranged, nearest
from course.model import Finding, Level
from worker.cli.author import COURSE
from worker.cli.findings import COLOURS, report, source_lines, summary
from worker.cli.output import json_option, print_json, say, say_table
from worker.cli.sarif import sarif_log


def _known(
    _context: click.Context, _option: click.Parameter, ids: tuple[str, ...]
) -> frozenset[str]:
    for each in ids:
        if each not in IDS:
            raise click.BadParameter(f"there is no rule {each}: {nearest(each)}")
    return frozenset(ids)


def _list_rules(context: click.Context, _option: click.Parameter, asked: bool) -> None:  # noqa: FBT001
    if asked and not context.resilient_parsing:
        rows = [
            (each.id, Text(each.level.value, COLOURS[each.level]), each.summary) for each in RULES
        ]
        say_table(("rule", "level", "finds"), rows)
        context.exit()


@click.command()
@COURSE
@click.option("--strict", is_flag=True, help="Exit with 1 for an info, too.")
@click.option(
    "--ignore",
    multiple=True,
    metavar="ID",
    callback=_known,
    help="Leave out the findings of this rule, but no error; may be given again.",
)
@click.option(
    "--rules",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_rules,
    help="List every rule and leave.",
)
@click.option("--sarif", is_flag=True, help="Answer in SARIF 2.1.0, for code hosts.")
@json_option
def check(course: Path, *, strict: bool, ignore: frozenset[str], sarif: bool, as_json: bool) -> int:
    """Say what would go wrong, and the remedy.

    COURSE is a folder with a course.toml, or an article. Exits with 1 when there is an error or a
    warning; an error stops publishing, never building.
    """
    if sarif and as_json:
        raise click.UsageError("--json and --sarif are two answers: ask for one")
    try:
        findings = compile_course(course).findings
    except ManifestError as fault:
        if not (fault.findings and (sarif or as_json)):
            raise
        findings = fault.findings
    findings = arranged(findings, ignore)
    sources = _sources(findings)
    if sarif:
        print_json(sarif_log(findings, sources, Path.cwd()))
    elif as_json:
        print_json({"findings": findings})
    else:
        for line in report(findings, sources):
            say(line)
        say(summary(findings))
    return 1 if any(strict or f.level is not Level.INFO for f in findings) else 0


def _sources(findings: tuple[Finding, ...]) -> dict[str, list[str]]:
    """Return the lines of each file that something was found in."""
    return {
        file: source_lines(Path(file).read_bytes())
        for file in {finding.file for finding in findings}
        if Path(file).is_file()
    }
