"""How findings are shown to people: under their file, with the line they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from rich.text import Text

from course.model import Finding, Level
from worker.cli.output import count, note, shorten

COLOURS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.INFO: "blue"}
_WIDTH = 96


def note_findings(findings: Iterable[Finding]) -> None:
    """Show findings beside an answer, on standard error."""
    for finding in findings:
        note(finding_line(finding))


def finding_line(finding: Finding) -> Text:
    """Return one finding on one line: where, how bad, what, and the remedy."""
    line = Text(f"{_place(finding)}: ")
    line.append(finding.level.value, COLOURS[finding.level])
    line.append(f" {finding.message}")
    if finding.remedy:
        line.append(f" ({finding.remedy})")
    return line.append(f" [{finding.rule}]", "dim")


def report(findings: Iterable[Finding], sources: Mapping[str, Sequence[str]]) -> Iterator[Text]:
    """Yield the lines that tell findings at length, by file and line.

    Args:
        findings: in the order of files and lines.
        sources: the lines of each file; of one that is absent none are shown.
    """
    for file, in_file in groupby(findings, lambda finding: finding.file):
        yield Text(file, "bold")
        for number, on_line in groupby(in_file, lambda finding: finding.line):
            written = sources.get(file, ())[max(0, number - 1) : number]
            yield from (
                Text(f"  {number:>4} │ {shorten(line.strip(), _WIDTH)}", "dim") for line in written
            )
            for remedy, alike in groupby(on_line, lambda finding: finding.remedy):
                for finding in alike:
                    told = Text(f"  {_place(finding)}: ")
                    told.append(finding.level.value, COLOURS[finding.level])
                    yield told.append(f" {finding.message} ").append(f"[{finding.rule}]", "dim")
                yield Text(f"         → {remedy}")
        yield Text()


def summary(findings: Sequence[Finding]) -> str:
    """Return how many findings of each level there are."""
    tally = [count(sum(f.level is level for f in findings), level.value) for level in Level]
    return ", ".join(each for each in tally if not each.startswith("0 ")) or "Nothing to mend."


def source_lines(article: bytes) -> list[str]:
    """Return the article's lines as findings and blocks count them: ended by LF, CRLF or CR."""
    text = article.decode("utf-8-sig", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _place(finding: Finding) -> str:
    return f"{finding.file}:{finding.line}" if finding.line else finding.file
