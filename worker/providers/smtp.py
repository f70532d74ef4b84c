"""Letters to a mail server, over several connections at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from worker.model import Fault, Message, Outcome, Verdict, never
from worker.providers.smtp_answers import cannot_be_named
from worker.providers.smtp_carrying import Sign
from worker.providers.smtp_lanes import Lanes
from worker.providers.smtp_queue import Letter
from worker.providers.smtp_session import read_server, trusted_certificates

_FRESH = 4.0
"""Seconds after which the gate of a letter is too old for its first byte."""

_LOOK_UP = 0.05
"""Seconds between two looks whether somebody is stopping, or the time is over."""

_GRACE = 1.0
"""Seconds past the deadline in which a lane says what became of its letter."""


_LAST = 3.0
"""Seconds that letters in hand have left once somebody is stopping; what has no answer then is in
doubt, but nothing else is."""


class SmtpProvider:
    """Hands letters to one mail server over connections that are kept and used again.

    Thread-safe: letters of all threads wait in one queue, and up to ``connections`` lanes, each
    with a connection, take them from there. They belong to the process that made the provider.

    Args:
        url: see :func:`worker.providers.smtp_session.read_server`.
        connections: how many this process holds at most.
        at_once: letters in one call of :meth:`send_all`.
        sign: puts a signature before a letter; by default none.
        deadline: seconds that one call may take in all; less than the lease of a delivery.
    """

    reaches_people = True
    mixes = True
    keeps_copies = False

    def __init__(
        self,
        url: str,
        *,
        connections: int = 4,
        at_once: int = 20,
        sign: Sign | None = None,
        deadline: float = 25.0,
    ) -> None:
        server = read_server(url)
        self.at_once = at_once
        self._deadline = deadline
        self._lanes = Lanes(server, trusted_certificates(server), connections, sign)

    def send(self, message: Message) -> Outcome:
        """Hand over one letter; see :meth:`send_all`."""
        (outcome,) = self.send_all([message])
        return outcome

    def send_all(
        self, messages: Sequence[Message], stopping: Callable[[], bool] = never
    ) -> Sequence[Outcome]:
        """Hand over letters of any kind.

        Until the first byte of a letter's content every fault is definite. From there to the
        server's answer a broken connection is ``UNKNOWN``; then no further letter of the call is
        begun either. What follows a 250 changes nothing.
        """
        started = time.monotonic()
        until = started + self._deadline
        batch = self._lanes.batch(len(messages), min(started + _FRESH, until), until, stopping)
        letters = [Letter(message, batch) for message in messages]
        for letter in letters:
            if refusal := cannot_be_named(letter.message):
                batch.close(letter, refusal)
        self._lanes.carry([each for each in letters if each.outcome is None])
        ends = until + _GRACE
        while not self._lanes.work(batch, _LOOK_UP):
            now = time.monotonic()
            if stopping():
                ends = min(ends, now + _LAST)
            if not batch.may_begin():
                self._lanes.withdraw(batch)
            if now >= ends:
                batch.end(letters, _NOBODY_KNOWS)
        return [each.outcome for each in letters if each.outcome]

    def waiting(self) -> int:
        """Count letters whose turn has not come."""
        return self._lanes.waiting()

    def forget(self, delivery_ids: Collection[str]) -> None:
        """Do nothing: no copy is kept here."""

    def close(self) -> None:
        """Say goodbye on every idle connection."""
        self._lanes.close()


_NOBODY_KNOWS = Outcome(Verdict.UNKNOWN, "no answer in time", fault=Fault.DOWN)
