"""Letters as JSON and back, byte for byte; and the answer that ``build`` writes."""

from __future__ import annotations

import json
from typing import Any

from course.model import Edition, Kind, Letter
from course.segments import Encoding, Literal, Section, Segment, Segments, Slot

_PARTS = ("subject_line", "html", "text", "mime")


def dump_letter(letter: Letter) -> str:
    """Return a letter as JSON: a string is literal, a list a slot, an object a section."""
    return json.dumps(
        {
            "key": letter.key,
            "kind": letter.kind.value,
            "number": letter.number,
            "title": letter.title,
            "subject": letter.subject,
            "minutes": letter.minutes,
            "source_digest": letter.source_digest,
            **{part: _dumped(getattr(letter, part)) for part in _PARTS},
        },
        ensure_ascii=True,
        separators=(",", ":"),
    )


def load_letter(text: str) -> Letter:
    """Return the letter that ``dump_letter`` wrote.

    Raises:
        ValueError: the text is not JSON.
        KeyError: it is JSON of something else.
    """
    answer = json.loads(text)
    return Letter(
        key=answer["key"],
        kind=Kind(answer["kind"]),
        number=answer["number"],
        title=answer["title"],
        subject=answer["subject"],
        minutes=answer["minutes"],
        source_digest=answer["source_digest"],
        **{part: _loaded(answer[part]) for part in _PARTS},
    )


def edition_answer(edition: Edition) -> dict[str, Any]:
    """Return the content of ``edition.json``."""
    return {
        "course": edition.course,
        "title": edition.title,
        "digest": edition.digest,
        "letters": [
            {
                "key": letter.key,
                "kind": letter.kind.value,
                "number": letter.number,
                "subject": letter.subject,
                "minutes": letter.minutes,
                "files": files_of(letter),
            }
            for letter in edition.letters
        ],
        "waits": {key: wait.days for key, wait in edition.waits.items()},
        "nudges": [
            {
                "key": wait.nudge.key,
                "letter": key,
                "days": wait.nudge_days,
                "subject": wait.nudge.subject,
                "files": files_of(wait.nudge),
            }
            for key, wait in edition.waits.items()
            if wait.nudge
        ],
        "blocks": [
            {
                "start_line": block.start_line,
                "end_line": block.end_line,
                "letter": block.letter,
                "role": block.role.value,
                "reason": block.reason,
            }
            for block in edition.blocks
        ],
    }


def files_of(letter: Letter) -> dict[str, str]:
    """Return the names of a letter's files: its place, its key, and what they hold."""
    stem = f"{letter.number:02}-{letter.key.replace('~', '-')}"
    return {"html": f"{stem}.html", "text": f"{stem}.txt", "eml": f"{stem}.eml"}


def _dumped(segments: Segments) -> list[Any]:
    return [_dumped_segment(segment) for segment in segments]


def _dumped_segment(segment: Segment) -> object:
    if isinstance(segment, Literal):
        return segment.content.decode("utf-8", "surrogateescape")
    if isinstance(segment, Slot):
        return [segment.name, segment.encoding.value, segment.fallback]
    return {
        "name": segment.name,
        "present": segment.present,
        "segments": _dumped(segment.segments),
    }


def _loaded(items: list[Any]) -> Segments:
    return tuple(_loaded_segment(item) for item in items)


def _loaded_segment(item: Any) -> Segment:
    if isinstance(item, str):
        return Literal(item.encode("utf-8", "surrogateescape"))
    if isinstance(item, list):
        name, encoding, fallback = item
        return Slot(name, Encoding(encoding), fallback)
    return Section(item["name"], item["present"], _loaded(item["segments"]))
