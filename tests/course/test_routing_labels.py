"""Routing measured on articles of our own, labelled by hand: where would a person put it?"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from course.article.source import read_source
from course.model import Course, Kind, Passage
from course.plan import plan
from course.words import plain

FOLDER = Path(__file__).parents[1] / "fixtures" / "routing"
LABELS = tomllib.loads((FOLDER / "labels.toml").read_text(encoding="utf-8"))
HELD_OUT = ("podcast", "used-car")
"""Written after routing was done, and never looked at while it was."""


@dataclass(frozen=True)
class Placed:
    entry: str
    kind: Kind
    number: int
    wanted: tuple[int | str, ...]

    @property
    def right(self) -> bool:
        return (self.number if self.kind is Kind.LESSON else "edge") in self.wanted


def placed(name: str) -> list[Placed]:
    course, _ = plan(read_source(FOLDER / f"{name}.md"))
    found = []
    for kind in ("takeaways", "questions"):
        entries = sorted(_entries(course, kind), key=lambda entry: entry[0].start_line)
        labels = LABELS[name][kind]
        assert len(entries) == len(labels), f"{name}: {len(entries)} {kind} were found"
        for (passage, lesson_kind, number), label in zip(entries, labels, strict=True):
            wanted = tuple(label) if isinstance(label, list) else (label,)
            found.append(Placed(plain(passage.tokens), lesson_kind, number, wanted))
    return found


def _entries(course: Course, kind: str) -> list[tuple[Passage, Kind, int]]:
    return [
        (passage, lesson.kind, lesson.number)
        for lesson in course.lessons
        for passage in getattr(lesson, kind)
    ]


def share(names: list[str]) -> tuple[float, str]:
    every = [(name, one) for name in names for one in placed(name)]
    wrong = [f"{name}: {one.entry!r} is in {one.number}" for name, one in every if not one.right]
    return 1 - len(wrong) / len(every), "\n".join(wrong)


def test_there_are_enough_articles_of_every_kind() -> None:
    assert set(LABELS) == {path.stem for path in FOLDER.glob("*.md")}
    assert len(LABELS) >= 8
    assert sum(len(one["takeaways"]) + len(one["questions"]) for one in LABELS.values()) >= 80


def test_nine_of_ten_entries_go_where_a_person_would_put_them() -> None:
    right, wrong = share([name for name in LABELS if name not in HELD_OUT])
    assert right >= 0.9, wrong


def test_so_they_do_in_articles_that_nothing_was_tuned_on() -> None:
    right, wrong = share(list(HELD_OUT))
    assert right >= 0.9, wrong


@pytest.mark.parametrize("name", LABELS)
def test_a_misfit_goes_to_the_edge_that_is_its_own(name: str) -> None:
    course, _ = plan(read_source(FOLDER / f"{name}.md"))
    assert not course.lessons[-1].takeaways
    assert not course.lessons[0].questions
