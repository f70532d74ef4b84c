"""Letters as somebody gets them: filled in, written to disk with their pictures, and looked at."""

from __future__ import annotations

import shutil
import struct
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from course.compile import compile_course
from course.fill import fill_html, fill_mime
from course.model import Edition
from course.segments import Values
from tests.acceptance.processes import ROOT
from tests.browser.house import SAMPLE

NASTY = ROOT / "tests" / "fixtures" / "letters"
PICTURES = {"wide.png": (2000, 500), "tall.png": (300, 900), "logo.png": (480, 90)}


@dataclass(frozen=True)
class Shown:
    """One letter on disk.

    Attributes:
        name: of its course and of itself.
    """

    name: str
    html: Path
    eml: Path


def written(folder: Path) -> list[Shown]:
    """Write every letter of the shipped course and of the hard ones; return them in order."""
    found = []
    for course in (SAMPLE, *sorted(NASTY.iterdir())):
        place = folder / course.name
        shutil.copytree(course, place)
        for name, (width, height) in PICTURES.items():
            (place / name).write_bytes(picture(width, height))
        found += _letters(compile_course(place).edition, place)
    return found


def _letters(edition: Edition, place: Path) -> list[Shown]:
    (place / "assets").mkdir()
    for asset in edition.assets:
        (place / "assets" / asset.name).write_bytes(asset.content)
    nudges = [wait.nudge for wait in edition.waits.values() if wait.nudge]
    found = []
    for letter in (*edition.letters, *nudges):
        html, eml = place / f"{letter.key}.html", place / f"{letter.key}.eml"
        values = values_of(edition)
        html.write_text(fill_html(letter, values), "utf-8")
        eml.write_bytes(fill_mime(letter, values))
        found.append(Shown(f"{place.name}-{letter.key}", html, eml))
    return found


def values_of(edition: Edition) -> Values:
    """Return what fills every slot and puts in every section, the mark of a test among them."""
    return Values(
        name="Ada Lovelace",
        address="ada@example.org",
        message_id="<1@letters.example.org>",
        date=datetime(2026, 3, 2, 7, 0, tzinfo=UTC),
        view_url=f"https://letters.example.org/v/{'a' * 40}",
        unsubscribe_url=f"https://letters.example.org/u/{'b' * 40}",
        unsubscribe_mail="leave+abc@letters.example.org",
        page_url=f"https://letters.example.org/p/{'c' * 40}",
        reply_to="reply+abc@letters.example.org",
        reflections={
            letter.key: f"What I wrote.\n\n- a line of it\n{'long' * 40}"
            for letter in edition.letters
        },
        test="Test",
    )


def picture(width: int, height: int) -> bytes:
    """Return a PNG of one colour."""
    rows = (b"\0" + b"\x30\x60\x90" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
