"""What stands in a journal: one line an entry, each with its checksum; no address and no name.

A line is the CRC-32 of what follows, a space, and a JSON array: the kind of entry, then its fields
in the order of the class. A person stands there by a keyed hash (:mod:`worker.pseudonyms`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any
from zlib import crc32

EDITION_DIGITS = 16
"""How much of an edition's digest stands in a line."""


@dataclass(frozen=True, slots=True)
class Header:
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


@dataclass(frozen=True, slots=True)
class Gate:
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


@dataclass(frozen=True, slots=True)
class Leave:
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


@dataclass(frozen=True, slots=True)
class Erasure:
    """A person was erased; the hash is the one that stands in the database as suppression."""

    subscriber: int
    at: datetime
    person: str


_encode = json.JSONEncoder(separators=(",", ":"), default=datetime.isoformat).encode

Entry = Gate | Leave | Erasure

_KINDS: dict[str, type[Header | Entry]] = {
    "journal": Header,
    "gate": Gate,
    "leave": Leave,
    "erase": Erasure,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in _NAMES}
_VALUES = {kind: attrgetter(*names) for kind, names in _FIELDS.items()}


def line(entry: Header | Entry) -> bytes:
    """Return an entry as a line, its end included."""
    kind = type(entry)
    text = _encode([_NAMES[kind], *_VALUES[kind](entry)]).encode()
    return b"%08x %s\n" % (crc32(text), text)


def read_line(text: bytes) -> Header | Entry | None:
    """Return what a line without its end says; ``None`` where it was damaged."""
    checksum, _, rest = text.partition(b" ")
    if checksum != b"%08x" % crc32(rest):
        return None
    kind, *values = json.loads(rest)
    known = _KINDS[kind]
    read: dict[str, Any] = dict(zip(_FIELDS[known], values, strict=True))
    if "at" in read:
        read["at"] = datetime.fromisoformat(read["at"])
    return known(**read)
