"""What an author changed: one edition held against another, without anybody who takes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from difflib import SequenceMatcher

from course.model import Edition, Letter, Schedule
from course.timetable import WEEKDAYS
from worker.model import Change, LetterEdit, PublishedCourse, SettingEdit, Wait


def edited_letters(
    before: Sequence[Letter], after: Sequence[Letter], renames: Mapping[str, str]
) -> tuple[LetterEdit, ...]:
    """Return the letters that an edit changes, in the new order, then those it removes.

    Args:
        before: the newest published edition's, in order.
        after: the new one's.
        renames: every former key with what it is called in the new one.
    """
    known = {renames.get(letter.key, letter.key): letter for letter in before}
    keys = {letter.key for letter in after}
    moved = _moved([key for key in known if key in keys], [x.key for x in after if x.key in known])
    edits = []
    for letter in after:
        was = known.get(letter.key)
        changes = tuple(_changes(was, letter, moved=letter.key in moved))
        if changes:
            edits.append(LetterEdit(letter.key, was.key if was else None, changes))
    gone = [was.key for key, was in known.items() if key not in keys]
    return (*edits, *(LetterEdit(key, key, (Change.REMOVED,)) for key in gone))


def edited_settings(
    before: PublishedCourse, edition: Edition, after: Mapping[str, Wait], renames: Mapping[str, str]
) -> tuple[SettingEdit, ...]:
    """Return what an edit changes beside the letters.

    Args:
        before: the newest published edition.
        edition: the new one.
        after: the waits of the new one.
        renames: every former key with what it is called in the new one.
    """
    waits = {renames.get(key, key): wait for key, wait in before.waits.items()}
    were = _settings(before.title, before.language, before.schedule, waits)
    are = _settings(edition.title, edition.language or "en", edition.schedule, after)
    were |= {f"sender.{name}": value for name, value in asdict(before.sender).items()}
    are |= {
        f"sender.{name}": value
        for name, value in (asdict(edition.sender) if edition.sender else {}).items()
    }
    return tuple(
        SettingEdit(name, were.get(name), are.get(name))
        for name in {**were, **are}
        if were.get(name) != are.get(name)
    )


def _changes(was: Letter | None, letter: Letter, *, moved: bool) -> Iterator[Change]:
    if was is None:
        yield Change.INSERTED
        return
    if was.key != letter.key:
        yield Change.RENAMED
    if moved:
        yield Change.MOVED
    if (was.source_digest, was.subject, was.title) != (
        letter.source_digest,
        letter.subject,
        letter.title,
    ):
        yield Change.REWORDED
    elif (was.html, was.text) != (letter.html, letter.text):
        yield Change.RESHAPED


def _moved(were: Sequence[str], are: Sequence[str]) -> set[str]:
    """Return the fewest keys, near enough, whose moving makes the one order the other."""
    stays = SequenceMatcher(None, were, are, autojunk=False).get_matching_blocks()
    return set(are) - {key for block in stays for key in are[block.b : block.b + block.size]}


def _settings(
    title: str, language: str, schedule: Schedule, waits: Mapping[str, Wait]
) -> dict[str, str]:
    said = {
        "course.title": title,
        "course.language": language,
        "schedule.send_at": f"{schedule.send_at:%H:%M}",
        "schedule.days": ", ".join(WEEKDAYS[day] for day in schedule.days),
        "schedule.minimum_gap": _gap(schedule.minimum_gap),
        "schedule.timezone": schedule.timezone,
    }
    for key, wait in waits.items():
        said[f"{key}.wait_days"] = str(wait.days)
        if wait.nudge_days:
            said[f"{key}.nudge_days"] = str(wait.nudge_days)
    return said


def _gap(gap: timedelta) -> str:
    minutes = round(gap.total_seconds() / 60)
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
