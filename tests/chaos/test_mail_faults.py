"""What mail servers and HTTP services do to a hand-over: a no is definite, a silence a doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from tests.chaos.ground import Ground
from tests.chaos.sink import Arrival
from tests.peers.loopback import CutAfter, CutBefore, Deaf, Drip, Fault, Refuse, Stall
from tests.peers.sendgrid import SendGrid, sendgrid
from worker.clocks import machine_time
from worker.delivery import tick
from worker.model import DeliveryState, Provider
from worker.providers import SmtpProvider
from worker.providers.sendgrid import SendGridProvider

PEOPLE = 12
SHORT = 1.5
"""Seconds that one hand-over may take, where the fault is a silence."""


@dataclass(frozen=True)
class Bad:
    """What the mail server does once, and what that makes of letters.

    Attributes:
        verb: in answer to which verb.
        action: as ``tests.chaos.sink`` writes it.
        doubts: letters in doubt afterwards, at most.
        refused: letters that are refused for good, at most.
    """

    verb: str
    action: str
    doubts: int = 0
    refused: int = 0

    def __str__(self) -> str:
        return f"{self.verb} {self.action}"


SMTP = (
    Bad("connect", "421 4.3.2 closing"),
    Bad("connect", "554 5.3.2 no service"),
    Bad("connect", "cut"),
    Bad("connect", "stall"),
    Bad("EHLO", "421 4.3.2 closing"),
    Bad("EHLO", "502 5.5.1 what?"),
    Bad("EHLO", "cut"),
    Bad("MAIL", "451 4.3.0 later"),
    Bad("MAIL", "421 4.3.2 closing"),
    Bad("MAIL", "550 5.7.1 not from you", refused=1),
    Bad("MAIL", "cut"),
    Bad("MAIL", "stall"),
    Bad("RCPT", "450 4.2.1 later"),
    Bad("RCPT", "550 5.1.1 no such user", refused=1),
    Bad("RCPT", "cut"),
    Bad("RCPT", "drip 0.2"),
    Bad("DATA", "451 4.3.0 later"),
    Bad("DATA", "554 5.7.1 no", refused=1),
    Bad("DATA", "cut"),
    Bad("content", "452 4.3.1 full"),
    Bad("content", "554 5.7.1 spam", refused=1),
    Bad("content", "421 4.3.2 closing"),
    Bad("content", "cut 3", doubts=1),
    Bad("content", "cut", doubts=1),
    Bad("content", "taken cut", doubts=1),
    Bad("content", "stall", doubts=1),
    Bad("content", "taken stall", doubts=1),
    Bad("content", "drip 0.2", doubts=1),
    Bad("QUIT", "421 4.3.2 closing"),
    Bad("QUIT", "cut"),
)
QUICK = ("content cut", "content taken cut", "RCPT 450 4.2.1 later", "QUIT 421 4.3.2 closing")


CASES = [
    pytest.param(bad, id=str(bad), marks=() if str(bad) in QUICK else pytest.mark.chaos)
    for bad in SMTP
]


@pytest.mark.row(name="smtp-faults", title="SMTP faults at each verb: no, cut, silence, drip")
@pytest.mark.parametrize("bad", CASES)
def test_a_mail_server_that_misbehaves_gets_no_letter_twice_and_every_letter_once(
    sqlite_ground: Ground, bad: Bad
) -> None:
    ground = sqlite_ground
    ground.enroll(PEOPLE)
    # A provider that keeps many letters under way may have them all answered alike.
    ground.sink.script(**{bad.verb: [None, bad.action, None, None, bad.action]})
    provider = SmtpProvider(ground.sink.url, deadline=SHORT)
    for _ in range(2):
        tick(replace(ground.installation.courier(), provider=provider))
    ground.sink.script()
    provider.close()
    ground.come_to_an_end()
    refused = {each.address for each in ground.records(DeliveryState.FAILED)}
    assert len(refused) <= 2 * bad.refused
    ground.judge(undeliverable=refused, doubts=2 * bad.doubts)


HTTP: dict[str, tuple[Sequence[Fault], int]] = {
    "accepted, then reset": ([CutAfter()], 1),
    "accepted, then closed": ([CutAfter(reset=False)], 1),
    "reset at the head": ([CutBefore()], 1),
    "the body never read": ([Deaf()], 1),
    "429 with Retry-After": ([Refuse(429, headers={"Retry-After": "2"})], 0),
    "429 without": ([Refuse(429)], 0),
    "500": ([Refuse(500, b"oops")], 1),
    "503": ([Refuse(503, b"oops")], 1),
    "a drip past the deadline": ([Drip(0.2)], 1),
    "no answer": ([Stall()], 1),
    "401": ([Refuse(401, b'{"errors": [{"message": "revoked"}]}')], 0),
    "413": ([Refuse(413)], 0),
}


@pytest.mark.chaos
@pytest.mark.row(
    name="http-faults", title="HTTP faults of SendGrid: reset, 429, 5xx, drip, silence"
)
@pytest.mark.parametrize("fault", HTTP)
def test_a_service_that_misbehaves_gets_no_letter_twice_and_every_letter_once(
    sqlite_ground: Ground, fault: str
) -> None:
    ground = sqlite_ground
    ground.enroll(PEOPLE)
    faults, doubts = HTTP[fault]
    with sendgrid() as service:
        ground.outside = lambda: arrivals_at(service)
        service.meet(None, *faults, None, None, *faults)
        tick(replace(ground.installation.courier(), provider=carried_by(service, SHORT)))
        ground.come_to_an_end(carried_by(service, 20.0))
        refused = {each.address for each in ground.records(DeliveryState.FAILED)}
        assert len(refused) <= (2 if fault == "413" else 0)
        ground.judge(undeliverable=refused, doubts=2 * doubts)


def carried_by(service: SendGrid, deadline: float) -> Provider:
    return SendGridProvider(service.api_key, service.url, machine_time, deadline=deadline)


def arrivals_at(service: SendGrid) -> list[Arrival]:
    return [
        Arrival(
            at=0.0,
            recipient=mail.recipient,
            message_id=mail.headers["Message-ID"],
            letter=mail.subject.partition(": ")[2],
        )
        for mail in service.accepted
    ]
