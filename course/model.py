"""The values that flow through ``course``: article, lessons, letters, edition.

Lines are those of the article's file: 1-based, inclusive, front matter counted, ended by LF, CRLF
or CR. Nothing in here reads, writes or renders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum

from markdown_it.token import Token

from course.segments import Segments


class Kind(StrEnum):
    """What a letter is in its course; a course has one welcome and one finale."""

    WELCOME = "welcome"
    LESSON = "lesson"
    FINALE = "finale"


class Role(StrEnum):
    """Why a run of lines stands in its letter."""

    INTRO = "intro"
    TAKEAWAY = "takeaway"
    BODY = "body"
    FAQ = "faq"
    CONCLUSION = "conclusion"
    LEFT_OUT = "left_out"


class Level(StrEnum):
    """How much a finding matters: an error stops publishing, never building."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the course that its author should know.

    Attributes:
        rule: the rule's id, lower case with hyphens.
        file: the article's or manifest's path as the author named it.
        line: 1-based line in ``file``; 0 when the whole file is meant.
    """

    rule: str
    level: Level
    file: str
    line: int
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Block:
    """Where a run of the article's lines went; all blocks together are the article's body.

    Attributes:
        letter: the key of the one letter that holds it; ``None`` only with ``Role.LEFT_OUT``.
        reason: why it stands there, in a sentence for the author.
    """

    start_line: int
    end_line: int
    letter: str | None
    role: Role
    reason: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of whole lines with the Markdown tokens parsed from them.

    Token maps count lines of the *body*, as markdown-it gives them; ``start_line`` and
    ``end_line`` count lines of the file.
    """

    start_line: int
    end_line: int
    role: Role
    tokens: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one letter will say, still as Markdown tokens.

    Attributes:
        number: 0 for the welcome, 1 to n for the lessons, n + 1 for the finale.
        title: the letter's heading as plain text; never empty.
        heading: the article's own heading that ``title`` was taken from, shown in its place;
            ``None`` when the title comes from elsewhere.
        prompt: the reflection question; empty when there is none.
        passages: the letter's text in the article's order, ``heading`` not among it.
        takeaways: list items routed here, each one passage whose tokens are the item's content.
        questions: FAQ entries routed here, each one passage that starts with its question.
        renamed_from: keys under which this lesson was published before.
        wait_days: for how long the next letter waits for a reflection on this one; ``None``: not.
        nudge_days: after how long a reminder comes; less than ``wait_days``.
    """

    key: str
    kind: Kind
    number: int
    title: str
    heading: Passage | None
    subject: str
    preheader: str
    prompt: str
    passages: tuple[Passage, ...]
    takeaways: tuple[Passage, ...] = ()
    questions: tuple[Passage, ...] = ()
    renamed_from: tuple[str, ...] = ()
    wait_days: int | None = None
    nudge_days: int | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the letters come from; the postal address is required by law in most countries."""

    name: str
    email: str
    postal_address: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """When letters may be sent, in each subscriber's own zone.

    Attributes:
        send_at: local time of day.
        days: allowed weekdays, Monday is 0; never empty.
        minimum_gap: least time between two letters to one person.
        timezone: IANA zone of subscribers whose own is unknown.
    """

    send_at: time = time(8)
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    minimum_gap: timedelta = timedelta(hours=12)
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Brand:
    """What an author changes in the looks of the letters.

    Attributes:
        accent: links, buttons and the rail; ``#rrggbb`` like the other colours.
        background: around the letter, which itself is white.
        text: what is written.
        logo: a picture beside the article, as its Markdown would name it; empty for none.
        logo_alt: what stands where pictures are off.
        font: names of fonts in order, or one name of a stack; empty for the usual one.
    """

    accent: str = "#0f5e57"
    background: str = "#f3efe7"
    text: str = "#22262d"
    logo: str = ""
    logo_alt: str = ""
    font: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Course:
    """An article split into the letters it will become.

    Attributes:
        slug: the course's name in commands, addresses and List-Id; ``[a-z0-9-]+``.
        language: BCP 47 tag of the article.
        site: the address that root-relative links and pictures of the article belong to.
        lessons: welcome, lessons, finale, in order.
        blocks: every line of the body, in order, exactly once.
        footnotes: definitions by label, for the letters that refer to them.
        takeaways_title: the article's own heading over its takeaways; empty without any.
        questions_title: the article's own heading over its FAQ; empty without any.
        sender: ``None`` without a manifest.
        article_file: the article's path as the author named it, for findings.
        manifest_file: the manifest's path likewise; empty without a manifest.
        manifest_lines: where ``sender``, ``sender.email``, each ``KEY.subject`` and so on stand in
            it; 0 or absent where they do not.
        manifest_texts: every text in it with its line, in order.
        ignored: the ids of rules of which its author wants no findings, with their lines.
        front_matter: everything that stood in the front matter.
        body_line: the file's line on which the body starts: what token maps are counted from.
        anchors: the key of the letter that holds each target of an in-document link, by
            ``anchor_name`` of the link's fragment.
        splitting: why the article is split in this way, in a sentence for its author.
        reasons: by letter key, why that letter is what it is.
        brand: the looks of the letters.
    """

    slug: str
    title: str
    language: str
    site: str
    lessons: tuple[Lesson, ...]
    blocks: tuple[Block, ...]
    footnotes: Mapping[str, Passage]
    takeaways_title: str
    questions_title: str
    sender: Sender | None
    schedule: Schedule
    article_file: str
    manifest_file: str
    manifest_lines: Mapping[str, int] = field(default_factory=dict)
    front_matter: Mapping[str, object] = field(default_factory=dict)
    body_line: int = 1
    anchors: Mapping[str, str] = field(default_factory=dict)
    splitting: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    brand: Brand = Brand()
    manifest_texts: tuple[tuple[int, str], ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Letter:
    """One compiled email: bytes with open slots, four times.

    Attributes:
        subject: the subject line without any slot, for people and answers.
        minutes: reading time, at least 1.
        source_digest: hash of the words it was made from, whatever its key.
        subject_line: segments of the subject as text.
        html, text: segments of the two parts, unencoded (UTF-8).
        mime: segments of the whole message, headers included, CRLF line ends, ASCII.
    """

    key: str
    kind: Kind
    number: int
    title: str
    subject: str
    minutes: int
    source_digest: str
    subject_line: Segments
    html: Segments
    text: Segments
    mime: Segments


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that letters show, named by its content.

    Attributes:
        digest: SHA-256 in hex.
        name: ``digest`` with the file's extension; the last part of its address.
        width, height: in pixels; 0 where nobody measured it.
    """

    digest: str
    name: str
    media_type: str
    content: bytes
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class MissingPicture:
    """A picture that the article shows and that cannot be put into a letter.

    Attributes:
        source: its address as written in the Markdown.
        line: the line of the article that shows it.
        reason: why it cannot be had, in one clause.
    """

    source: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """The article's pictures, by their address as written in the Markdown."""

    found: Mapping[str, Asset]
    missing: tuple[MissingPicture, ...]


NUDGE = "~nudge"
"""What a reminder's key has behind the key of its lesson; no lesson's own key holds a tilde."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long a course waits for a reflection on one lesson.

    Attributes:
        days: after so many the next letter comes without one.
        nudge_days: after so many the reminder comes; ``None``: never.
        nudge: that reminder, a letter beside the course's own; its key ends with ``NUDGE``.
    """

    days: int
    nudge_days: int | None = None
    nudge: Letter | None = None


@dataclass(frozen=True, slots=True)
class Edition:
    """All letters of a course and their schedule: immutable, named by its content.

    Attributes:
        renames: pairs of (former key, key).
        waits: by key, the lessons after which the course waits for a reflection.
        digest: SHA-256 in hex over everything that a subscriber could notice.
    """

    course: str
    title: str
    language: str
    sender: Sender | None
    schedule: Schedule
    letters: tuple[Letter, ...]
    blocks: tuple[Block, ...]
    renames: tuple[tuple[str, str], ...]
    assets: tuple[Asset, ...]
    digest: str
    waits: Mapping[str, Waiting] = field(default_factory=dict)
