"""What the ledger says of how delivering goes: who works, what is late, what waits for somebody."""

from __future__ import annotations

from worker.doctor.finding import Patient, Saying, fault, ok, warning
from worker.model import DeliveryState
from worker.settings import ProviderName
from worker.watch import OVERDUE_AFTER, held_back, moving, seen, why_nothing_moves


def rehearsal(patient: Patient) -> Saying:
    """A rehearsed database is no place for real people."""
    at = patient.store.rehearsed_at()
    if at is None:
        yield ok("the calendar was never driven by hand")
        return
    found = f"this database was rehearsed up to {at:%Y-%m-%d %H:%M} UTC"
    remedy = "use another LETTERCOURSE_DATA_DIR or database for real people"
    is_play = patient.settings.provider is ProviderName.MAILDIR
    yield warning(found, remedy) if is_play else fault(found, remedy)


def journals(patient: Patient) -> Saying:
    """No journal outside knows of hand-overs that the database has forgotten."""
    known = patient.store.journals()
    patient.store.refuse_uncompared()
    if known:
        hosts = ", ".join(sorted({each.host for each in known}))
        yield ok(f"compared with the database: {hosts}")
    else:
        remedy = "the first worker begins one: lettercourse up"
        yield warning("no host has begun a journal yet", remedy)


def workers(patient: Patient) -> Saying:
    """Somebody delivers, and nobody holds letters back."""
    moment = patient.moment()
    found = patient.store.vital_signs(moment).workers
    there, busy = seen(found, moment.wall), moving(found, moment.wall)
    breaker = held_back(found, moment.wall)
    start = "start one: lettercourse up, or celery -A worker.tasks worker"
    if not there:
        yield warning("no worker was seen within a minute", start)
    elif breaker:
        yield fault(
            f"letters are held back: {breaker}", "see the provider; they go on by themselves"
        )
    elif not busy:
        yield fault(f"{_workers(len(there))} seen, none gets anything done", "see their logs")
    else:
        yield ok(f"{_workers(len(there))} seen within a minute, {len(busy)} of them moving")
    gone = [each for each in found if each not in there]
    if gone:
        last = max(each.seen_at for each in gone)
        yield warning(
            f"{_workers(len(gone))} ended without a word, the last one seen "
            f"{last:%Y-%m-%d %H:%M} UTC",
            "was it killed? What it had in hand is in doubt, what it had not begun goes on",
        )


def letters_due(patient: Patient) -> Saying:
    """Nothing lies about that is long due."""
    moment = patient.moment()
    signs = patient.store.vital_signs(moment)
    late = signs.lag.seconds(moment.now)
    standstill = why_nothing_moves(signs, moment)
    if standstill:
        yield fault(standstill, "see the checks of workers and provider")
    elif late > OVERDUE_AFTER.total_seconds():
        found = f"{_due(signs.lag.due)}, the oldest for {late / 60:.0f} minutes"
        yield warning(found, "more workers, or a higher LETTERCOURSE_SEND_RATE, if it does not end")
    elif signs.lag.due:
        yield ok(f"{_due(signs.lag.due)}, the oldest for {late:.0f} s")
    else:
        yield ok("nothing is due")


def doubts(patient: Patient) -> Saying:
    """No letter waits for somebody to say what became of it."""
    count = patient.store.census().letters[DeliveryState.IN_DOUBT]
    if count:
        remedy = "lettercourse deliveries list --state in_doubt, then deliveries settle"
        yield warning(f"{count} in doubt: they may have arrived", remedy)
    else:
        yield ok("no letter is in doubt")


def held(patient: Patient) -> Saying:
    """No course stands still because the provider refused its letter."""
    count = patient.store.census().held
    if count:
        remedy = "lettercourse deliveries list --state failed, mend it, subscribers resume ADDRESS"
        yield warning(f"{count} held: the provider refused their letter", remedy)
    else:
        yield ok("no course is held")


def _due(count: int) -> str:
    return "1 letter is due" if count == 1 else f"{count} letters are due"


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"
