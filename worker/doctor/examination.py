"""The examination: every check, in the order in which one would look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from course.errors import LettercourseError
from worker.doctor.finding import Finding, Patient, Saying, fault
from worker.doctor.ledger import doubts, held, journals, letters_due, rehearsal, workers
from worker.doctor.machine import clocks, database, disk, migrations
from worker.doctor.services import broker, provider, public_address, signing, way_back

Check = Callable[[Patient], Saying]

CHECKS: tuple[Check, ...] = (
    database,
    migrations,
    disk,
    broker,
    provider,
    signing,
    way_back,
    clocks,
    rehearsal,
    journals,
    public_address,
    workers,
    letters_due,
    doubts,
    held,
)

ON_THE_LEDGER = (clocks, rehearsal, journals, public_address, workers, letters_due, doubts, held)
"""Checks that read rows; left out where there are none of this version."""


def examine(patient: Patient) -> Iterator[Finding]:
    """Yield what each check finds, as it finds it; no check keeps another from being made."""
    has_ledger = _has_ledger(patient)
    for check in CHECKS:
        if check in ON_THE_LEDGER and not has_ledger:
            continue
        for said in _made(check, patient):
            yield Finding(
                check.__name__.replace("_", " "),
                said.result,
                _without(patient.settings.secrets, said.found),
                said.remedy,
            )


def _has_ledger(patient: Patient) -> bool:
    try:
        return patient.store.schema_is_current()
    except LettercourseError:
        return False


def _made(check: Check, patient: Patient) -> Saying:
    try:
        yield from check(patient)
    except LettercourseError as wrong:
        yield fault(wrong.what, wrong.remedy or "see the setting or the server that it names")
    except Exception as wrong:  # noqa: BLE001 - the others are to be made all the same
        yield fault(f"it could not be checked: {type(wrong).__name__}", "see the other checks")


def _without(secrets: Iterable[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "<secret>")
    return text
