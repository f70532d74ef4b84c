"""What an author runs again and again: ``outline`` and ``build``; ``check`` is beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.text import Text
from rich.tree import Tree

from course.article.source import read_source
from course.build import write_build
from course.codec import edition_answer
from course.compile import Compiled, compile_course
from course.gallery import FIRST_DAY
from course.model import Block, Edition, Kind, Letter, Waiting
from worker.cli.findings import note_findings, source_lines
from worker.cli.output import count, json_option, paper, print_json, say, shorten
from worker.preview.calendar import calendar_answer

COURSE = click.argument("course", type=click.Path(path_type=Path))


@click.command()
@COURSE
@json_option
def outline(course: Path, *, as_json: bool) -> None:
    """Show what went into which letter, and why."""
    compiled = compile_course(course)
    lines = source_lines(read_source(course).article)
    if as_json:
        print_json(outline_answer(compiled, lines))
    else:
        paper().print(outline_tree(compiled, lines))


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
    zone = compiled.edition.schedule.timezone
    write_build(
        compiled, out, calendar_answer(compiled.edition, f"{FIRST_DAY:%Y-%m-%dT10:00}", zone)
    )
    note_findings(compiled.findings)
    if as_json:
        print_json(edition_answer(compiled.edition))
    else:
        letters = count(len(compiled.edition.letters), "letter")
        say(f"{letters} written to {out}. Open {out / 'index.html'} in a browser.")


def opening(block: Block, lines: Sequence[str]) -> str:
    """Return the first words of a block, for somebody to recognise it by."""
    written = (line.strip() for line in lines[block.start_line - 1 : block.end_line])
    return shorten(next(filter(None, written), ""), 48)


def outline_answer(compiled: Compiled, lines: Sequence[str]) -> dict[str, object]:
    """Return the outline for programs: every block under its letter, with the reason."""
    course, edition = compiled.course, compiled.edition

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
        "why": course.splitting,
        "letters": [
            {
                "key": letter.key,
                "kind": letter.kind,
                "number": letter.number,
                "subject": letter.subject,
                "minutes": letter.minutes,
                "why": course.reasons.get(letter.key, ""),
                "wait_days": wait.days if (wait := edition.waits.get(letter.key)) else None,
                "nudge_days": wait.nudge_days if wait else None,
                "blocks": told(blocks_of(letter.key, edition)),
            }
            for letter in edition.letters
        ],
        "left_out": told(blocks_of(None, edition)),
    }


def outline_tree(compiled: Compiled, lines: Sequence[str]) -> Tree:
    """Return the outline for people."""
    course, edition = compiled.course, compiled.edition
    title = Text(f"{edition.title} ({edition.course})", "bold")
    title.append(f"\n{course.splitting}", "not bold dim")
    tree = Tree(title, guide_style="dim")
    for letter in edition.letters:
        label = letter_line(letter, edition.waits.get(letter.key))
        if letter.kind is Kind.LESSON:
            label.append(f"\n{course.reasons[letter.key]}", "not bold dim")
        branch = tree.add(label)
        for run in runs(blocks_of(letter.key, edition)):
            branch.add(block_line(run, lines, said=course.reasons[letter.key]))
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


def block_line(block: Block, lines: Sequence[str], said: str = "") -> Text:
    """Return one block's line of the outline: lines, role, first words, reason unless ``said``."""
    line = Text(f"{block.start_line}–{block.end_line}".ljust(9), "dim")
    line.append(block.role.value.ljust(11), "cyan")
    line.append(f"“{opening(block, lines)}” ", "default")
    return line.append("" if block.reason == said else block.reason, "dim")
