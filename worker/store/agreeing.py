"""Whether a database knows what this host's journal knows, and who else has to be asked.

A database goes back in time when a backup is put in its place, or when a server is lost and another
one with less takes over. Its rows cannot tell; the journals outside can. Up to where a journal was
seen to agree stands in the database, so that it goes back together with the rows it is about.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile
from secrets import token_hex

from sqlalchemy import Connection, insert, select, update

from worker.errors import Refused
from worker.journal import BEGINNING, Entry, Erasure, Gate, Journal, Leave, Mark
from worker.model import EnrollmentState
from worker.pseudonyms import Digests
from worker.store.engine import CHUNK, insert_new, rows_of
from worker.store.given import among
from worker.store.installation import GENERATION, MOVED, MOVING, installation_id
from worker.store.leaving import LEFT_STATES
from worker.store.membership import is_erased
from worker.store.prepared import Prepared
from worker.store.schema import attempts, consents, enrollments, journals, meta, subscribers
from worker.store.types import those

RECONCILE = "lettercourse restore --reconcile"

log = logging.getLogger(__name__)


class WentBack(Refused):
    """The database does not know what a journal knows: it is older than it was."""


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """A host's journal, as the database knows it.

    Attributes:
        agreed: up to where it was last seen to agree, as ``segment:bytes``.
        is_compared: it was compared with the database since that was last restored.
    """

    id: str
    host: str
    joined_at: datetime
    agreed: str
    is_compared: bool


def generation_of(connection: Connection) -> str:
    """Return what changes with every restore of the database, and when it moves elsewhere."""
    generation: str = connection.execute(_GENERATION).scalar_one()
    return generation


def renew_generation(connection: Connection) -> str:
    """Give the database another generation: whoever saw the former one sends nothing more."""
    renewed = token_hex(16)
    connection.execute(update(meta).where(meta.c.name == GENERATION).values(value=renewed))
    return renewed


def journal_records(connection: Connection) -> list[JournalRecord]:
    """Return every journal that the database knows, by host."""
    present = generation_of(connection)
    return [
        JournalRecord(row.id, row.host, row.joined_at, row.agreed, row.generation == present)
        for row in connection.execute(select(journals).order_by(journals.c.host, journals.c.id))
    ]


def register(connection: Connection, journal: Journal, at: datetime) -> None:
    """Know a journal from now on; one that is not new has to be compared first.

    Raises:
        Refused: it is another installation's.
    """
    ours = installation_id(connection)
    if journal.header.installation != ours:
        raise Refused(
            "this journal belongs to another database than the one in use",
            where=str(journal.folder),
            remedy=f"if that one was lost, run: {RECONCILE}; else set LETTERCOURSE_JOURNAL_DIR",
        )
    if connection.scalar(select(journals.c.id).where(journals.c.id == journal.id)) is not None:
        return
    others = connection.scalars(select(journals.c.host)).all()
    if others:
        log.warning(
            "%s begins a journal; the database knows those of: %s",
            journal.header.host,
            ", ".join(others),
        )
    row = {
        "id": journal.id,
        "host": journal.header.host,
        "joined_at": at,
        "generation": generation_of(connection) if journal.is_new else "",
        "agreed": str(BEGINNING),
    }
    insert_new(connection, journals, [row])  # another process of this host may have been faster


def agreed_of(connection: Connection, journal: Journal) -> Mark:
    """Return the mark up to which a journal that is on record was seen to agree."""
    known = select(journals.c.agreed).where(journals.c.id == journal.id)
    return Mark.of(connection.execute(known).scalar_one())


def is_compared(connection: Connection, journal: Journal) -> bool:
    """Tell whether a journal counts as one that agrees with the present database."""
    return any(each.id == journal.id and each.is_compared for each in journal_records(connection))


def compare(
    connection: Connection, journal: Journal, since: Mark, up_to: Mark, digests: Digests
) -> Mark:
    """Return the mark up to which a journal agrees.

    Args:
        connection: a transaction that has read nothing yet, or sees what others commit.
        journal: this host's.
        since: where the last comparison ended.
        up_to: the journal's end before the transaction began. What others append meanwhile is of
            commits that a snapshot does not show.
        digests: keyed hashes of an address.

    Raises:
        WentBack: the database lacks something.
    """
    lacking, newest, end = 0, None, since
    for some in batches(journal, since, damaged=log.error, up_to=up_to):
        end = some[-1][0]
        for entry in missing(connection, [entry for _, entry in some], digests):
            lacking += 1
            newest = entry.at if newest is None else max(newest, entry.at)
    forgotten = others_forgotten(connection, journal)
    if newest is not None:
        raise WentBack(
            f"the database went back in time: it lacks {lacking} of this host's hand-overs and"
            f" departures, the newest of {newest:%Y-%m-%d %H:%M} UTC; nothing is sent",
            where=str(journal.folder),
            remedy=f"run: {RECONCILE}",
        )
    if forgotten:
        raise WentBack(
            f"the database went back in time: it does not know {min(forgotten.values())} any more",
            where=str(journal.folder),
            remedy=f"run: {RECONCILE}",
        )
    return end


def others_forgotten(connection: Connection, journal: Journal) -> dict[str, str]:
    """Return the journals of other hosts that this one has met and the database does not know."""
    known = {each.id for each in journal_records(connection)}
    return {which: host for which, host in journal.others().items() if which not in known}


def meet_others(connection: Connection, journal: Journal) -> None:
    """Let a journal remember all that the database knows."""
    records = journal_records(connection)
    journal.meet({each.id: each.host for each in records if each.id != journal.id})


def take_others_up(connection: Connection, journal: Journal, at: datetime) -> None:
    """Let the database know again of the journals that it forgot: they have to be compared."""
    for which, host in others_forgotten(connection, journal).items():
        connection.execute(
            insert(journals).values(
                id=which, host=host, joined_at=at, generation="", agreed=str(BEGINNING)
            )
        )


def agree(connection: Connection, journal: Journal, up_to: Mark) -> None:
    """Remember that a journal agrees with the present database up to a mark."""
    connection.execute(
        update(journals)
        .where(journals.c.id == journal.id)
        .values(agreed=str(up_to), generation=generation_of(connection))
    )


def refuse_uncompared(connection: Connection) -> None:
    """Let only a database pass that every known journal was compared with since its restore.

    Raises:
        Refused: one was not, or the installation moved to another database.
    """
    flags = select(meta.c.name, meta.c.value).where(meta.c.name.in_((MOVING, MOVED)))
    moves = {row.name: row.value for row in connection.execute(flags)}
    if MOVED in moves:
        raise Refused(
            f"this installation was moved to {moves[MOVED]}",
            remedy="set LETTERCOURSE_DATABASE_URL to it and start again",
        )
    if MOVING in moves:
        raise Refused(
            f"this installation is being moved to {moves[MOVING]}",
            remedy="wait, or give it up with: lettercourse copy --cancel",
        )
    waiting = [each.host for each in journal_records(connection) if not each.is_compared]
    if waiting:
        raise Refused(
            f"the database was restored, and not compared with the journal of {waiting[0]} yet",
            where="journals",
            remedy=f"on that host run: {RECONCILE}; if its disk is lost: --without {waiting[0]}",
        )


def write_off(connection: Connection, host: str, own: Journal) -> None:
    """Ask a host's journals no more: its disk is lost. They are asked again if they turn up.

    Raises:
        Refused: no other journal is of that host.
    """
    others = journals.c.id != own.id
    written_off = connection.execute(
        update(journals)
        .where(journals.c.host == host, others)
        .values(generation=generation_of(connection))
    )
    if not written_off.rowcount:
        hosts = connection.scalars(select(journals.c.host).where(others)).all()
        raise Refused(
            "no other journal is of this host",
            where=host,
            remedy=f"known: {', '.join(sorted(hosts)) or 'none'}",
        )


def batches(
    journal: Journal, since: Mark, damaged: Callable[[str], None], up_to: Mark | None = None
) -> Iterator[list[tuple[Mark, Entry]]]:
    """Yield what stands behind a mark, up to another, in runs short enough for one question."""
    reading = journal.read(since, damaged)
    if up_to is not None:
        reading = takewhile(lambda each: each[0] <= up_to, reading)
    while some := list(islice(reading, CHUNK)):
        yield some


def missing(connection: Connection, entries: Sequence[Entry], digests: Digests) -> list[Entry]:
    """Return those entries that the database does not know of, in their order."""
    gates = [each for each in entries if isinstance(each, Gate)]
    departures = [each for each in entries if isinstance(each, Leave)]
    erasures = [each for each in entries if isinstance(each, Erasure)]
    lacking = {
        *_missing_gates(connection, gates),
        *_missing_departures(connection, departures, digests),
        *_missing_erasures(connection, erasures),
    }
    return [each for each in entries if each in lacking]


def _missing_gates(connection: Connection, gates: Sequence[Gate]) -> Iterator[Gate]:
    """Ids may be given again after a restore, so an instant tells two hand-overs apart."""
    rows = _BY_ID(connection, ids=[each.attempt for each in gates])
    by_id = {(row.id, row.gated_at) for row in rows}
    rest = [each for each in gates if (each.attempt, each.at) not in by_id]
    rows = _BY_DELIVERY(connection, ids=[each.delivery for each in rest]) if rest else []
    by_delivery = {(row.delivery_id, row.gated_at) for row in rows}
    yield from (each for each in rest if (each.delivery, each.at) not in by_delivery)


def _missing_departures(
    connection: Connection, departures: Sequence[Leave], digests: Digests
) -> Iterator[Leave]:
    """Somebody who came back since has left no state behind, but said yes in between."""
    ids = list({each.subscriber for each in departures})
    people = {row.id: row for row in rows_of(connection, _PEOPLE, ids)}
    given = {(row.subscriber_id, row.given_at) for row in rows_of(connection, _GIVEN, ids)}
    back = {which: max(at for who, at in given if who == which) for which, _ in given}
    stopped = {row.id for row in rows_of(connection, _STOPPED, [e.enrollment for e in departures])}
    for each in departures:
        person = people.get(each.subscriber)
        is_same = person is not None and is_of(person.address, each.person, digests)
        left = (
            each.enrollment in stopped
            if each.enrollment
            else person is not None and person.state in LEFT_STATES
        )
        came_back = each.subscriber in back and back[each.subscriber] >= each.at
        if not (is_same and (left or came_back)):
            yield each


def _missing_erasures(connection: Connection, erasures: Sequence[Erasure]) -> Iterator[Erasure]:
    rows = rows_of(connection, _PEOPLE, [each.subscriber for each in erasures])
    erased = {row.id for row in rows if is_erased(row.address)}
    yield from (each for each in erasures if each.subscriber not in erased)


def is_of(address: str, person: str, digests: Digests) -> bool:
    """Tell whether an address may be the one that a keyed hash was made of."""
    return (
        not person
        or is_erased(address)
        or address.partition("@")[0] == person  # a placeholder's (worker.store.placeholders)
        or person in (known := digests(address))
        or not known
    )


_GENERATION = select(meta.c.value).where(meta.c.name == GENERATION)

_BY_ID = Prepared(select(attempts.c.id, attempts.c.gated_at).where(among(attempts.c.id)))

_BY_DELIVERY = Prepared(
    select(attempts.c.delivery_id, attempts.c.gated_at).where(among(attempts.c.delivery_id))
)

_PEOPLE = select(subscribers.c.id, subscribers.c.address, subscribers.c.state).where(
    subscribers.c.id.in_(those())
)

_GIVEN = select(consents.c.subscriber_id, consents.c.given_at).where(
    consents.c.subscriber_id.in_(those()), consents.c.given_at.is_not(None)
)

_STOPPED = select(enrollments.c.id).where(
    enrollments.c.id.in_(those()), enrollments.c.state == EnrollmentState.STOPPED
)
