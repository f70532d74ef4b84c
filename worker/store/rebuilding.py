"""Rebuilding what a journal knows and a database that went back in time does not.

A letter past its gate may have arrived, so it is in doubt: it paces its course and is not sent
again. Who left, leaves again; who was erased, is erased again. All of it is one transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from worker.errors import Refused
from worker.journal import Entry, Erasure, Gate, Journal, Leave, Mark
from worker.model import SubscriberState
from worker.pseudonyms import Digests
from worker.store.agreeing import agreed_of, batches, missing
from worker.store.editions import Editions
from worker.store.engine import move_ids_on
from worker.store.erasing import erase
from worker.store.installation import INSTALLATION, installation_id
from worker.store.leaving import LEFT_STATES, leave, leave_course
from worker.store.rebuilt_letters import letter_of, pace_again, put_in_doubt
from worker.store.rebuilt_people import People
from worker.store.schema import deliveries, enrollments, meta, subscribers
from worker.store.suppressing import suppress_hash

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a rebuilding did; all zero when the database knew everything.

    Attributes:
        hand_overs: letters that are in doubt now.
        departures: people who left again, or courses that they left.
        erasures: people who were erased again.
        placeholders: people who are known by the hash of their address alone.
        passed_over: places in the journal that cannot be read, and letters that are nowhere.
        waiting: hosts whose journals are still to be compared.
    """

    hand_overs: int = 0
    departures: int = 0
    erasures: int = 0
    placeholders: int = 0
    passed_over: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the database lacked anything."""
        return bool(self.hand_overs or self.departures or self.erasures or self.passed_over)


def adopt(connection: Connection, journal: Journal) -> None:
    """Let a database that never sent anything be the journal's installation.

    Raises:
        Refused: it is another installation's, and has letters of its own.
    """
    if journal.header.installation == installation_id(connection):
        return
    if connection.scalar(select(deliveries.c.id).limit(1)) is not None:
        raise Refused(
            "this journal is of another installation, and the database has letters of its own",
            where=str(journal.folder),
            remedy="set LETTERCOURSE_JOURNAL_DIR to this one's journal, or to a new folder",
        )
    connection.execute(
        update(meta).where(meta.c.name == INSTALLATION).values(value=journal.header.installation)
    )


def rebuild(
    connection: Connection,
    shelf: Editions,
    journal: Journal,
    digests: Digests,
    now: datetime,
    *,
    force: bool,
) -> tuple[Reconciled, Mark]:
    """Rebuild what a database lacks of a journal that it knows.

    Args:
        connection: a writing transaction.
        shelf: what was published.
        journal: this host's.
        digests: keyed hashes of an address.
        now: the calendar's instant.
        force: pass over what cannot be read or found.

    Returns:
        What was done, and the mark up to which the journal agrees from now on.

    Raises:
        Refused: something cannot be read, or a letter is nowhere.
    """
    passed_over: list[str] = []
    lacking: list[Entry] = []
    end = agreed_of(connection, journal)
    for some in batches(journal, end, passed_over.append):
        end = some[-1][0]
        lacking += missing(connection, [entry for _, entry in some], digests)
    people = People(connection, digests, lacking, now)
    gates = [each for each in lacking if isinstance(each, Gate)]
    letters = {(g.course, g.edition, g.key): letter_of(connection, shelf, g) for g in _first(gates)}
    nowhere = [name for name, letter_id in letters.items() if letter_id is None]
    passed_over += [f"letter {key} of {course} ({edition})" for course, edition, key in nowhere]
    if passed_over and not force:
        raise Refused(
            f"cannot be read or found: {'; '.join(passed_over[:_NAMED])}",
            where=str(journal.folder),
            remedy="publish what is missing and try again, or pass over it with --force",
        )
    rebuilt = _hand_overs(connection, shelf, people, gates, letters, now)
    departures = [each for each in lacking if isinstance(each, Leave)]
    for departure in departures:
        _leave(connection, people, departure)
    erasures = [each for each in lacking if isinstance(each, Erasure)]
    for erasure in erasures:
        _erase(connection, people, digests, erasure)
    _order_departures(connection, rebuilt)
    move_ids_on(connection)
    done = Reconciled(
        hand_overs=sum(map(len, rebuilt.values())),
        departures=len(departures),
        erasures=len(erasures),
        placeholders=people.added,
        passed_over=tuple(passed_over),
    )
    return done, end


def _first(gates: Iterable[Gate]) -> Collection[Gate]:
    """Return one hand-over of each letter."""
    return {(each.course, each.edition, each.key): each for each in gates}.values()


def _hand_overs(
    connection: Connection,
    shelf: Editions,
    people: People,
    gates: Collection[Gate],
    letters: dict[tuple[str, str, str], int | None],
    now: datetime,
) -> dict[int, list[int]]:
    """Put letters in doubt; return the attempts by enrollment."""
    installation = installation_id(connection)
    rebuilt: dict[int, list[int]] = defaultdict(list)
    runs: dict[int, int] = {}
    for gate in sorted(gates, key=lambda each: each.at):
        letter_id = letters[gate.course, gate.edition, gate.key]
        if letter_id is None:
            continue
        enrollment_id = people.enrollment(
            gate.enrollment, gate.subscriber, gate.person, gate.course, gate.run
        )
        if enrollment_id is not None:
            rebuilt[enrollment_id].append(
                put_in_doubt(connection, installation, gate, enrollment_id, letter_id, now)
            )
            runs[enrollment_id] = max(gate.run, runs.get(enrollment_id, 0))
    for enrollment_id, run in runs.items():
        pace_again(connection, shelf, enrollment_id, run, now)
    return rebuilt


def _leave(connection: Connection, people: People, departure: Leave) -> None:
    """Let somebody leave again; a place is kept for whoever is unknown, so that they stay away."""
    if not departure.enrollment:
        who = people.find_or_add(departure.subscriber, departure.person)
        leave(connection, [who], SubscriberState(departure.state), departure.at)
        return
    which = people.enrollment(
        departure.enrollment, departure.subscriber, departure.person, departure.course
    )
    if which is not None:
        leave_course(connection, [which], departure.at)


def _erase(connection: Connection, people: People, digests: Digests, erasure: Erasure) -> None:
    """Erase somebody again; of whoever is unknown the hash stays, and the id."""
    who = people.find_or_add(erasure.subscriber, erasure.person)
    erase(connection, digests, who, erasure.at)
    if erasure.person:
        suppress_hash(connection, erasure.person, SubscriberState.UNSUBSCRIBED, erasure.at)


def _order_departures(connection: Connection, rebuilt: dict[int, list[int]]) -> None:
    """Let no hand-over that was only now recorded count as one after a departure."""
    for enrollment_id, attempt_ids in rebuilt.items():
        whose = select(enrollments.c.subscriber_id).where(enrollments.c.id == enrollment_id)
        connection.execute(
            update(subscribers)
            .where(
                subscribers.c.id == whose.scalar_subquery(),
                subscribers.c.state.in_(LEFT_STATES),
                subscribers.c.left_after < max(attempt_ids),
            )
            .values(left_after=max(attempt_ids))
        )
