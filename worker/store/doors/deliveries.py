"""The life of a delivery, and of service mail: claim, gate, settle, reap."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property

from worker.group_commit import GroupCommit
from worker.model import (
    Claimed,
    DueNotice,
    Gated,
    Moment,
    Outcome,
    Tally,
)
from worker.store import (
    claiming,
    gating,
    returning,
    service_mail,
    settling,
)
from worker.store.doors.base import Door
from worker.store.gating import Gate, Window
from worker.store.noting import note_gates


class Deliveries(Door):
    """The life of a delivery, and of service mail: claim, gate, settle, reap."""

    def claim(self, owner: str, moment: Moment, lease: timedelta, limit: int) -> list[Claimed]:
        """Take up to ``limit`` due letters under a lease; empty only when nothing is due."""
        name = self.installation_id()
        with self._database.writing() as connection:
            return claiming.claim(connection, self._editions, name, owner, moment, lease, limit)

    def gate(
        self,
        claimed: Sequence[Claimed],
        owner: str,
        moment: Moment,
        deadline: timedelta,
        answered: Sequence[tuple[Gated, Outcome]] = (),
    ) -> Gate:
        """Let through what may still be received; durable on return: the hand-over.

        Windows that wait for others to pass go through together, in one commit.

        Args:
            claimed: the owner's, one window.
            owner: who claimed them.
            moment: now.
            deadline: until when their answers must be settled.
            answered: answers of the window before, settled by the same commit.
        """
        return self._gates(Window(claimed, owner, moment, deadline, answered))

    @cached_property
    def _gates(self) -> GroupCommit[Window, Gate]:
        return GroupCommit(self._gate)

    def _gate(self, windows: Sequence[Window]) -> Sequence[Gate]:
        with self._database.writing() as connection:
            gates = gating.gate(connection, self._editions, windows)
            for gate in gates:
                note_gates(connection, self._editions, gate.passed)
        return gates

    def settle(self, results: Sequence[tuple[Gated, Outcome]], moment: Moment) -> Tally:
        """Record what became of hand-overs; answers of a former owner change nothing."""
        with self._database.writing() as connection:
            settled = settling.settle(connection, self._editions, results, moment)
        return settling.tally(settled.values())

    def give_back(self, gated: Sequence[Gated], moment: Moment) -> None:
        """Undo the hand-over of letters not begun; they are due at once."""
        with self._database.writing() as connection:
            returning.give_back(connection, self._editions, gated, moment)

    def give_back_lost(self, claimed: Sequence[Claimed], owner: str, moment: Moment) -> None:
        """Undo a gate whose commit got no answer, if there was one, and the claim with it."""
        with self._database.writing() as connection:
            returning.give_back_lost(connection, self._editions, claimed, owner, moment)

    def release(self, claimed: Sequence[Claimed], owner: str) -> None:
        """Give up claims that were not taken to a gate; they are due at once."""
        with self._database.writing() as connection:
            returning.release(connection, claimed, owner)

    def reap(self, moment: Moment) -> Tally:
        """Plan again what was claimed and lost; doubt what was handed over and lost."""
        with self._database.writing() as connection:
            service_mail.reap_notices(connection, moment)
            return returning.reap(connection, self._editions, moment)

    def due_count(self, now: datetime, limit: int) -> int:
        """Count due letters and service mail, to ``limit`` at most."""
        with self._database.reading() as connection:
            letters = claiming.due_count(connection, now, limit)
            return min(letters + service_mail.due_notices(connection, now, limit), limit)

    def next_due_at(self) -> datetime | None:
        """Return when the next mail of any kind falls due, past or future; ``None``: never."""
        with self._database.reading() as connection:
            letter, notice = (
                claiming.next_due_at(connection),
                service_mail.next_notice_at(connection),
            )
            return min((each for each in (letter, notice) if each is not None), default=None)

    def is_quiet(self, now: datetime) -> bool:
        """Tell whether at this one moment nothing is due and no mail of any kind is under way."""
        with self._database.reading() as connection:
            return not (
                claiming.due_count(connection, now, 1)
                or service_mail.due_notices(connection, now, 1)
                or claiming.is_under_way(connection)
                or service_mail.is_handing_notices(connection)
            )

    def begin_notices(
        self, moment: Moment, limit: int, deadline: timedelta, due_by: datetime | None = None
    ) -> list[DueNotice]:
        """Let through service mail that is due and of use; durable on return: the hand-over.

        Args:
            moment: now.
            limit: how many at most; fewer only when no more are due.
            deadline: until when the answer must be settled.
            due_by: take only what fell due by then; by default, by now.
        """
        with self._database.writing() as connection:
            by = due_by or moment.now
            return service_mail.begin_notices(connection, moment, limit, deadline, by)

    def settle_notices(self, results: Sequence[tuple[DueNotice, Outcome]], moment: Moment) -> None:
        """Record what became of service mail; answers to a former attempt change nothing."""
        with self._database.writing() as connection:
            service_mail.settle_notices(connection, results, moment)

    def is_handing_notices(self) -> bool:
        """Tell whether service mail is under way."""
        with self._database.reading() as connection:
            return service_mail.is_handing_notices(connection)
