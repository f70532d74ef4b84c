"""What a person, an enrollment, a letter or a mail may be: every word that a row may hold."""

from __future__ import annotations

from enum import StrEnum


class SubscriberState(StrEnum):
    """Whether a person may be written to at all."""

    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class EnrollmentState(StrEnum):
    """Whether a person's course goes on; only ``ACTIVE`` ones fall due."""

    ACTIVE = "active"
    PAUSED = "paused"
    HELD = "held"
    COMPLETED = "completed"
    STOPPED = "stopped"


class DeliveryState(StrEnum):
    """The life of a delivery: planned, claimed, handing, then one of the rest."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    HANDING = "handing"
    SENT = "sent"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class ReplyKind(StrEnum):
    """What a mail that came back was."""

    REFLECTION = "reflection"
    COMMAND = "command"
    UNSUBSCRIBE = "unsubscribe"
    MACHINE = "machine"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    STRANGER = "stranger"
    DISCARDED = "discarded"


class Command(StrEnum):
    """What a person may ask for with one word."""

    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    NEXT = "next"


class ConsentWay(StrEnum):
    """How a person came into a course."""

    FORM = "form"
    API = "api"
    LIST = "list"


class Decision(StrEnum):
    """What an operator says became of a letter."""

    SENT = "sent"
    RESEND = "resend"
    FAILED = "failed"


class NoticePurpose(StrEnum):
    """Why service mail is written: it is no letter of a course."""

    CONFIRM = "confirm"
    ALREADY = "already"
    LINK = "link"
    ANSWER = "answer"


class NoticeState(StrEnum):
    """The life of a notice: planned, handing, then one of the rest; void: no longer of use."""

    PLANNED = "planned"
    HANDING = "handing"
    SENT = "sent"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    VOID = "void"


class SignUp(StrEnum):
    """What somebody is told who opens the link in a confirmation.

    ``OPEN``: a button would let them in. ``JOINED``: they are in. ``EXPIRED``: the link is too old,
    or older than their leaving. ``BARRED``: mail to them bounced, or they complained.
    """

    OPEN = "open"
    JOINED = "joined"
    EXPIRED = "expired"
    BARRED = "barred"


class EnrollResult(StrEnum):
    """What became of one person of a list."""

    ENROLLED = "enrolled"
    ALREADY = "already"
    SUPPRESSED = "suppressed"


OPEN_STATES = (DeliveryState.PLANNED, DeliveryState.CLAIMED, DeliveryState.HANDING)

PACING_STATES = (DeliveryState.SENT, DeliveryState.IN_DOUBT)
