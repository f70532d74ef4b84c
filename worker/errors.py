"""Faults that an operator can mend, as one line each."""

from __future__ import annotations

from traceback import format_tb

from course.errors import LettercourseError


class SettingsError(LettercourseError):
    """One or more settings cannot be used; ``str()`` is one line a fault."""

    exit_code = 2

    def __init__(self, faults: list[str]) -> None:
        super().__init__("settings cannot be used")
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(self.faults)


class DatabaseFault(LettercourseError):
    """The database could not be read or written; the transaction was undone."""


class JournalFault(DatabaseFault):
    """What was committed could not be written outside as well, so nobody may act on it."""


class UnknownCourse(LettercourseError):
    """No course was published under that slug."""


class UnknownSubscriber(LettercourseError):
    """Nobody is enrolled under that address."""


class UnknownDelivery(LettercourseError):
    """No letter of the ledger has that id."""


class Refused(LettercourseError):
    """What was asked for would break a promise, so nothing was done."""


def where_it_arose(fault: Exception) -> str:
    """Return a fault's type and trace for the log, without its text, which may name a person."""
    return f"{type(fault).__name__}\n{''.join(format_tb(fault.__traceback__))}"
