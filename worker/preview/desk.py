"""The course as it is now, and as it was when it last compiled."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from course.article.source import ARTICLE_SUFFIXES, MANIFEST_NAME
from course.assets import picture_files
from course.compile import Compiled, compile_course
from course.errors import LettercourseError, ManifestError
from course.gallery import Calendar, Gallery, gallery_of, told
from course.model import Asset, Edition, Finding, Level
from worker.preview.calendar import all_zones, calendar_answer

logger = logging.getLogger(__name__)

Signature = Mapping[Path, tuple[int, int, int] | None]
"""What the watched files are like: time, size and inode; ``None`` where there is none."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows at one moment.

    Attributes:
        version: changes with anything that is shown.
        compiled: the course as it last compiled; ``None`` if it never did.
        gallery: the same for the page.
        body: version, gallery and what is wrong now, as JSON.
    """

    version: str
    compiled: Compiled | None
    gallery: Gallery | None
    body: bytes


class Desk:
    """One course under its author's hands.

    Args:
        path: the folder, manifest or article that the author named.
        start: when the person in the calendar joins, by the clock of the course's zone.
    """

    def __init__(self, path: Path, start: str) -> None:
        self._path = path
        self._start = start
        self._pictures: dict[str, Asset] = {}
        self._named: tuple[Path, ...] = ()
        self.shown = _shown(None, None, [])
        self.look()

    def look(self) -> None:
        """Compile the files as they are; what is at fault leaves the letters that were good.

        Some editors empty a file before they write it: what was found while a file changed is
        forgotten, and ``has_changed`` says to look again.
        """
        before = self._signature()
        compiled, gallery = self.shown.compiled, self.shown.gallery
        fault: list[dict[str, object]] = []
        try:
            compiled = compile_course(self._path, self._pictures)
            gallery = gallery_of(compiled, self._calendar(compiled.edition))
        except LettercourseError as error:
            fault = self._told(error)
        except Exception as error:  # our own fault must not end the preview
            logger.exception("the course could not be compiled")
            what = f"Lettercourse failed at this: {type(error).__name__}"
            fault = self._told(LettercourseError(what, remedy="the terminal says more"))
        if compiled is not None:
            article = Path(compiled.course.article_file)
            self._named = (article, *picture_files(compiled.course, article.parent))
        now = self._signature()
        self._seen = {path: before.get(path, like) for path, like in now.items()}
        if self._seen == now:
            self.shown = _shown(compiled, gallery, fault)

    def has_changed(self) -> bool:
        """Tell whether a file is another one than at the last look."""
        return self._signature() != self._seen

    def calendar(self, start: str, zone: str) -> Calendar:
        """Return who would get what when.

        Raises:
            LettercourseError: unknown zone or start, or nothing has compiled yet.
        """
        if self.shown.compiled is None:
            raise LettercourseError("the course has not compiled yet", remedy="mend it first")
        return calendar_answer(self.shown.compiled.edition, start, zone)

    def _signature(self) -> Signature:
        """Return what the files are like that the letters are made of."""
        return {path: _like(path) for path in self._watched()}

    def _watched(self) -> Iterator[Path]:
        if self._path.is_dir():
            yield self._path / MANIFEST_NAME
            with suppress(OSError):
                inside = self._path.iterdir()
                yield from (each for each in inside if each.suffix in ARTICLE_SUFFIXES)
        else:
            yield self._path
        yield from self._named

    def _calendar(self, edition: Edition) -> Calendar:
        told_now = calendar_answer(edition, self._start, edition.schedule.timezone)
        return {**told_now, "zones": all_zones()}

    def _told(self, error: LettercourseError) -> list[dict[str, object]]:
        findings: tuple[Finding, ...] = error.findings if isinstance(error, ManifestError) else ()
        if not findings:
            file, _, line = error.where.rpartition(":")
            placed = bool(file) and line.isdigit()
            findings = (
                Finding(
                    "fault",
                    Level.ERROR,
                    file if placed else error.where or str(self._path),
                    int(line) if placed else 0,
                    error.what,
                    error.remedy,
                ),
            )
        texts = {}
        for name in {each.file for each in findings}:
            with suppress(OSError, ValueError):
                texts[name] = Path(name).read_text("utf-8-sig")
        return told(findings, texts)


def _like(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _shown(
    compiled: Compiled | None, gallery: Gallery | None, fault: list[dict[str, object]]
) -> Shown:
    said = json.dumps({"gallery": gallery, "fault": fault}, ensure_ascii=False)[1:]
    version = sha256(said.encode()).hexdigest()[:16]
    return Shown(version, compiled, gallery, f'{{"version":"{version}",{said}'.encode())
