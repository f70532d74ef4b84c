"""What a check looks at, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from worker.model import Clock, Moment
from worker.settings import Settings
from worker.store import Store


class Result(StrEnum):
    """How bad it is: a fault keeps a promise or the letters from being kept."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; never a secret, never a person.

    Attributes:
        check: its name.
        found: one clause for people.
        remedy: what to do; empty when all is well.
    """

    check: str
    result: Result
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A finding before its check's name stands on it."""

    result: Result
    found: str
    remedy: str = ""


def ok(found: str) -> Said:
    """Say that all is well."""
    return Said(Result.OK, found)


def warning(found: str, remedy: str) -> Said:
    """Say what may become a fault, or is one for some."""
    return Said(Result.WARNING, found, remedy)


def fault(found: str, remedy: str) -> Said:
    """Say what is wrong."""
    return Said(Result.FAULT, found, remedy)


@dataclass(frozen=True, slots=True)
class Patient:
    """An installation as far as it can be reached; it need not be able to run.

    Attributes:
        store: of the database that the settings name, which may be away or behind.
        clock: the machine's.
    """

    settings: Settings
    store: Store
    clock: Clock

    def moment(self) -> Moment:
        """Read the clocks."""
        return Moment(self.clock.now(), self.clock.wall())


Saying = Iterator[Said]
