"""What an author runs again and again: ``check``, ``outline``, ``build``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.text import Text
from rich.tree import Tree

from course.article.source import read_source
from course.codec import edition_answer
from course.compile import compile_course
from course.errors import ManifestError
from course.gallery import write_build
from course.model import Block, Edition, Finding, Letter, Level, Waiting
from worker.cli.output import count, json_option, note, paper, print_json, say, shorten

COLOURS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.INFO: "dim"}
COURSE = click.argument("course", type=click.Path(path_type=Path))


@click.command()
@COURSE
@json_option
def check(course: Path, *, as_json: bool) -> int:
    """Say what would go wrong, and the remedy.

    COURSE is a folder with a course.toml, or an article. Exits with 1 when there is an error or a
    warning; an error stops publishing, never building.
    """
    try:
        findings = compile_course(course).findings
    except ManifestError as fault:
        if not (as_json and fault.findings):
            raise
        findings = fault.findings
    if as_json:
        print_json({"findings": findings})
    else:
        for finding in findings:
            say(finding_line(finding))
        say(summary(findings))
    return 1 if any(f.level is not Level.INFO for f in findings) else 0


@click.command()
@COURSE
@json_option
def outline(course: Path, *, as_json: bool) -> None:
    """Show what went into which letter, and why."""
    edition = compile_course(course).edition
    lines = source_lines(read_source(course).article)
    if as_json:
        print_json(outline_answer(edition, lines))
    else:
        paper().print(outline_tree(edition, lines))


@click.command()
@COURSE
@click.option(
    "--out",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder to write to.",
)
@json_option
def build(course: Path, out: Path, *, as_json: bool) -> None:
    """Write every letter and a gallery of them to a folder.

    Findings are shown on standard error, and none stops the letters from being written.
    """
    compiled = compile_course(course)
    write_build(compiled, out)
    note_findings(compiled.findings)
    if as_json:
        print_json(edition_answer(compiled.edition))
    else:
        letters = count(len(compiled.edition.letters), "letter")
        say(f"{letters} written to {out}. Open {out / 'index.html'} in a browser.")


def note_findings(findings: Iterable[Finding]) -> None:
    """Show findings beside an answer, on standard error."""
    for finding in findings:
        note(finding_line(finding))


def finding_line(finding: Finding) -> Text:
    """Return one finding for a person: where, how bad, what, and the remedy."""
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    line = Text(f"{place}: ")
    line.append(finding.level.value, COLOURS[finding.level])
    line.append(f" {finding.message}")
    if finding.remedy:
        line.append(f" ({finding.remedy})")
    return line.append(f" [{finding.rule}]", "dim")


def summary(findings: Sequence[Finding]) -> str:
    """Return how many findings of each level there are."""
    tally = [count(sum(f.level is level for f in findings), level.value) for level in Level]
    return ", ".join(each for each in tally if not each.startswith("0 ")) or "Nothing to mend."


def source_lines(article: bytes) -> list[str]:
    """Return the article's lines as findings and blocks count them: ended by LF, CRLF or CR."""
    text = article.decode(errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def opening(block: Block, lines: Sequence[str]) -> str:
    """Return the first words of a block, for somebody to recognise it by."""
    written = (line.strip() for line in lines[block.start_line - 1 : block.end_line])
    return shorten(next(filter(None, written), ""), 48)


def outline_answer(edition: Edition, lines: Sequence[str]) -> dict[str, object]:
    """Return the outline for programs: every block under its letter, with the reason."""

    def told(blocks: Iterable[Block]) -> list[dict[str, object]]:
        return [
            {
                "start_line": block.start_line,
                "end_line": block.end_line,
                "role": block.role,
                "opening": opening(block, lines),
                "reason": block.reason,
            }
            for block in blocks
        ]

    return {
        "course": edition.course,
        "title": edition.title,
        "letters": [
            {
                "key": letter.key,
                "kind": letter.kind,
                "number": letter.number,
                "subject": letter.subject,
                "minutes": letter.minutes,
                "wait_days": wait.days if (wait := edition.waits.get(letter.key)) else None,
                "nudge_days": wait.nudge_days if wait else None,
                "blocks": told(blocks_of(letter.key, edition)),
            }
            for letter in edition.letters
        ],
        "left_out": told(blocks_of(None, edition)),
    }


def outline_tree(edition: Edition, lines: Sequence[str]) -> Tree:
    """Return the outline for people."""
    tree = Tree(Text(f"{edition.title} ({edition.course})", "bold"), guide_style="dim")
    for letter in edition.letters:
        branch = tree.add(letter_line(letter, edition.waits.get(letter.key)))
        for run in runs(blocks_of(letter.key, edition)):
            branch.add(block_line(run, lines))
    left_out = blocks_of(None, edition)
    if left_out:
        branch = tree.add(Text("left out", "yellow"))
        for run in runs(left_out):
            branch.add(block_line(run, lines))
    return tree


def blocks_of(key: str | None, edition: Edition) -> list[Block]:
    """Return the blocks of one letter, or those that stand in none."""
    return [block for block in edition.blocks if block.letter == key]


def runs(blocks: Iterable[Block]) -> list[Block]:
    """Return ``blocks`` with neighbours that have role and reason in common as one."""
    joined: list[Block] = []
    for block in blocks:
        last = joined[-1] if joined else None
        if last and (last.end_line + 1, last.role, last.reason) == (
            block.start_line,
            block.role,
            block.reason,
        ):
            joined[-1] = replace(last, end_line=block.end_line)
        else:
            joined.append(block)
    return joined


def letter_line(letter: Letter, wait: Waiting | None) -> Text:
    """Return one letter's line of the outline, with how long the next one waits after it."""
    line = Text(f"{letter.number:02} {letter.key}", "bold")
    line.append(f"  {letter.subject} · {letter.minutes} min", "not bold")
    if wait:
        line.append(f" · then waits {count(wait.days, 'day')} for a reply", "not bold cyan")
    if wait and wait.nudge_days:
        line.append(f", reminds after {wait.nudge_days}", "not bold cyan")
    return line


def block_line(block: Block, lines: Sequence[str]) -> Text:
    """Return one block's line of the outline: lines, role, first words, reason."""
    line = Text(f"{block.start_line}–{block.end_line}".ljust(9), "dim")
    line.append(block.role.value.ljust(11), "cyan")
    line.append(f"“{opening(block, lines)}” ", "default")
    return line.append(block.reason, "dim")
