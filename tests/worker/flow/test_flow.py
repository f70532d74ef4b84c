"""From the ledger through the flow to a provider that is down, shut or too slow, and back."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.peers.loopback import Fault, Refuse
from tests.peers.sendgrid import SendGrid, sendgrid
from tests.worker.ledger import ACCEPTED, LINKS, World, person
from tests.worker.smtp_sink import Sink, sink
from worker.delivery import Courier, tick
from worker.flow import Breaker, Bucket, RegulatedFlow, open_flow
from worker.model import Fault as OfProvider
from worker.model import Message, Outcome, Provider, Tally, Verdict
from worker.providers.sendgrid import SendGridProvider
from worker.providers.smtp import SmtpProvider
from worker.settings import read_settings

PEOPLE = 30


@pytest.fixture
def crowd(world: World) -> World:
    world.enroll(*(person(f"p{number:02}") for number in range(PEOPLE)))
    return world


def regulated(world: World, rate: float = 0.0) -> RegulatedFlow:
    bucket = Bucket(rate) if rate else None
    return RegulatedFlow(world.clock.boot, bucket, Breaker(lambda: 0.5))


def courier(world: World, provider: Provider, flow: RegulatedFlow) -> Courier:
    """Return one whose rests let time pass on the hand clock."""

    def rest(seconds: float) -> None:
        world.clock.advance(timedelta(seconds=seconds))

    return Courier(world.store, provider, LINKS, world.clock, "w1", flow=flow, rest=rest)


def wait_for(world: World, flow: RegulatedFlow) -> None:
    world.clock.advance(timedelta(seconds=flow.again_in()))


def by_sendgrid(world: World, server: SendGrid) -> SendGridProvider:
    return SendGridProvider(server.api_key, server.url, world.clock.wall, deadline=5.0)


def test_while_the_server_is_down_rows_stay_due_and_come_back_alone(crowd: World) -> None:
    with sink() as gone:
        pass
    provider, flow = SmtpProvider(gone.url, deadline=5.0), regulated(crowd)
    work = courier(crowd, provider, flow)
    assert tick(work) == Tally(claimed=20)
    assert flow.why == "the provider cannot be reached (connecting: Connection refused)"
    assert crowd.store.due_count(crowd.clock.now(), 100) == PEOPLE - 20
    assert tick(work) == Tally()
    back = Sink(port=gone.port)
    try:
        wait_for(crowd, flow)
        assert tick(work).sent == PEOPLE - 20
        assert flow.why == ""
        crowd.clock.advance(timedelta(seconds=10))
        assert tick(work).sent == 20
    finally:
        provider.close()
        back.close()
    got = Counter(taken.recipient for taken in back.taken)
    assert len(got) == PEOPLE
    assert set(got.values()) == {1}
    assert crowd.store.audit().violations == ()


def test_a_trial_that_fails_costs_one_letter(crowd: World) -> None:
    with sink() as gone:
        pass
    provider, flow = SmtpProvider(gone.url, deadline=5.0), regulated(crowd)
    work = courier(crowd, provider, flow)
    tick(work)
    for _ in range(4):
        wait_for(crowd, flow)
        due = crowd.store.due_count(crowd.clock.now(), 100)
        assert tick(work).claimed == 1
        assert crowd.store.due_count(crowd.clock.now(), 100) == due - 1
    provider.close()


@pytest.mark.parametrize(
    ("fault", "shut"),
    [
        (Refuse(401), "the provider does not let us in"),
        (Refuse(403), "the provider does not let us in"),
        (Refuse(429), "the provider asks us to wait"),
        (Refuse(429, b"", {"Retry-After": "60"}), "the provider asks us to wait"),
        (Refuse(503, b"", {"Retry-After": "60"}), "the provider cannot be reached"),
    ],
)
def test_one_answer_of_sendgrid_is_enough_to_stop_and_one_to_go_on(
    crowd: World, fault: Fault, shut: str
) -> None:
    flow = regulated(crowd)
    with sendgrid() as server:
        provider = by_sendgrid(crowd, server)
        work = courier(crowd, provider, flow)
        server.meet(fault)
        tick(work)
        assert server.http.connections == 1
        assert not server.accepted
        assert flow.why.startswith(shut)
        crowd.clock.advance(timedelta(seconds=flow.again_in() - 0.1))
        assert tick(work) == Tally()
        assert not server.accepted
        if isinstance(fault, Refuse) and fault.headers:
            assert crowd.clock.boot() >= 59
        crowd.clock.advance(timedelta(minutes=2))
        tick(work)
        provider.close()
    # A 503 may have been taken, so that letter is not sent again.
    doubts = 1 if fault == Refuse(503, b"", {"Retry-After": "60"}) else 0
    got = Counter(mail.recipient for mail in server.accepted)
    assert (len(got), set(got.values())) == (PEOPLE - doubts, {1})
    assert crowd.store.audit().in_doubt == doubts


def test_a_wrong_key_is_tried_once_a_pause_until_it_is_mended(crowd: World) -> None:
    flow = regulated(crowd)
    with sendgrid() as server:
        provider = by_sendgrid(crowd, server)
        work = courier(crowd, provider, flow)
        right, server.api_key = server.api_key, "SG.revoked"
        tick(work)
        for _ in range(4):
            wait_for(crowd, flow)
            tick(work)
        assert [call.status for call in server.calls] == [401] * 5
        server.api_key = right
        wait_for(crowd, flow)
        tick(work)
        crowd.clock.advance(timedelta(hours=1))
        tick(work)
        provider.close()
    assert Counter(mail.recipient for mail in server.accepted).total() == PEOPLE
    assert crowd.store.audit().failed == 0


def test_a_rate_is_kept_by_the_clock_that_nobody_sets(crowd: World) -> None:
    handed: list[float] = []

    def note(_: Message) -> Outcome:
        handed.append(crowd.clock.boot())
        return ACCEPTED

    crowd.mailbox.answer = note
    assert tick(courier(crowd, crowd.mailbox, regulated(crowd, rate=5))).sent == PEOPLE
    assert all(number <= 5 + 5 * at + 1e-6 for number, at in enumerate(handed, start=1))
    assert 5.0 - 1e-6 <= handed[-1] < 8.0


def test_leave_that_nobody_needs_is_given_back(world: World) -> None:
    flow = regulated(world, rate=5)
    work = courier(world, world.mailbox, flow)
    for _ in range(50):
        assert tick(work) == Tally()
    world.enroll(*(person(f"p{number}") for number in range(5)))
    assert tick(work).sent == 5


def test_service_mail_waits_too_and_goes_first(world: World) -> None:
    flow = regulated(world, rate=1)
    work = courier(world, world.mailbox, flow)
    world.enroll(person("ben"))
    world.store.ask_to_join("motivation", person("cleo"), "Yes.", world.clock.now())
    flow.learn([Outcome(Verdict.DEFERRED, fault=OfProvider.CREDENTIALS)])
    tick(work)
    assert world.mailbox.messages == []
    wait_for(world, flow)
    tick(work)
    got = [each.recipient for each in world.mailbox.messages]
    assert got == ["cleo@example.net", "ben@example.net"]


def test_without_settings_nothing_is_counted_and_the_breaker_stands(tmp_path: Path) -> None:
    flow = open_flow(read_settings({"LETTERCOURSE_DATA_DIR": str(tmp_path)}), lambda: 0.0)
    assert flow.admit(10_000) == 10_000
    flow.learn([Outcome(Verdict.DEFERRED, fault=OfProvider.CREDENTIALS)])
    assert flow.admit(1) == 0
