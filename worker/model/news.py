"""What a provider tells about a letter afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class News(StrEnum):
    """What an event means to us, whatever the provider calls it.

    ``DROPPED`` is a refusal that is our own fault, such as a quota; an address at fault is
    ``BOUNCED``. ``OTHER`` changes nothing and is kept.
    """

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    BLOCKED = "blocked"
    BOUNCED = "bounced"
    DROPPED = "dropped"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Event:
    """News about one letter, from a provider's webhook or a report by mail.

    Attributes:
        provider: ``sendgrid``, or ``mail`` for reports that came as mail.
        event_id: the provider's own, which a retry may change; ``None`` without one.
        kind: the provider's own word.
        delivery_id: ours; ``None`` when the event does not carry it.
        address: normalised; empty when the event names none.
        message_ref: the provider's id of the message; empty when it names none.
        detail: its reason, without addresses.
        body: as it came, for what we do not understand yet.
        undelivered: the letter did not reach its person, whatever else this means for them; of
            a bounce and a drop that goes without saying.
    """

    provider: str
    event_id: str | None
    kind: str
    news: News
    delivery_id: str | None
    address: str
    occurred_at: datetime
    message_ref: str
    detail: str
    body: str
    undelivered: bool = False


@dataclass(frozen=True, slots=True)
class EventTally:
    """What became of one batch of events.

    Attributes:
        new: taken for the first time.
        known: told before, also those told twice in this batch.
        stopped: people who get nothing any more because of this batch.
        unmatched: new ones about nobody and nothing that this ledger knows.
        drops: why the provider did not even try, each reason once: our own faults, to be mended.
    """

    new: int = 0
    known: int = 0
    stopped: int = 0
    unmatched: int = 0
    drops: tuple[str, ...] = ()
