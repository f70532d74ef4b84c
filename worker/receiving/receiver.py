"""Receiving: a mail that came in becomes a reflection, a command, an event, or is filed apart."""

from __future__ import annotations

from dataclasses import dataclass

from worker.inbound import InboundMail, MailReader
from worker.links import Links
from worker.model import Clock, Moment, ReplyKind
from worker.receiving.clues import clues_in
from worker.receiving.judging import judge
from worker.receiving.reports import news_in
from worker.store import Filed, Reply, Store


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who receives mail, with what."""

    store: Store
    links: Links
    reader: MailReader
    clock: Clock


@dataclass(frozen=True, slots=True)
class Received:
    """What a mail became.

    Attributes:
        is_new: whether it was filed now; a copy of a mail that is there changes nothing.
        answer: the name of the answer that its sender gets; empty for none.
        course: the course it belongs to; empty for none.
        lesson: key of the letter it answers, as it was called then; empty for none.
        verified: it came back to that person's letter, from them, and their domain vouched for it.
    """

    kind: ReplyKind
    why: str
    is_new: bool
    answer: str
    course: str
    lesson: str
    verified: bool


def receive(receiver: Receiver, mail: InboundMail) -> Received:
    """Take a mail in for good: when this returns, it is filed, once.

    Raises:
        LettercourseError: the database could not be written; nothing was done, try again.
    """
    moment = Moment(receiver.clock.now(), receiver.clock.wall())
    parsed = receiver.reader.read(mail)
    origin = receiver.store.trace(clues_in(mail, parsed, receiver.links))
    reply = judge(mail, parsed, origin)
    event = news_in(parsed, origin, reply.fingerprint, moment.wall)
    if event is not None:
        receiver.store.record_events([event], moment)  # first: once more changes nothing
    return _received(reply, receiver.store.file_reply(reply, moment.now))


def _received(reply: Reply, filed: Filed) -> Received:
    origin = None if filed.kind is ReplyKind.DISCARDED else reply.origin
    return Received(
        kind=filed.kind,
        why=filed.why,
        is_new=filed.is_new,
        answer=filed.answer,
        course=origin.course if origin else "",
        lesson=(origin.letter_key or "") if origin else "",
        verified=reply.verified,
    )
