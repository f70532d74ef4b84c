"""Who is to be enrolled, and who said yes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

from worker.model.states import SignUp


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to enroll, as a list or a form names them; already validated.

    Attributes:
        address: normalised: local part casefolded, domain in IDNA (``worker.lists``).
        timezone: IANA name; ``None`` for the course's.
        send_at: local time; ``None`` for the course's.
        start: the local date of the welcome; ``None`` for at once.
    """

    address: str
    name: str = ""
    timezone: str | None = None
    send_at: time | None = None
    start: date | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Where somebody's request to join a course stands.

    Attributes:
        enrollment_id: ``None`` unless they joined.
    """

    standing: SignUp
    course: str
    course_title: str
    language: str
    enrollment_id: int | None = None
