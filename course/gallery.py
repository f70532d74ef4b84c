"""What ``build`` writes: every letter as three files, the answer for programs, and a gallery."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from course.codec import edition_answer, files_of
from course.compile import Compiled
from course.errors import LettercourseError
from course.fill import fill_html, fill_mime, fill_text
from course.mail.mime import sender_address
from course.model import Edition, Finding, Letter
from course.segments import Values
from course.templates import template_root

ANSWER = "edition.json"
INDEX = "index.html"

_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
_SAMPLE = "https://letters.example"
_OWN_WORDS = "Here your reader finds what they wrote to you.\n\nTheir line breaks stay."


@dataclass(frozen=True, slots=True)
class _Shown:
    """One letter as the gallery shows it.

    Attributes:
        kind: what it is in its course, for a reminder also when it comes.
    """

    letter: Letter
    kind: str
    files: dict[str, str]
    text: str
    source: str
    findings: tuple[Finding, ...]


def sample_values(edition: Edition, letter: Letter) -> Values:
    """Return the values of an example subscriber; the same for every build."""
    domain = sender_address(edition.sender).rpartition("@")[2]
    sent = datetime.combine(_MONDAY + timedelta(days=letter.number), edition.schedule.send_at, UTC)
    return Values(
        name="Ada",
        address="ada@example.org",
        message_id=f"<{letter.key}.{edition.digest[:16]}@{domain}>",
        date=sent,
        view_url=f"{_SAMPLE}/v/{letter.key}",
        unsubscribe_url=f"{_SAMPLE}/u/example",
        page_url=f"{_SAMPLE}/p/example",
        reflections={other.key: _OWN_WORDS for other in edition.letters if other.number % 2},
    )


def write_build(compiled: Compiled, out: Path) -> tuple[Path, ...]:
    """Write a build to the folder ``out`` and return its files, the gallery's index first.

    The folder appears complete or not at all; an earlier build in its place is replaced.

    Raises:
        LettercourseError: ``out`` is a file, or a folder that holds something else.
    """
    out = out.absolute()
    _refuse_foreign(out)
    partial = out.with_name(f".{out.name}.{compiled.edition.digest[:12]}.partial")
    former = out.with_name(f".{out.name}.former")
    try:
        _discard(partial)
        partial.mkdir(parents=True)
        names = [_written(partial / name, content) for name, content in _files(compiled)]
        _discard(former)
        if out.exists():
            out.rename(former)
        partial.rename(out)
        _discard(former)
    except OSError as fault:
        _discard(partial)
        raise LettercourseError(
            f"the build cannot be written: {fault.strerror or fault}",
            where=str(out),
            remedy="name a folder that can be written to",
        ) from fault
    return tuple(out / name.relative_to(partial) for name in names)


def _files(compiled: Compiled) -> Iterator[tuple[str, bytes]]:
    edition = compiled.edition
    shown = list(_every(compiled))
    yield (
        INDEX,
        _page()
        .render(
            edition=edition,
            letters=shown,
            count=len(edition.letters),
            findings=compiled.findings,
            minutes=sum(letter.minutes for letter in edition.letters),
        )
        .encode(),
    )
    yield ANSWER, f"{json.dumps(edition_answer(edition), indent=2, ensure_ascii=False)}\n".encode()
    for item in shown:
        values = sample_values(edition, item.letter)
        yield item.files["html"], fill_html(item.letter, values).encode()
        yield item.files["text"], item.text.encode()
        yield item.files["eml"], fill_mime(item.letter, values)
    for asset in edition.assets:
        yield f"assets/{asset.name}", asset.content


def _every(compiled: Compiled) -> Iterator[_Shown]:
    """Yield the letters in order, each with the reminder that may follow it."""
    for letter in compiled.edition.letters:
        yield _shown(letter, letter.kind.value, compiled)
        wait = compiled.edition.waits.get(letter.key)
        if wait and wait.nudge:
            days = f"{wait.nudge_days} day{'s' if wait.nudge_days != 1 else ''}"
            yield _shown(wait.nudge, f"reminder after {days} without a reply", compiled)


def _shown(letter: Letter, kind: str, compiled: Compiled) -> _Shown:
    values = sample_values(compiled.edition, letter)
    lines = [
        (block.start_line, block.end_line)
        for block in compiled.edition.blocks
        if block.letter == letter.key
    ]
    return _Shown(
        letter=letter,
        kind=kind,
        files=files_of(letter),
        text=fill_text(letter, values),
        source=fill_mime(letter, values).decode("ascii").partition("\r\n\r\n")[0],
        findings=tuple(
            finding
            for finding in compiled.findings
            if finding.file == compiled.course.article_file
            and any(first <= finding.line <= last for first, last in lines)
        ),
    )


def _refuse_foreign(out: Path) -> None:
    if out.is_dir():
        ours = (out / ANSWER).is_file() and (out / INDEX).is_file()
        if ours or not any(out.iterdir()):
            return
        fault = "the folder holds something that is not a build"
    elif out.exists() or out.is_symlink():
        fault = "it is a file, not a folder"
    else:
        return
    raise LettercourseError(fault, where=str(out), remedy="name a new folder or an empty one")


def _written(file: Path, content: bytes) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    return file


def _discard(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


@cache
def _page() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = (template_root() / "pages" / "gallery.html").read_text("utf-8")
    return environment.from_string(source)
