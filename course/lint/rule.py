"""What a rule is: a function that looks at a compiled course, with an id, a level and a remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from course.letters.passages import passages_of
from course.lint.shown import Shown, shown
from course.model import Course, Edition, Finding, Lesson, Level, Pictures


@dataclass(frozen=True, slots=True)
class Example:
    """Bad input of which a rule has something to say.

    Attributes:
        article: Markdown; empty where the manifest is at fault.
        manifest: the text of ``course.toml``; empty for an article that stands alone.
        times: how often the article's last paragraph stands there.
    """

    article: str = ""
    manifest: str = ""
    times: int = 1


@dataclass(frozen=True)
class Checked:
    """What the rules look at.

    Attributes:
        lines: the article's lines without their ends; empty where nobody has them.
    """

    course: Course
    edition: Edition
    pictures: Pictures
    lines: Sequence[str] = ()

    @cached_property
    def shown(self) -> Shown:
        """The links, pictures, tags and words of the article, each with its line."""
        return shown(self.course)

    def about(self, lesson: Lesson, key: str, message: str, level: Level | None = None) -> Spot:
        """Return a spot at a value of a letter: in the manifest, else where the letter begins."""
        line = self.course.manifest_lines.get(f"{lesson.key}.{key}", 0)
        if line:
            return Spot(line, message, level, in_manifest=True)
        return Spot(first_line(lesson), message, level)


@dataclass(frozen=True, slots=True)
class Spot:
    """One place at which a rule has found something.

    Attributes:
        line: 1-based, of the article or the manifest; 0 means all of it.
        level: ``None`` for the rule's own.
        remedy: empty for the rule's own.
    """

    line: int
    message: str
    level: Level | None = None
    remedy: str = ""
    in_manifest: bool = False


Look = Callable[[Checked], Iterable[Spot]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that would embarrass an author.

    Attributes:
        id: lower case with hyphens; what ``--ignore`` takes.
        level: what a finding has where nothing else is said; ``also`` are levels it may have.
        summary: what is wrong, in one line.
        why: what comes of it, and where that is known from.
        remedy: what to do about it.
        example: input that yields a finding of this rule.
        look: finds it; ``None`` where it is found on the way, in the manifest or by splitting.
    """

    id: str
    level: Level
    summary: str
    why: str
    remedy: str
    example: Example
    look: Look | None = None
    also: tuple[Level, ...] = ()

    def findings(self, checked: Checked) -> Iterator[Finding]:
        """Yield what this rule finds in a course."""
        for spot in self.look(checked) if self.look else ():
            course = checked.course
            yield Finding(
                self.id,
                spot.level or self.level,
                course.manifest_file if spot.in_manifest else course.article_file,
                spot.line,
                spot.message,
                spot.remedy or self.remedy,
            )


def rule(
    id: str,  # noqa: A002 - what it is called everywhere else
    level: Level,
    summary: str,
    *,
    why: str,
    remedy: str,
    example: Example,
    also: tuple[Level, ...] = (),
) -> Callable[[Look], Rule]:
    """Return a decorator that makes a rule of the function that finds it."""

    def made(look: Look) -> Rule:
        return Rule(id, level, summary, why, remedy, example, look, also)

    return made


def first_line(lesson: Lesson) -> int:
    """Return the article's line at which a letter begins; 0 for one that shows nothing of it."""
    if lesson.heading:
        return lesson.heading.start_line
    return next((passage.start_line for passage in (*lesson.passages, *passages_of(lesson))), 0)
