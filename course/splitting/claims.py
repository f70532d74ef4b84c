"""Which sections the author has named in ``course.toml``, and where they are to go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from course.article.parse import Run
from course.errors import ManifestError
from course.manifest import Manifest
from course.model import Finding, Level
from course.toml import Text
from course.words import folded

ELLIPSES = ("…", "...")
_SOURCE = re.compile(r"""<[^<>]*?\ssrc\s*=\s*["']?([^\s"'<>]+)""", re.IGNORECASE)
_NUMBERED = re.compile(r"(.*) #([1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Claim:
    """A section that the manifest names.

    Attributes:
        run: its heading, or the paragraph that it starts with.
        letter: index into ``Manifest.letters``; ``None`` when it is left out.
        name: the words and the manifest's line that name it.
    """

    run: Run
    letter: int | None
    name: Text


def read_claims(manifest: Manifest, runs: Sequence[Run]) -> dict[int, Claim]:
    """Find every section that the manifest names.

    Returns:
        Claims by the first line of the run they start with.

    Raises:
        ManifestError: with every section that is not there or named twice.
    """
    claims: dict[int, Claim] = {}
    faults: list[Finding] = []
    for letter, name in _names(manifest):
        run = find_section(name.value, runs)
        if run is None:
            message = f'no section is titled "{name.value}"'
            faults.append(
                _fault(manifest.file, "unknown-section", name, message, _nearest(name, runs))
            )
        elif run.start_line in claims:
            message = f'"{name.value}" is named twice'
            remedy = f"keep it here or in line {claims[run.start_line].name.line}"
            faults.append(_fault(manifest.file, "duplicate-section", name, message, remedy))
        else:
            claims[run.start_line] = Claim(run, letter, name)
    if faults:
        raise ManifestError.of(tuple(faults))
    return claims


def find_section(name: str, runs: Sequence[Run]) -> Run | None:
    """Return the run at which the section called ``name`` starts.

    A name is a heading's words, a paragraph's first words with an ellipsis, or the address of a
    picture without words; case and white space do not matter. Of several the first is meant, or
    with `` #2`` at the end the second, and so on.
    """
    found = list(called(folded(name), runs))
    numbered = _NUMBERED.fullmatch(name)
    if found or not numbered:
        return found[0] if found else None
    found = list(called(folded(numbered[1]), runs))
    return found[int(numbered[2]) - 1] if len(found) >= int(numbered[2]) else None


def called(name: str, runs: Sequence[Run]) -> Iterator[Run]:
    """Find every run that ``name``, which is folded and has no number, may mean."""
    titled = [run for run in runs if run.level and folded(run.title) == name]
    yield from titled
    yield from (r for r in runs if not r.words and folded(picture_of(r)) == name)
    start = next((name.removesuffix(dots).rstrip() for dots in ELLIPSES if name.endswith(dots)), "")
    if start and not titled:
        yield from (r for r in runs if not r.level and folded(r.words).startswith(start))


def picture_of(run: Run) -> str:
    """Return the address of the first picture a run shows; it names a run without words."""
    for token in run.tokens:
        for shown in (token, *(token.children or ())):
            if shown.type == "image":
                return str(shown.attrGet("src") or "")
            found = _SOURCE.search(shown.content) if shown.type.startswith("html") else None
            if found:
                return found[1]
    return ""


def _names(manifest: Manifest) -> Iterator[tuple[int | None, Text]]:
    for index, letter in enumerate(manifest.letters):
        yield from ((index, name) for name in letter.sections)
    yield from ((None, name) for name in manifest.course.leave_out)


def _nearest(name: Text, runs: Sequence[Run]) -> str:
    titles = {folded(run.title): run.title for run in runs if run.level}
    near = get_close_matches(folded(name.value), titles, n=1, cutoff=0.0)
    if not near:
        return "the article has no headings: name a paragraph's first words, ended by …"
    return f'the nearest title is "{titles[near[0]]}"'


def _fault(file: str, rule: str, name: Text, message: str, remedy: str) -> Finding:
    return Finding(rule, Level.ERROR, file, name.line, message, remedy)


Around = tuple[tuple[float, Claim | None], ...]
"""The sections that a run stands in, outermost first: level, and the claim that names it."""


def owners(claims: Mapping[int, Claim], runs: Sequence[Run], title: Run | None) -> dict[int, Claim]:
    """Return for each run in a named section the claim that owns it, by the run's first line."""
    owned: dict[int, Claim] = {}
    around: Around = ()
    for run in runs:
        around = enter(around, run, claims.get(run.start_line), title)
        owner = innermost(around)
        if owner:
            owned[run.start_line] = owner
    return owned


def enter(around: Around, run: Run, claim: Claim | None, title: Run | None) -> Around:
    """Return the sections around ``run``, given those around the run before it.

    A claim that starts with a paragraph goes on to the end of the section it stands in, or to the
    next claim; before all headings, to the first of them.
    """
    if run is title and not claim:
        return ()
    if run.level:
        return (*(entry for entry in around if 1 <= entry[0] < run.level), (run.level, claim))
    if claim:
        inside = int(around[-1][0]) if around else 0
        return (*(entry for entry in around if entry[0] <= inside), (inside + 0.5, claim))
    return around


def innermost(around: Around) -> Claim | None:
    """Return the claim that owns a run: the innermost named section's."""
    return next((claim for _, claim in reversed(around) if claim), None)
