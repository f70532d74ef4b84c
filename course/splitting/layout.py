"""Decide for every run of an article which letter it goes into, and why."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from course.article.parse import Article, Run
from course.errors import ManifestError
from course.manifest import LetterChoices, Manifest
from course.model import Finding, Level, Role
from course.splitting.claims import Claim, owners, read_claims
from course.splitting.cut import cut_lessons
from course.splitting.seams import heading_cuts
from course.splitting.sections import Special, Use, specials, title_run

BEFORE = "it stands before the first lesson"
DIVIDER = "a dividing line at a letter's edge: the letters divide the text"

CONTENTS = "a table of contents: the welcome has the course's own"


@dataclass(frozen=True, slots=True)
class Placed:
    """A run in its letter.

    Attributes:
        reason: why it stands there, for the author.
    """

    run: Run
    role: Role
    reason: str


@dataclass(slots=True)
class Layout:
    """What each letter is made of, before anything is routed.

    Attributes:
        title: the heading that titles the document, shown by the welcome.
        welcome, lessons, finale: runs in the article's order.
        left_out: runs that go into no letter.
        takeaways, questions: sections whose entries are to be routed.
        why: why the article is split in this way.
        reasons: why each lesson is what it is, in order.
    """

    title: Run | None = None
    welcome: list[Placed] = field(default_factory=list)
    lessons: list[list[Placed]] = field(default_factory=list)
    finale: list[Placed] = field(default_factory=list)
    left_out: list[Placed] = field(default_factory=list)
    takeaways: Special | None = None
    questions: Special | None = None
    findings: list[Finding] = field(default_factory=list)
    why: str = ""
    reasons: list[str] = field(default_factory=list)


def lay_out(article: Article, manifest: Manifest | None) -> Layout:
    """Place every run that shows something, footnotes aside.

    Raises:
        ManifestError: the manifest names a section that is not there.
    """
    layout = Layout()
    shown = [run for run in article.runs if not run.unseen and not run.footnote]
    claims = read_claims(manifest, shown) if manifest else {}
    layout.title = title_run(shown)
    owned = owners(claims, shown, layout.title)
    if layout.title and layout.title.start_line in owned:
        layout.title = None
    fixed = {line for line, claim in owned.items() if claim.letter is None} | set(claims)
    found = specials(article, shown, layout.title, owned, fixed)
    for special in found:
        for run in special.runs:
            owned.pop(run.start_line, None)
    free = _free(shown, layout, owned, found)
    if not _has_text(free) and not (manifest and manifest.lessons):
        owned = owners(claims, shown, layout.title)
        found, free = _without_specials(shown, layout, owned)
        if manifest and not _has_text(free):
            raise ManifestError(
                "nothing is left for a lesson",
                where=manifest.file,
                remedy="name fewer sections in leave_out, welcome and finale",
            )
    _place_specials(layout, found)
    if manifest and manifest.lessons:
        layout.lessons = [[] for _ in manifest.lessons]
        layout.why = "course.toml names the sections of each lesson"
        layout.reasons = [_named(lesson) for lesson in manifest.lessons]
        _place_unnamed(layout, article, manifest, shown, free, owned)
    else:
        _by_itself(layout, free, manifest)
    if manifest:
        _place_claimed(layout, manifest, shown, owned)
    for letter in (layout.welcome, *layout.lessons, layout.finale):
        letter.sort(key=lambda placed: placed.run.start_line)
        layout.left_out += _trim(letter)
    return layout


def _free(
    shown: Sequence[Run], layout: Layout, owned: Mapping[int, Claim], found: Sequence[Special]
) -> list[Run]:
    """Return the runs that no special section and no claim has, the title aside."""
    used = {run.start_line for special in found for run in special.runs}
    return [
        run
        for run in shown
        if run is not layout.title and run.start_line not in used and run.start_line not in owned
    ]


def _without_specials(
    shown: Sequence[Run], layout: Layout, owned: Mapping[int, Claim]
) -> tuple[list[Special], list[Run]]:
    """Treat every section as ordinary, and at last the title too: there must be a lesson."""
    free = _free(shown, layout, owned, ())
    if not _has_text(free):
        layout.title = None
        free = _free(shown, layout, owned, ())
    return [], free


def _has_text(runs: Sequence[Run]) -> bool:
    return any(run.kind != "hr" for run in runs)


def _place_specials(layout: Layout, found: Sequence[Special]) -> None:
    for special in found:
        title = special.runs[0].title
        under = f'it stands under "{title}"'
        if special.use is Use.INTRODUCTION:
            layout.welcome += [Placed(run, Role.INTRO, under) for run in special.runs]
        elif special.use is Use.CONTENTS:
            layout.left_out += [Placed(run, Role.LEFT_OUT, CONTENTS) for run in special.runs]
        elif special.use is Use.ENDING:
            reason = f'the article ends with "{title}"'
            layout.finale += [Placed(run, Role.CONCLUSION, reason) for run in special.runs]
        elif special.use is Use.TAKEAWAYS and special.entries:
            layout.takeaways = special
            layout.welcome += [Placed(run, Role.INTRO, under) for run in special.entries.others]
        elif special.entries:
            layout.questions = special
            layout.finale += [Placed(run, Role.FAQ, under) for run in special.entries.others]
        else:
            layout.finale += [Placed(run, Role.FAQ, under) for run in special.runs]


def _by_itself(layout: Layout, free: Sequence[Run], manifest: Manifest | None) -> None:
    cut = cut_lessons(free, manifest.split if manifest else None)
    if manifest and not cut.lessons:
        level = manifest.split.level
        raise ManifestError(
            f"no heading of level 1 to {level} starts a lesson",
            where=f"{manifest.file}:{manifest.split.line}",
            remedy=_levels(free),
        )
    layout.welcome += [Placed(run, Role.INTRO, BEFORE) for run in cut.intro]
    layout.lessons = [
        [Placed(run, Role.BODY, part.why) for run in part.runs] for part in cut.lessons
    ]
    layout.why = cut.why
    layout.reasons = [part.why for part in cut.lessons]


def _levels(free: Sequence[Run]) -> str:
    counts = {level: len(heading_cuts(free, level)) for level in range(1, 7)}
    useful = [f"level = {level} gives {count}" for level, count in counts.items() if count]
    return useful[0] if useful else 'there are no headings: choose by = "minutes"'


def _named(lesson: LetterChoices) -> str:
    return f"course.toml names {_listed([name.value for name in lesson.sections])}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _place_claimed(
    layout: Layout, manifest: Manifest, shown: Sequence[Run], owned: Mapping[int, Claim]
) -> None:
    last = len(manifest.letters) - 1
    for run in shown:
        claim = owned.get(run.start_line)
        if claim is None:
            continue
        reason = f'course.toml names "{claim.name.value}" here'
        if claim.letter is None:
            reason = f'course.toml leaves "{claim.name.value}" out'
            layout.left_out.append(Placed(run, Role.LEFT_OUT, reason))
        elif claim.letter == 0:
            layout.welcome.append(Placed(run, Role.INTRO, reason))
        elif claim.letter == last:
            layout.finale.append(Placed(run, Role.CONCLUSION, reason))
        else:
            layout.lessons[claim.letter - 1].append(Placed(run, Role.BODY, reason))


def _place_unnamed(
    layout: Layout,
    article: Article,
    manifest: Manifest,
    shown: Sequence[Run],
    free: Sequence[Run],
    owned: Mapping[int, Claim],
) -> None:
    """Place what the manifest does not name with the section before it, or in the welcome."""
    names = [letter.key for letter in manifest.letters]
    lines = {run.start_line for run in free}
    for before, stretch, after in _stretches(shown, lines, owned):
        text_end = max((i for i, run in enumerate(stretch, start=1) if not run.level), default=0)
        end = text_end if after is not None else len(stretch)
        for letter, runs in ((before, stretch[:end]), (after or 0, stretch[end:])):
            reason = f"course.toml does not name it; it goes with {names[letter]}"
            for run in runs:
                if letter == 0:
                    placed = Placed(run, Role.INTRO, BEFORE)
                    layout.welcome.append(placed)
                elif letter == len(names) - 1:
                    layout.finale.append(Placed(run, Role.CONCLUSION, reason))
                else:
                    layout.lessons[letter - 1].append(Placed(run, Role.BODY, reason))
        layout.findings += _unplaced(article, names[before], stretch[:end])


def _stretches(
    shown: Sequence[Run], free: Container[int], owned: Mapping[int, Claim]
) -> Iterator[tuple[int, list[Run], int | None]]:
    """Find runs in a row that nobody placed.

    Returns:
        Triples of the letter named last before them (0, the welcome, before all), the runs, and
        the letter of the run right after them, if it has one.
    """
    before = 0
    stretch: list[Run] = []
    for run in shown:
        if run.start_line in free:
            stretch.append(run)
            continue
        claim = owned.get(run.start_line)
        letter = claim.letter if claim else None
        if stretch:
            yield before, stretch, letter
            stretch = []
        before = before if letter is None else letter
    if stretch:
        yield before, stretch, None


def _unplaced(article: Article, key: str, stretch: Sequence[Run]) -> Iterator[Finding]:
    """Warn of each section, but not of those inside it."""
    above = 7
    for run in stretch:
        if 0 < run.level <= above:
            above = run.level
            yield Finding(
                "unplaced-section",
                Level.WARNING,
                article.file,
                run.start_line,
                f'the section "{run.title}" is named in no letter; it goes with {key}',
                "name it in the sections of a lesson, or in leave_out",
            )


def _trim(letter: list[Placed]) -> list[Placed]:
    """Take dividing lines from a letter's edges."""
    lines: list[Placed] = []
    for edge in (0, -1):
        while letter and letter[edge].run.kind == "hr":
            lines.append(Placed(letter.pop(edge).run, Role.LEFT_OUT, DIVIDER))
    return lines
