"""Where a run takes place: a ledger, a sink outside of it, what runs on both, and the verdict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from tests.acceptance.processes import ROOT, Process, inherited, running, wait_for
from tests.chaos.couriers import Orders, orders_as_text
from tests.chaos.sink import Arrival, Sink
from tests.worker.tiny_course import KEYS, edition, environment, found
from worker.clocks import SteadyClock, machine_time, since_boot
from worker.delivery import tick
from worker.flow import open_flow
from worker.installation import Installation
from worker.model import (
    OPEN_STATES,
    PACING_STATES,
    DeliveryRecord,
    DeliveryState,
    Moment,
    Person,
    Provider,
)
from worker.store.schema import attempts, deliveries, enrollments, subscribers

SOON = timedelta(hours=3)
"""How far ahead a run is taken to its end: past every back-off, short of anybody's next letter."""

STEP = timedelta(seconds=10)
ROUNDS = 200
"""How often what is owed is tried again before a run has to come to its end."""


@dataclass(frozen=True)
class Findings:
    """What a run came to.

    Attributes:
        letters: deliveries owed.
        arrived: copies of the course's letters that the outside has.
        most: copies of the one letter that most copies arrived of.
        in_doubt: deliveries of which nobody knows.
    """

    letters: int
    arrived: int
    most: int
    in_doubt: int


class Couriers(Process):
    """The couriers' process, which a test talks to."""

    def __init__(self, orders: Orders, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as output:
            self._running = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.couriers", orders_as_text(orders)],
                env={**inherited(), **environment},
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def born(self) -> list[int]:
        """Return the process ids of all couriers so far, the oldest first."""
        return self._said("born")

    def died(self) -> list[int]:
        """Return those of them that have ended."""
        return self._said("died")

    def let_live(self) -> None:
        """Have no more of them killed by chance."""
        assert self._running.stdin is not None
        self._running.stdin.write(b"calm\n")
        self._running.stdin.flush()

    def stop(self, within: float = 40.0) -> int:
        """End in order and return the exit code."""
        if self._running.stdin is not None:
            self._running.stdin.close()
        return self.end(within)

    def kill(self) -> None:
        """Kill them and whatever they started, at once."""
        super().kill()
        if self._running.stdin is not None:
            self._running.stdin.close()

    def _said(self, word: str) -> list[int]:
        lines = [line.split() for line in self.output.splitlines()]
        return [int(line[1]) for line in lines if line[:1] == [word]]


@dataclass
class Ground:
    """One installation whose letters go to a sink.

    Attributes:
        settings: as the environment names them.
        outside: tells what arrived; by default, at the sink.
        people: who was enrolled.
        told: the last verdict's findings, as the table takes them.
    """

    kind: str
    folder: Path
    sink: Sink
    settings: dict[str, str]
    installation: Installation
    people: list[str] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)
    outside: Callable[[], list[Arrival]] | None = None

    def arrivals(self) -> list[Arrival]:
        """Return every letter that the outside has."""
        return self.outside() if self.outside else self.sink.arrivals()

    def letters_of(self, key: str) -> int:
        """Return how many copies of one letter of the course arrived."""
        return sum(each.letter == key for each in self.arrivals())

    def enroll(self, people: int, keys: Sequence[str] = KEYS) -> list[str]:
        """Enroll so many people in all, each of whom is owed a welcome at once."""
        store, now = self.installation.store, self.installation.now()
        store.publish(edition(keys), now)
        self.people = [f"p{number:04}@example.org" for number in range(people)]
        listed = [Person(address, "Pat") for address in self.people]
        store.enroll(store.course("tiny"), listed, now)
        return self.people

    def records(self, *states: DeliveryState) -> list[DeliveryRecord]:
        """Return the deliveries in these states; in any, without one."""
        every = self.installation.store.deliveries()
        return [each for each in every if not states or each.state in states]

    def counts(self) -> Counter[DeliveryState]:
        return Counter(each.state for each in self.records())

    def untouched(self) -> int:
        """Return how many letters are due and in nobody's hands."""
        return self.installation.store.due_count(self.installation.now(), 10**6)

    def undecided(self) -> int:
        """Return for how many people nothing was sent yet, and nothing is in doubt."""
        decided = select(func.count()).where(deliveries.c.state.in_(PACING_STATES))
        with self.installation.store._database.reading() as connection:
            return len(self.people) - (connection.scalar(decided) or 0)

    @contextmanager
    def couriers(self, orders: Orders | None = None, name: str = "couriers") -> Iterator[Couriers]:
        """Run couriers as processes; whatever is left of them at the end is killed."""
        process = Couriers(orders or Orders(), self.settings, self.folder / f"{name}.log")
        try:
            yield process
        finally:
            process.kill()

    def start(self, stack: ExitStack, name: str, *command: str, **more: str) -> Process:
        """Run a program with this installation's settings, and ``more``, until the stack ends."""
        given = {f"LETTERCOURSE_{key.upper()}": value for key, value in more.items()}
        settings = {**self.settings, **given}
        return stack.enter_context(running(command, settings, self.folder / f"{name}.log"))

    def wait_until_delivered(self, within: float, *watched: Process, sent: int = 0) -> None:
        """Wait until so many letters arrived; by default, one for everybody."""
        wanted = sent or len(self.people)
        wait_for(lambda: len(self.arrivals()) >= wanted, within, *watched, what=f"{wanted} letters")

    def reap(self, later: timedelta = timedelta(minutes=2)) -> None:
        """Take back what was lost, as if every lease were over."""
        at = machine_time() + later
        self.installation.store.reap(Moment(at, at))

    def come_to_an_end(self, provider: Provider | None = None, within: timedelta = SOON) -> None:
        """Reap what was lost and deliver what is still owed, as if the next hours had passed."""
        ahead = timedelta(minutes=2)
        self.reap(ahead)
        store = self.installation.store
        clock = SteadyClock(
            lambda: machine_time() + ahead, lambda: since_boot() + ahead.total_seconds()
        )
        installation = replace(
            self.installation,
            provider=provider or self.installation.provider,
            clock=clock,
            flow=open_flow(self.installation.settings, clock.boot),
        )
        limit = machine_time() + within
        for _ in range(ROUNDS):
            due = store.next_due_at()
            if due is None or due > limit:
                break
            ahead = max(ahead, due - machine_time()) + STEP
            tick(installation.courier())
        ahead += timedelta(minutes=2)
        self.reap(ahead)

    def judge(
        self,
        *,
        left: Collection[str] = (),
        undeliverable: Collection[str] = (),
        doubts: int | None = None,
    ) -> Findings:
        """Hold the outside's record against the ledger; fail where a promise was broken.

        Args:
            left: who left on the way, and may have got nothing.
            undeliverable: whose letters were refused for good.
            doubts: how many letters may be in doubt at most; by default, any number.
        """
        arrivals, records = self.arrivals(), self.records()
        by_letter = Counter((each.recipient, each.letter) for each in arrivals if each.letter)
        by_id = Counter(each.message_id for each in arrivals)
        states = Counter(each.state for each in records)
        findings = Findings(
            letters=len(records),
            arrived=by_letter.total(),
            most=max([*by_letter.values(), *by_id.values()], default=0),
            in_doubt=states[DeliveryState.IN_DOUBT],
        )
        self.told.update(asdict(findings))
        doubled = [what for what, count in (by_letter + Counter(by_id)).items() if count > 1]
        assert not doubled, f"arrived more than once: {doubled[:5]}"
        assert not any(states[state] for state in OPEN_STATES), f"not settled: {states}"
        lost = [
            each.id
            for each in records
            if each.state is DeliveryState.SENT and each.message_id not in by_id
        ]
        assert not lost, f"called sent, never arrived: {lost[:5]}"
        late = self._handed_over_after_leaving()
        assert not late, f"handed over after the person had left: {late[:5]}"
        self._assert_nobody_was_missed(arrivals, records, {*left, *undeliverable})
        if doubts is not None:
            assert states[DeliveryState.IN_DOUBT] <= doubts, states
        self._assert_audit_agrees()
        return findings

    def _handed_over_after_leaving(self) -> list[str]:
        """Return the deliveries whose gate comes after their person's leaving, by the database."""
        late = (
            select(attempts.c.delivery_id)
            .join(deliveries, deliveries.c.id == attempts.c.delivery_id)
            .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
            .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
            .where(attempts.c.id > subscribers.c.left_after)
        )
        with self.installation.store._database.reading() as connection:
            return list(connection.scalars(late))

    def _assert_nobody_was_missed(
        self, arrivals: Sequence[Arrival], records: Sequence[DeliveryRecord], excused: set[str]
    ) -> None:
        got = {each.recipient for each in arrivals if each.letter == "welcome"}
        doubtful = {each.address for each in records if each.state is DeliveryState.IN_DOUBT}
        missed = set(self.people) - got - doubtful - excused
        assert not missed, f"{len(missed)} got nothing, such as {sorted(missed)[:3]}"

    def _assert_audit_agrees(self) -> None:
        told = subprocess.run(
            [sys.executable, "-m", "worker", "audit", "--json"],
            env={**inherited(), **self.settings},
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert told.returncode == 0, told.stdout.decode() + told.stderr.decode()
        assert json.loads(told.stdout)["violations"] == []


@contextmanager
def on_ground(kind: str, folder: Path, database_url: str = "", **more: str) -> Iterator[Ground]:
    """Open an installation, with a sink of its own as its mail server.

    Args:
        kind: the database's, as the table names it.
        folder: for the ledger, the logs and the sink's record.
        database_url: a migrated database; by default SQLite in the folder.
        more: settings; they go before ours.
    """
    sink = Sink(folder / "arrivals.jsonl")
    try:
        chosen = {"provider": "smtp", "smtp_url": sink.url, **more}
        if database_url:
            chosen["database_url"] = database_url
        data = folder / "data"
        installation = found(data, **chosen)
        try:
            yield Ground(kind, folder, sink, environment(data, **chosen), installation)
        finally:
            installation.close()
    finally:
        sink.stop()


def wait_until_stopped(pid: int, within: float) -> None:
    """Wait until a process is stopped by a signal."""
    wait_for(lambda: state_of(pid) == "T", within, what="the stop")


def state_of(pid: int) -> str:
    """Return a process's state as the kernel letters it; ``X`` when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def children_of(pid: int) -> list[int]:
    """Return the processes that a process started itself."""
    said = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in said.split()]


def wait_for_seconds(seconds: float) -> None:
    """Let real time pass where a real time-out is what is on trial."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(min(0.05, seconds))


def alive(pid: int) -> bool:
    """Tell whether a process runs, or at least is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return state_of(pid) not in "ZX"
