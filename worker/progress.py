"""Which letter comes next: by key, in the newest edition, forward only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from course.model import NUDGE, Kind

Renames = Sequence[tuple[str, str]]


def next_key(keys: Sequence[str], renames: Renames, delivered: Iterable[str]) -> str | None:
    """Return the first key after the furthest one delivered, or ``None`` when none is left.

    Args:
        keys: the newest edition's letters, in order.
        renames: pairs of (former key, key).
        delivered: keys that were handed over in this run, under whatever name they had then;
            reminders move nobody forward.
    """
    here = {key: place for place, key in enumerate(keys)}
    known = dict(renames)
    places = (here.get(called_now(known, key), -1) for key in delivered)
    after = max(places, default=-1) + 1
    return keys[after] if after < len(keys) else None


def called_now(renames: Mapping[str, str], key: str) -> str:
    """Return what a letter is called by now; a reminder goes by the name of its lesson."""
    lesson = lesson_of(key)
    return renames.get(lesson, lesson) + key[len(lesson) :]


def is_nudge(key: str) -> bool:
    """Tell whether this is the key of a reminder."""
    return key.endswith(NUDGE)


def lesson_of(key: str) -> str:
    """Return the key of the lesson that a reminder is about; any other key as it is."""
    return key.removesuffix(NUDGE)


def carry_over(former: Renames, renames: Renames) -> dict[str, str]:
    """Return every key of the past with what it is called now.

    A course renamed ``a`` to ``b`` in one edition and ``b`` to ``c`` in a later one; whoever got
    ``a`` has had ``c``.

    Args:
        former: pairs carried over by the edition before.
        renames: pairs that the new edition states.
    """
    stated = dict(renames)
    carried = {old: stated.get(key, key) for old, key in former} | stated
    return {old: key for old, key in carried.items() if old != key}


def kind_of(keys: Sequence[str], key: str) -> Kind:
    """Return what a letter is in a course with these ``keys``; a reminder is a lesson's."""
    if key == keys[0]:
        return Kind.WELCOME
    return Kind.FINALE if key == keys[-1] else Kind.LESSON
