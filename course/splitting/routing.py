"""Send takeaways and questions to their letters: as the author says, else by shared words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from course.article.parse import Run
from course.errors import ManifestError
from course.manifest import Manifest
from course.model import Finding, Level, Passage, Role
from course.splitting.claims import ELLIPSES
from course.splitting.entries import Entry
from course.splitting.layout import DIVIDER, Placed
from course.splitting.route import Theme, route
from course.splitting.sections import Special, Use
from course.words import folded

HEAD = "the head of a table whose rows went to their letters"


@dataclass(frozen=True, slots=True)
class Routed:
    """One entry in its letter.

    Attributes:
        letter: index among the letters, the welcome being 0.
        pieces: its runs, each with the reason why it stands here.
    """

    letter: int
    passage: Passage
    pieces: tuple[Placed, ...]


def route_special(
    use: Use, special: Special | None, themes: Sequence[Theme], manifest: Manifest | None
) -> tuple[list[Routed], list[Placed]]:
    """Route the entries of a section.

    Args:
        use: takeaways, whose misfits go to the welcome, or questions: to the finale.
        special: the section; ``None`` when the article has none.
        themes: the lessons, in order.
        manifest: the author's choices, which come first.

    Returns:
        The routed entries in the article's order, and what was left out on the way.

    Raises:
        ManifestError: the manifest names an entry that is not there.
    """
    entries = special.entries.entries if special and special.entries else ()
    takeaway = use is Use.TAKEAWAYS
    role, otherwise = (Role.TAKEAWAY, 0) if takeaway else (Role.FAQ, len(themes) + 1)
    chosen = _chosen(entries, manifest, takeaway=takeaway)
    routed: list[Routed] = []
    left_out: list[Placed] = []
    for index, found in enumerate(route(entries, themes, ordered=takeaway)):
        letter, reason = chosen.get(
            index, (otherwise if found.index is None else found.index + 1, found.reason)
        )
        pieces = list(entries[index].pieces)
        while len(pieces) > 1 and pieces[-1].kind == "hr":
            left_out.append(Placed(pieces.pop(), Role.LEFT_OUT, DIVIDER))
        routed.append(
            Routed(letter, _passage(pieces, role), tuple(Placed(p, role, reason) for p in pieces))
        )
    if special is None or special.entries is None or not routed:
        return [], []
    left_out += [Placed(head, Role.LEFT_OUT, HEAD) for head in special.entries.heads]
    first = min(entry.letter for entry in routed)
    heading = Placed(
        special.runs[0], role, "the first letter with something from under this heading"
    )
    at = next(i for i, entry in enumerate(routed) if entry.letter == first)
    routed[at] = Routed(first, routed[at].passage, (heading, *routed[at].pieces))
    return routed, left_out


def _passage(pieces: Sequence[Run], role: Role) -> Passage:
    tokens = tuple(token for piece in pieces for token in piece.tokens)
    return Passage(pieces[0].start_line, pieces[-1].end_line, role, tokens)


def _chosen(
    entries: Sequence[Entry], manifest: Manifest | None, *, takeaway: bool
) -> dict[int, tuple[int, str]]:
    """Return the letter and the reason of each entry that the manifest names."""
    chosen: dict[int, tuple[int, str]] = {}
    faults: list[Finding] = []
    for letter, choices in enumerate(manifest.letters if manifest else ()):
        for name in choices.takeaways if takeaway else choices.questions:
            start = folded(name.value)
            for dots in ELLIPSES:
                start = start.removesuffix(dots).rstrip()
            found = [i for i, e in enumerate(entries) if folded(e.question).startswith(start)]
            if found:
                chosen[found[0]] = (letter, f"course.toml names it in {choices.key}")
            elif manifest:
                faults.append(_unknown(manifest.file, name.line, name.value, takeaway=takeaway))
    if faults:
        raise ManifestError.of(tuple(faults))
    return chosen


def _unknown(file: str, line: int, name: str, *, takeaway: bool) -> Finding:
    what = "takeaway" if takeaway else "question"
    return Finding(
        f"unknown-{what}",
        Level.ERROR,
        file,
        line,
        f'no {what} starts with "{name}"',
        "write its first words as the article has them",
    )
