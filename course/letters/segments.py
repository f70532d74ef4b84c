"""Marks stand for slots while a letter is laid out; afterwards the text is cut at them.

A mark is letters and digits only, so that no template, sanitiser or wrapper changes it, and it
carries a digest of the whole course, so that no author can have written it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from course.segments import Encoding, Literal, Section, Segment, Segments, Slot

_IN_HTML = {Encoding.PLAIN: Encoding.HTML, Encoding.LINES: Encoding.LINES_HTML}


@dataclass(frozen=True, slots=True)
class _Open:
    name: str
    present: bool


class Marks:
    """Hands out marks and knows what each stands for.

    Args:
        digest: hex digest of everything the author wrote.
    """

    def __init__(self, digest: str) -> None:
        self._prefix = f"lc{digest}x"
        self._meanings: list[Slot | _Open | None] = []

    def slot(self, name: str, fallback: str = "") -> str:
        """Return a mark for the value ``name`` of ``Values``."""
        return self._mark(Slot(name, Encoding.PLAIN, fallback))

    def lines(self, name: str) -> str:
        """Return a mark for a value whose line breaks stay, in the text part also indented."""
        return self._mark(Slot(name, Encoding.LINES))

    def in_address(self, name: str, fallback: str = "") -> str:
        """Return a mark for a value that becomes a piece of an address, percent-encoded."""
        return self._mark(Slot(name, Encoding.URL, fallback))

    def address(self, name: str) -> str:
        """Return a mark that passes for an address of the web, as a sanitiser wants it."""
        return f"https://{self.slot(name)}.invalid"

    def given(self, name: str) -> str:
        """Open what is there only when ``name`` has a value."""
        return self._mark(_Open(name, present=True))

    def absent(self, name: str) -> str:
        """Open what is there only when ``name`` has no value."""
        return self._mark(_Open(name, present=False))

    def end(self) -> str:
        """Close what was opened last."""
        return self._mark(None)

    def cut(self, text: str, *, html: bool) -> Segments:
        """Return ``text`` as segments whose slots are escaped for HTML, or are not."""
        found: list[Segment] = []
        stack: list[tuple[_Open, list[Segment]]] = []
        pieces = re.split(f"(?:https://)?{self._prefix}([0-9]+)z(?:\\.invalid)?", text)
        for position, piece in enumerate(pieces):
            if position % 2 == 0:
                if piece:
                    found.append(Literal(piece.encode()))
                continue
            meaning = self._meanings[int(piece)]
            if isinstance(meaning, Slot):
                encoding = _IN_HTML.get(meaning.encoding) if html else None
                found.append(Slot(meaning.name, encoding or meaning.encoding, meaning.fallback))
            elif isinstance(meaning, _Open):
                stack.append((meaning, found))
                found = []
            else:
                opened, outer = stack.pop()
                outer.append(Section(opened.name, opened.present, tuple(found)))
                found = outer
        if stack:
            raise AssertionError(f"the section {stack[-1][0].name!r} of a template is never closed")
        return tuple(found)

    def _mark(self, meaning: Slot | _Open | None) -> str:
        self._meanings.append(meaning)
        return f"{self._prefix}{len(self._meanings) - 1}z"
