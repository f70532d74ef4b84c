"""What a compiled text is made of: literal bytes, slots for values, and sections that may be off.

There are no loops; filling is in ``course.fill``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Encoding(StrEnum):
    """How a slot's value is written where it stands.

    ``LINES`` keeps line breaks, ``URL`` stands inside an address; ``QP_`` is quoted-printable.
    """

    PLAIN = "plain"
    HTML = "html"
    LINES = "lines"
    LINES_HTML = "lines-html"
    URL = "url"
    QP_PLAIN = "qp-plain"
    QP_HTML = "qp-html"
    QP_LINES = "qp-lines"
    QP_LINES_HTML = "qp-lines-html"
    QP_URL = "qp-url"
    HEADER = "header"
    MAILBOX = "mailbox"


@dataclass(frozen=True, slots=True)
class Literal:
    """Bytes that are the same in every copy of a letter."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Slot:
    """A value of one copy; ``fallback`` stands in when the value is empty.

    ``name`` is a field of ``Values``, ``words:KEY`` for what the person wrote to that letter, or
    ``letter:KEY`` for the address at which that letter is read in the browser.
    """

    name: str
    encoding: Encoding
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Segments that are there only when ``name`` has a value (or only when not).

    ``name`` is a slot's, or ``reflected:KEY``: the person wrote to that letter. Of several keys
    with commas between them, any is enough.
    """

    name: str
    present: bool
    segments: tuple[Segment, ...]


Segment = Literal | Slot | Section
Segments = tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Values:
    """Everything that differs between two copies of one letter; empty means absent.

    Attributes:
        name: how the person is called, any text.
        address: the recipient's address, for the To header.
        message_id: with its angle brackets.
        date: aware; written as the Date header.
        view_url: the letter in the browser.
        unsubscribe_url: where one click leaves.
        unsubscribe_mail: the mail address that one writes to in order to leave.
        page_url: the person's progress.
        reply_to: where a reply goes; empty for the sender's own address.
        action_url: what a piece of service mail asks its reader to open.
        reflections: what the person wrote, by letter key; never an empty text.
        assets_url: what ``/{hash}`` is appended to for pictures.
        letters: where earlier letters of the course are read, by key; see ``letters_linked``.
        test: a reason to mark this copy as a test letter, such as ``"Test"``.
    """

    name: str = ""
    address: str = ""
    message_id: str = ""
    date: datetime | None = None
    view_url: str = ""
    unsubscribe_url: str = ""
    unsubscribe_mail: str = ""
    page_url: str = ""
    reply_to: str = ""
    action_url: str = ""
    reflections: Mapping[str, str] = field(default_factory=dict)
    assets_url: str = "assets"
    letters: Mapping[str, str] = field(default_factory=dict)
    test: str = ""


LETTER = "letter"
"""The kind of slot, before the colon, that holds the address of another letter."""


def letters_linked(segments: Segments) -> frozenset[str]:
    """Return the keys of the letters whose addresses these segments show."""
    found: set[str] = set()
    for segment in segments:
        if isinstance(segment, Section):
            found |= letters_linked(segment.segments)
        elif isinstance(segment, Slot) and segment.name.startswith(f"{LETTER}:"):
            found.add(segment.name.partition(":")[2])
    return frozenset(found)
