"""What stands in a journal: one line an entry, each with its checksum; no address and no name.

A line is the CRC-32 of what follows, a space, and a JSON array: the kind of entry, then its fields
in the order of the class. A person stands there by a keyed hash (:mod:`worker.pseudonyms`).
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from zlib import crc32

import orjson

EDITION_DIGITS = 16
"""How much of an edition's digest stands in a line."""


class Header(NamedTuple):
    """The first line of every segment.

    Attributes:
        journal: the journal's random id.
        installation: whose journal it is; delivery ids derive from it.
        host: where it was begun, for people to read.
        segment: counts from 1.
    """

    journal: str
    installation: str
    host: str
    segment: int


class Gate(NamedTuple):
    """A letter passed its gate: from here on it may be on its way.

    Attributes:
        attempt: the database's id of the hand-over; it grows from gate to gate.
        number: which hand-over of this delivery it is.
        course: its slug.
        letter: the stored letter's id.
        edition: the first digits of the digest of the edition that the letter is of.
        at: the calendar's instant of the gate.
        person: keyed hash of the address; empty where there is no key.
    """

    attempt: int
    delivery: str
    number: int
    enrollment: int
    subscriber: int
    run: int
    course: str
    key: str
    letter: int
    edition: str
    at: datetime
    person: str


class Leave(NamedTuple):
    """A person left everything, or one course.

    Attributes:
        enrollment: the one they left; 0 where they left everything.
        course: its slug; empty where they left everything.
        state: what the person became; empty where they left one course.
    """

    subscriber: int
    enrollment: int
    course: str
    state: str
    at: datetime
    person: str


class Erasure(NamedTuple):
    """A person was erased; the hash is the one that stands in the database as suppression."""

    subscriber: int
    at: datetime
    person: str


Entry = Gate | Leave | Erasure

_KINDS: dict[str, type[Header | Entry]] = {
    "journal": Header,
    "gate": Gate,
    "leave": Leave,
    "erase": Erasure,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def line(entry: Header | Entry) -> bytes:
    """Return an entry as a line, its end included."""
    kind = type(entry)
    text = orjson.dumps((_NAMES[kind], *entry))
    return b"%08x %s\n" % (crc32(text), text)


def read_line(text: bytes) -> Header | Entry | None:
    """Return what a line without its end says; ``None`` where it was damaged."""
    checksum, _, rest = text.partition(b" ")
    if checksum != b"%08x" % crc32(rest):
        return None
    name, *values = orjson.loads(rest)
    kind = _KINDS[name]
    if "at" in kind._fields:
        place = kind._fields.index("at")
        values[place] = datetime.fromisoformat(values[place])
    return kind(*values)
