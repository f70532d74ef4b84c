"""Split an article into the letters of a course: welcome, lessons, finale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markdown_it.token import Token

from course.article.footnotes import reachable
from course.article.parse import Article, Run
from course.errors import one_line
from course.manifest import FINALE, WELCOME, LetterChoices, Manifest
from course.model import Block, Course, Finding, Kind, Lesson, Level, Passage, Role, Schedule
from course.splitting.anchors import anchors
from course.splitting.headings import WORDS, Purpose, purpose
from course.splitting.identity import Identity, identify, language_of
from course.splitting.layout import Layout, Placed, lay_out
from course.splitting.phrases import phrases
from course.splitting.pointing import pointing
from course.splitting.proposing import (
    LONGEST_PREHEADER,
    SHOWN_SUBJECT,
    preheader_of,
    prompt_of,
    subject_of,
)
from course.splitting.route import Theme
from course.splitting.routing import Routed, route_special
from course.splitting.sections import Special, Use
from course.splitting.slugs import slugify, unique
from course.words import first_sentence, shorten

LONGEST_SUBJECT = 78
"""What mail programs show at most."""
LONGEST_KEY = 40
LONGEST_HEADLINE = 60
"""For a title that is taken from a sentence."""
UNSHOWN_FOOTNOTE = "only text that is left out refers to this footnote"


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter before it has a subject.

    Attributes:
        title: its heading; empty where the course's title stands in.
        heading: the run that ``title`` was taken from.
        placed: its runs in the article's order, ``heading`` among them.
    """

    key: str
    kind: Kind
    title: str
    heading: Run | None
    placed: tuple[Placed, ...]

    @property
    def passages(self) -> tuple[Passage, ...]:
        """Everything but the heading."""
        return tuple(
            one.run.passage(one.role) for one in self.placed if one.run is not self.heading
        )


def split(article: Article, manifest: Manifest | None) -> tuple[Course, tuple[Finding, ...]]:
    """Split ``article`` as ``manifest`` says, or without one by its headings and reading time.

    Returns:
        The course, and what its author should know about how it was split.

    Raises:
        ManifestError: the manifest names something that the article does not have.
    """
    layout = lay_out(article, manifest)
    drafts = _drafts(layout, manifest, language_of(article, manifest))
    themes = [_theme(draft) for draft in drafts[1:-1]]
    takeaways, dropped = route_special(Use.TAKEAWAYS, layout.takeaways, themes, manifest)
    questions, more = route_special(Use.QUESTIONS, layout.questions, themes, manifest)
    left_out = [*layout.left_out, *dropped, *more]
    identity = identify(article, manifest, drafts[0].title, drafts[1].title)
    subjects = _subjects(drafts, identity)
    lessons = tuple(
        _lesson(
            draft,
            number,
            subjects[number],
            identity,
            article,
            manifest.letters[number] if manifest and manifest.lessons else _edge(manifest, draft),
            tuple(entry.passage for entry in takeaways if entry.letter == number),
            tuple(entry.passage for entry in questions if entry.letter == number),
        )
        for number, draft in enumerate(drafts)
    )
    notes, findings = _footnote_blocks(article, lessons)
    blocks = [
        *(_block(one, draft.key) for draft in drafts for one in draft.placed),
        *(_block(one, lessons[e.letter].key) for e in (*takeaways, *questions) for one in e.pieces),
        *(_block(one, None) for one in left_out),
        *(
            Block(run.start_line, run.end_line, None, Role.LEFT_OUT, run.unseen)
            for run in article.runs
            if run.unseen and not run.footnote
        ),
        *notes,
    ]
    blocks.sort(key=lambda block: block.start_line)
    course = Course(
        slug=identity.slug,
        title=identity.title,
        language=identity.language,
        site=identity.site,
        lessons=lessons,
        blocks=tuple(blocks),
        footnotes=article.footnotes,
        takeaways_title=_group_title(layout.takeaways, takeaways),
        questions_title=_group_title(layout.questions, questions),
        sender=manifest.sender if manifest else None,
        schedule=manifest.schedule if manifest else Schedule(),
        article_file=article.file,
        manifest_file=manifest.file if manifest else "",
        manifest_lines=_manifest_lines(manifest),
        manifest_texts=manifest.texts if manifest else (),
        ignored=manifest.ignored if manifest else {},
        front_matter=article.front_matter,
        body_line=article.body_line,
        anchors=anchors(article.runs, blocks),
        splitting=layout.why,
        reasons=_reasons(drafts, layout),
    )
    return course, (*layout.findings, *findings, *pointing(course))


def _reasons(drafts: Sequence[Draft], layout: Layout) -> dict[str, str]:
    keys = [draft.key for draft in drafts]
    return {
        WELCOME: "it opens every course",
        **dict(zip(keys[1:-1], layout.reasons, strict=True)),
        FINALE: "it closes every course",
    }


def _manifest_lines(manifest: Manifest | None) -> dict[str, int]:
    if manifest is None:
        return {}
    subjects = {f"{letter.key}.subject": letter.subject_line for letter in manifest.letters}
    return {**manifest.lines, "sender": manifest.sender_line, **subjects}


def _drafts(layout: Layout, manifest: Manifest | None, language: str) -> list[Draft]:
    title = layout.title
    opening = [Placed(title, Role.INTRO, "it is the title of the whole")] if title else []
    welcome = (*opening, *layout.welcome)
    drafts = [Draft(WELCOME, Kind.WELCOME, title.title if title else "", title, welcome)]
    taken = {WELCOME, FINALE}
    section, part = "", 1
    for number, placed in enumerate(layout.lessons, start=1):
        choices = manifest.lessons[number - 1] if manifest and manifest.lessons else None
        first = placed[0].run
        if first.level:
            section, part = first.title, 1
        elif section:
            part += 1
        natural = first.title or (f"{section} ({part})" if section else _headline(placed))
        name = (choices and choices.title) or natural or f"{number}"
        heading = first if first.level and first.title == name else None
        key = choices.key if choices else unique(_key(name, language) or f"lesson-{number}", taken)
        taken.add(key)
        drafts.append(Draft(key, Kind.LESSON, name, heading, tuple(placed)))
    ends = [one.run for one in layout.finale if one.role is Role.CONCLUSION]
    heading = ends[0] if ends and ends[0].level and _concludes(ends[0]) else None
    drafts.append(
        Draft(FINALE, Kind.FINALE, heading.title if heading else "", heading, tuple(layout.finale))
    )
    return drafts


def _key(title: str, language: str) -> str:
    words = slugify(subject_of(title), language).split("-")
    while len("-".join(words)) > LONGEST_KEY:
        words.pop()
    return "-".join(words)


def _concludes(heading: Run) -> bool:
    """Tell whether a heading may stand over the whole finale."""
    return purpose(heading.title) not in (Purpose.AFTERWORD, Purpose.TAKEAWAYS)


def _headline(placed: Iterable[Placed]) -> str:
    words = (one.run.words for one in placed)
    sentence = first_sentence(next(filter(None, words), ""))
    return shorten(sentence, LONGEST_HEADLINE).rstrip(" .。")


def _theme(draft: Draft) -> Theme:
    runs = [one.run for one in draft.placed]
    headings = " ".join(run.title for run in runs if run.level and run is not draft.heading)
    body = " ".join(run.words for run in runs if not run.level)
    chosen = "" if slugify(draft.title).startswith(draft.key) else draft.key.replace("-", " ")
    return Theme(draft.title, f"{chosen} {headings}", body)


def _edge(manifest: Manifest | None, draft: Draft) -> LetterChoices | None:
    """Return the choices for welcome or finale of a manifest that names no lessons."""
    if manifest is None:
        return None
    return {Kind.WELCOME: manifest.welcome, Kind.FINALE: manifest.finale}.get(draft.kind)


def _subjects(drafts: Sequence[Draft], identity: Identity) -> list[str]:
    """Return a subject for each letter: its title, told apart by a number where two are alike."""
    found: list[str] = []
    for draft in drafts:
        title = one_line(draft.title or identity.title) or draft.title or identity.title
        if draft.kind is Kind.FINALE and (not draft.title or _says_nothing(draft.title)):
            title = _looking_back(draft, identity)
        found.append(unique(subject_of(title), found, " ({})"))
    return found


def _looking_back(draft: Draft, identity: Identity) -> str:
    """Return the finale's subject: by the course's title, where that can be said in full."""
    said, course = phrases(identity.language).finale, one_line(identity.title)
    room = SHOWN_SUBJECT - len(said.format(title=""))
    title = subject_of(course, room)
    return draft.title if draft.title and title.endswith("…") else said.format(title=title)


def _says_nothing(title: str) -> bool:
    """Tell whether a heading is no more than "Conclusion", which is a poor subject."""
    words = title.casefold().strip(" .!")
    return any(words in WORDS[found] for found in (Purpose.CONCLUSION, Purpose.SUMMARY))


def _lesson(
    draft: Draft,
    number: int,
    subject: str,
    identity: Identity,
    article: Article,
    choices: LetterChoices | None,
    takeaways: tuple[Passage, ...],
    questions: tuple[Passage, ...],
) -> Lesson:
    title = draft.title or identity.title
    said = phrases(identity.language)
    subject = choices.subject if choices and choices.subject_line else subject
    prompt = (
        prompt_of(draft.passages, subject_of(title), number, said)
        if draft.kind is Kind.LESSON
        else ""
    )
    preheader = preheader_of(draft.passages, subject, identity.language)
    if draft.kind is Kind.WELCOME and article.excerpt:
        preheader = shorten(first_sentence(article.excerpt), LONGEST_PREHEADER)
    return Lesson(
        key=draft.key,
        kind=draft.kind,
        number=number,
        title=one_line(title) or title,
        heading=draft.heading.passage(_role(draft)) if draft.heading else None,
        subject=subject,
        preheader=(choices and choices.preheader) or preheader,
        prompt=(choices and choices.prompt) or prompt,
        passages=draft.passages,
        takeaways=takeaways,
        questions=questions,
        renamed_from=choices.renamed_from if choices else (),
        wait_days=choices.wait_days if choices else None,
        nudge_days=choices.nudge_days if choices else None,
    )


def _role(draft: Draft) -> Role:
    return next(one.role for one in draft.placed if one.run is draft.heading)


def _group_title(special: Special | None, routed: Sequence[Routed]) -> str:
    return special.runs[0].words if special and routed else ""


def _footnote_blocks(
    article: Article, lessons: Sequence[Lesson]
) -> tuple[list[Block], list[Finding]]:
    """Place each footnote with the first letter that shows it; report those that none shows."""
    definitions = {label: note.tokens for label, note in article.footnotes.items()}
    shown: dict[str, str] = {}
    for lesson in lessons:
        for label in reachable(_tokens(lesson), definitions):
            shown.setdefault(label, lesson.key)
    blocks: list[Block] = []
    findings: list[Finding] = []
    for run in article.runs:
        if not run.footnote:
            continue
        key = None if run.unseen else shown.get(run.footnote)
        if key:
            reason = f"footnote {run.footnote}: {key} is the first letter that refers to it"
            blocks.append(Block(run.start_line, run.end_line, key, Role.BODY, reason))
        else:
            reason = run.unseen or UNSHOWN_FOOTNOTE
            blocks.append(Block(run.start_line, run.end_line, None, Role.LEFT_OUT, reason))
            findings.append(_unreferenced(article.file, run, reason))
    return blocks, findings


def _tokens(lesson: Lesson) -> Iterable[Token]:
    heading = (lesson.heading,) if lesson.heading else ()
    for passage in (*heading, *lesson.passages, *lesson.takeaways, *lesson.questions):
        yield from passage.tokens


def _unreferenced(file: str, run: Run, reason: str) -> Finding:
    return Finding(
        "unreferenced-footnote",
        Level.WARNING,
        file,
        run.start_line,
        f"footnote {run.footnote} is left out: {reason}",
        f"refer to it by [^{run.footnote}], or delete it",
    )


def _block(placed: Placed, letter: str | None) -> Block:
    role = placed.role if letter else Role.LEFT_OUT
    return Block(placed.run.start_line, placed.run.end_line, letter, role, placed.reason)
