"""Letters through SendGrid's HTTP API, one recipient a call, or several by choice."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from worker.model import Fault, Message, Outcome, Verdict, never
from worker.providers.sendgrid_answers import OURS_TO_MEND, blamed, outcome
from worker.providers.sendgrid_payload import batch, single
from worker.providers.sendgrid_transport import Answer, Lost, NotSent, Transport

PATH = "/v3/mail/send"

_FRESH = 4.0
"""Seconds after which the gate of a batch is too old for another call's first byte."""

log = logging.getLogger(__name__)


class SendGridProvider:
    """Hands letters to one SendGrid account.

    Thread-safe, and safe to use after a fork. There is no idempotency key: what may have been
    taken is never posted again.

    Args:
        api_key: with the right to send mail.
        url: the API's base, without a trailing slash.
        wall: tells the machine's instant, which waits are counted from.
        batch: recipients in one call of :meth:`send_all`, 1 to 1000.
        sandbox: have letters checked and not delivered.
        deadline: seconds that one call may take in all; less than the lease of a delivery.
    """

    reaches_people = True
    mixes = False
    keeps_copies = False

    def __init__(
        self,
        api_key: str,
        url: str,
        wall: Callable[[], datetime],
        *,
        batch: int = 1,
        sandbox: bool = False,
        deadline: float = 25.0,
    ) -> None:
        self.at_once = batch
        self._wall = wall
        self._sandbox = sandbox
        self._transport = Transport(url + PATH, api_key, deadline=deadline)
        self._turned_away = False

    def send(self, message: Message) -> Outcome:
        """Hand over one letter in a call of its own.

        Until the first byte of the request's body every fault is definite. From there to the
        answer a broken connection, a passed deadline and a 5xx are ``UNKNOWN``.
        """
        return self._settled(self._post(single(message, sandbox=self._sandbox)), [message])

    def send_all(
        self,
        messages: Sequence[Message],
        stopping: Callable[[], bool] = never,  # noqa: ARG002 - most often this is one call
    ) -> Sequence[Outcome]:
        """Hand over letters in one call, whose answer is the answer to each of them.

        A definite no to the whole says that nobody's letter was taken: those whose address it
        names are then sent alone, and so is what does not fit into the call. What there is no
        time for after that is deferred.
        """
        started = time.monotonic()
        outcomes: dict[int, Outcome] = {}
        waiting = list(messages)
        alone: list[Message] = []
        while waiting and self._has_time(started):
            call = batch(waiting, sandbox=self._sandbox)
            alone.extend(call.left_over)
            waiting = []
            if not call.messages:
                break
            answer = self._post(call.body)
            result = self._settled(answer, call.messages)
            if result.verdict is not Verdict.REFUSED or not isinstance(answer, Answer):
                outcomes |= {id(message): result for message in call.messages}
                break
            at_fault = blamed(answer)
            for number, message in enumerate(call.messages):
                (alone if number in at_fault or not at_fault else waiting).append(message)
        for message in alone:
            if not self._has_time(started):
                break
            outcomes[id(message)] = self.send(message)
        later = Outcome(Verdict.DEFERRED, "not begun: its batch took too long")
        return [outcomes.get(id(message), later) for message in messages]

    def forget(self, delivery_ids: Collection[str]) -> None:
        """Do nothing: no copy is kept here."""

    def close(self) -> None:
        """Let go of idle connections."""
        self._transport.close()

    def _post(self, body: bytes) -> Answer | Outcome:
        try:
            return self._transport.post(body)
        except NotSent as fault:
            return Outcome(Verdict.DEFERRED, str(fault), fault=Fault.DOWN)
        except Lost as fault:
            return Outcome(Verdict.UNKNOWN, str(fault), fault=Fault.DOWN)

    def _settled(self, answer: Answer | Outcome, messages: Iterable[Message]) -> Outcome:
        if isinstance(answer, Outcome):
            return answer
        recipients = [message.recipient for message in messages]
        result = outcome(answer, recipients, self._wall(), sandbox=self._sandbox)
        self._complain(answer.status, result.detail)
        return result

    def _complain(self, status: int, detail: str) -> None:
        """Say once, not for every letter, that SendGrid turns us away."""
        turned_away = status in OURS_TO_MEND
        if turned_away and not self._turned_away:
            log.error(
                "SendGrid turns us away: %s (check LETTERCOURSE_SENDGRID_API_KEY, its right to"
                " send mail, the credits left and that the sender is verified; letters wait)",
                detail,
            )
        self._turned_away = turned_away

    @staticmethod
    def _has_time(started: float) -> bool:
        return time.monotonic() - started < _FRESH
