"""One letter for many people at once: what is the same for all once, a tag where they differ.

For services that take one text and, for each person, what to put in place of which tag.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from course.fill import fill
from course.model import Letter
from course.segments import Literal, Section, Segment, Segments, Values


@dataclass(frozen=True, slots=True)
class Shared:
    """A letter's two parts with tags, and what stands for them.

    Attributes:
        substitutions: for each person, in their order, tag to text; a tag is a dash, letters and
            digits, a dash, and stands in nobody's letter otherwise.
    """

    html: str
    text: str
    substitutions: tuple[dict[str, str], ...]


def share(letter: Letter, people: Sequence[Values]) -> Shared:
    """Return what people get in common, and apart.

    Each tag replaced once, by its text as it is, gives exactly what ``fill_html`` and
    ``fill_text`` give. What happens to be the same for all of these people gets no tag.
    """
    cut = _Cut(people)
    html, text = cut.pieces(letter.html), cut.pieces(letter.text)
    # Made from all that anybody gets, so that no author and no name can contain it.
    digest = sha256(repr((html, text, cut.values)).encode()).hexdigest()[:32]
    tags = {number: f"-lc{digest}n{number}-" for number in range(len(cut.values))}

    def joined(pieces: list[str | int]) -> str:
        return "".join(piece if isinstance(piece, str) else tags[piece] for piece in pieces)

    return Shared(
        html=joined(html),
        text=joined(text),
        substitutions=tuple(
            {tags[number]: values[person] for number, values in enumerate(cut.values)}
            for person in range(len(people))
        ),
    )


@dataclass(slots=True)
class _Cut:
    """Divides segments into text for everybody, and numbers of ``values``, one text a person."""

    people: Sequence[Values]
    values: list[tuple[str, ...]] = field(default_factory=list)
    numbers: dict[tuple[str, ...], int] = field(default_factory=dict)

    def pieces(self, segments: Segments) -> list[str | int]:
        found: list[str | int] = []
        for segment in segments:
            found.extend(self._piece(segment))
        return found

    def _piece(self, segment: Segment) -> list[str | int]:
        if isinstance(segment, Literal):
            return [segment.content.decode()]
        filled = self._filled((segment,))
        if len(set(filled)) == 1:
            return [filled[0]]
        if isinstance(segment, Section) and filled == self._filled(segment.segments):
            return self.pieces(segment.segments)
        if filled not in self.numbers:
            self.numbers[filled] = len(self.values)
            self.values.append(filled)
        return [self.numbers[filled]]

    def _filled(self, segments: Segments) -> tuple[str, ...]:
        return tuple(fill(segments, values).decode() for values in self.people)
