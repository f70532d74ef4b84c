"""What providers tell, and what it does to letters, courses and people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from tests.worker.databases import Databases, query
from tests.worker.ledger import (
    ACCEPTED,
    DAY,
    DEFERRED,
    LEASE,
    MONDAY,
    NO_SUCH_PERSON,
    REFUSED,
    UNKNOWN,
    World,
    edition,
    person,
)
from tests.worker.news import told
from worker.model import (
    ConsentWay,
    DeliveryState,
    EnrollmentState,
    Event,
    EventTally,
    Moment,
    News,
    NoticePurpose,
    NoticeState,
    Outcome,
    SubscriberState,
)
from worker.pseudonyms import Pseudonyms
from worker.store.notices import plan_notice
from worker.store.schema import consents, notices

SECOND = timedelta(seconds=1)
REACHED = (News.ACCEPTED, News.DELIVERED, News.BLOCKED)


@pytest.fixture
def world(world: World) -> World:
    """Ben takes the course; his welcome is due."""
    world.enroll(person("ben"))
    return world


def hear(world: World, *events: Event) -> EventTally:
    return world.store.record_events(events, world.clock.moment())


def in_doubt(world: World) -> str:
    """Hand over the welcome and lose its answer."""
    gated = world.hand_over()
    world.settle(gated, UNKNOWN)
    return gated.claimed.id


@pytest.mark.parametrize("news", REACHED)
def test_news_of_a_letter_settles_a_doubt(world: World, news: News) -> None:
    delivery = in_doubt(world)
    next_at = world.stands().next_at
    assert hear(world, told(news, delivery)) == EventTally(new=1)
    assert world.state_of(delivery) is DeliveryState.SENT
    assert world.stands().next_at == next_at
    assert world.store.audit().violations == ()


@pytest.mark.parametrize("news", REACHED)
@pytest.mark.parametrize("late", [ACCEPTED, UNKNOWN, DEFERRED, REFUSED, NO_SUCH_PERSON])
def test_an_event_before_our_own_settle_wins(world: World, news: News, late: Outcome) -> None:
    gated = world.hand_over()
    hear(world, told(news, gated.claimed.id))
    stands = world.stands()
    assert stands.next == "goals"
    assert stands.next_at is not None
    assert world.settle(gated, late).sent == 0
    assert world.state_of(gated.claimed.id) is DeliveryState.SENT
    assert world.stands() == stands


def test_a_course_goes_on_after_an_event_as_after_our_own_settle(world: World) -> None:
    world.enroll(person("cleo"))
    first, second = world.gate(world.claim())
    hear(world, told(News.ACCEPTED, first.claimed.id))
    world.settle(second, ACCEPTED)
    assert world.stands("ben") == world.stands("cleo")


def test_a_finale_that_arrived_completes_the_course(world: World) -> None:
    for _ in range(3):
        world.tick()
        world.clock.advance(2 * DAY)
    gated = world.hand_over()
    assert gated.claimed.letter_key == "finale"
    hear(world, told(News.DELIVERED, gated.claimed.id, world.clock.at))
    assert world.stands().state is EnrollmentState.COMPLETED
    assert world.store.audit().violations == ()


def test_the_earliest_delivery_counts(world: World) -> None:
    gated = world.hand_over()
    for minutes in (7, 3, 5):
        at = MONDAY + timedelta(minutes=minutes)
        hear(world, told(News.DELIVERED, gated.claimed.id, at))
    state, why = world.why("welcome")
    assert state == "sent"
    assert "delivered at 2026-03-02 07:03 UTC" in why


def test_that_a_letter_did_not_arrive_outweighs_what_a_person_said(world: World) -> None:
    gated = world.hand_over()
    dropped = told(News.UNSUBSCRIBED, gated.claimed.id, kind="dropped", undelivered=True)
    hear(world, dropped, told(News.COMPLAINED, gated.claimed.id))
    assert world.state_of(gated.claimed.id) is DeliveryState.FAILED
    assert world.store.standing("ben@example.net").state is SubscriberState.COMPLAINED


def test_of_two_bounces_the_first_ones_words_are_told(world: World) -> None:
    gated = world.hand_over()
    for words, at in (("late", MONDAY + SECOND), ("early", MONDAY), ("later", MONDAY + DAY)):
        hear(world, told(News.BOUNCED, gated.claimed.id, at, detail=words))
    assert world.why("welcome")[1] == "bounced: early"


def test_a_letter_dropped_before_our_own_settle_can_be_sent_again(world: World) -> None:
    gated = world.hand_over()
    hear(world, told(News.DROPPED, gated.claimed.id))
    world.clock.advance(timedelta(hours=1))
    world.store.resume("ben@example.net", None, world.clock.now())
    again = world.hand_over()
    world.settle(gated, ACCEPTED)  # the first hand-over's late answer is nobody's any more
    assert world.state_of(gated.claimed.id) is DeliveryState.HANDING
    world.settle(again, ACCEPTED)
    assert world.state_of(gated.claimed.id) is DeliveryState.SENT
    assert world.store.audit().violations == ()


def test_a_letter_that_we_believed_refused_was_not_if_it_arrived(world: World) -> None:
    gated = world.hand_over()
    world.settle(gated, REFUSED)
    assert world.stands().state is EnrollmentState.HELD
    hear(world, told(News.DELIVERED, gated.claimed.id))
    assert world.stands().state is EnrollmentState.ACTIVE
    assert world.stands().next == "goals"
    assert world.state_of(gated.claimed.id) is DeliveryState.SENT
    assert world.store.audit().violations == ()


def test_a_letter_that_was_to_be_tried_again_is_not_if_it_arrived(world: World) -> None:
    gated = world.hand_over()
    world.settle(gated, DEFERRED)
    hear(world, told(News.ACCEPTED, gated.claimed.id))
    world.clock.advance(timedelta(hours=1))
    assert world.claim() == []
    assert world.state_of(gated.claimed.id) is DeliveryState.SENT


def test_a_letter_that_a_worker_is_about_to_send_again_is_not_if_it_arrived(world: World) -> None:
    gated = world.hand_over()
    world.settle(gated, DEFERRED)
    world.clock.advance(timedelta(seconds=20))
    claimed = world.claim()
    hear(world, told(News.DELIVERED, gated.claimed.id))
    assert world.gate(claimed) == []
    assert world.state_of(gated.claimed.id) is DeliveryState.SENT


@pytest.mark.parametrize("before", [None, ACCEPTED, UNKNOWN, DEFERRED, REFUSED])
def test_a_bounce_fails_the_letter_and_stops_the_person_whatever_came_before(
    world: World, before: Outcome | None
) -> None:
    gated = world.hand_over()
    if before is not None:
        world.settle(gated, before)
    hear(world, told(News.DELIVERED, gated.claimed.id))
    bounce = told(News.BOUNCED, gated.claimed.id, detail="550 5.1.1 no such user")
    assert hear(world, bounce) == EventTally(new=1, stopped=1)
    hear(world, told(News.DELIVERED, gated.claimed.id, MONDAY + SECOND))
    assert world.state_of(gated.claimed.id) is DeliveryState.FAILED
    assert world.store.standing("ben@example.net").state is SubscriberState.BOUNCED
    assert world.stands().state is EnrollmentState.STOPPED
    assert world.why("welcome") == ("failed", "bounced: 550 5.1.1 no such user")
    assert world.store.audit().violations == ()


@pytest.mark.parametrize(
    ("news", "state"),
    [
        (News.COMPLAINED, SubscriberState.COMPLAINED),
        (News.UNSUBSCRIBED, SubscriberState.UNSUBSCRIBED),
        (News.BOUNCED, SubscriberState.BOUNCED),
    ],
)
@pytest.mark.parametrize("names_the_letter", [True, False])
def test_whoever_is_to_be_stopped_passes_no_gate(
    world: World, news: News, state: SubscriberState, names_the_letter: bool
) -> None:
    world.tick()
    (welcome,) = world.store.deliveries()
    world.clock.advance(2 * DAY)
    claimed = world.claim()
    event = told(news, welcome.id if names_the_letter else None, address="ben@example.net")
    assert hear(world, event).stopped == 1
    assert world.gate(claimed) == []
    assert world.store.standing("ben@example.net").state is state
    assert world.state_of(claimed[0].id) is DeliveryState.CANCELLED
    assert world.store.audit().violations == ()


def test_a_letter_that_was_dropped_holds_the_course_until_it_is_tried_again(world: World) -> None:
    gated = world.hand_over()
    world.settle(gated, ACCEPTED)
    drop = told(News.DROPPED, gated.claimed.id, detail="Recipient List over Package Quota")
    tally = hear(world, drop)
    assert tally == EventTally(new=1, drops=("Recipient List over Package Quota",))
    assert world.stands().state is EnrollmentState.HELD
    assert world.why("welcome") == (
        "failed",
        "the provider dropped it: Recipient List over Package Quota; the course is held until: "
        "lettercourse subscribers resume ben@example.net",
    )
    world.clock.advance(timedelta(hours=1))
    world.store.resume("ben@example.net", None, world.clock.now())
    hear(world, told(News.OTHER, gated.claimed.id), told(News.ACCEPTED, gated.claimed.id))
    again = world.hand_over()
    assert again.claimed.id == gated.claimed.id
    hear(world, told(News.DELIVERED, gated.claimed.id, world.clock.at))
    assert world.state_of(gated.claimed.id) is DeliveryState.SENT
    assert world.stands().next == "goals"
    assert hear(world, replace(drop, event_id="fresh")) == EventTally(known=1)
    assert world.store.audit().violations == ()


def test_a_letter_that_was_dropped_late_does_not_hold_what_went_on(world: World) -> None:
    world.tick()
    (welcome,) = world.store.deliveries()
    world.clock.advance(2 * DAY)
    world.tick()
    hear(world, told(News.DROPPED, welcome.id))
    assert world.state_of(welcome.id) is DeliveryState.FAILED
    assert world.stands().state is EnrollmentState.ACTIVE
    assert world.stands().next == "support"
    assert world.store.audit().violations == ()


@pytest.mark.parametrize("news", [News.UNSUBSCRIBED, News.COMPLAINED])
def test_a_drop_for_the_persons_sake_fails_the_letter_and_stops_them(
    world: World, news: News
) -> None:
    gated = world.hand_over()
    event = told(news, gated.claimed.id, kind="dropped", undelivered=True, detail="on their list")
    assert hear(world, event) == EventTally(new=1, stopped=1)
    assert world.state_of(gated.claimed.id) is DeliveryState.FAILED
    assert world.why("welcome")[1] == "the provider dropped it: on their list"
    assert world.store.standing("ben@example.net").state.value == news.value


def test_a_block_is_counted_once_and_stops_nobody(world: World) -> None:
    gated = world.hand_over()
    blocked = told(News.BLOCKED, gated.claimed.id, detail="550 5.7.1 by policy")
    hear(world, blocked, blocked, replace(blocked, event_id="fresh"))
    hear(world, replace(blocked, event_id="fresher"))
    assert query(world.store, "SELECT state, blocks FROM subscribers") == [("active", 1)]
    state, why = world.why("welcome")
    assert state == "sent"
    assert "blocked by the receiving server: 550 5.7.1 by policy" in why


def test_a_complaint_is_told_with_its_letter(world: World) -> None:
    gated = world.hand_over()
    hear(world, told(News.COMPLAINED, gated.claimed.id))
    assert "they complained about it" in world.why("welcome")[1]


# Once


def test_an_event_counts_once_however_often_it_comes(world: World) -> None:
    gated = world.hand_over()
    event = told(News.DELIVERED, gated.claimed.id)
    retold = replace(event, event_id="another of the provider's ids")
    renamed = replace(event, occurred_at=MONDAY + SECOND)  # the id alone is known
    assert hear(world, event, event, retold, renamed) == EventTally(new=1, known=3)
    assert hear(world, retold, event, renamed) == EventTally(known=3)


def test_events_that_name_nobody_are_told_apart_by_what_they_say(world: World) -> None:
    nameless = [
        told(News.OTHER, address="", event_id=None, kind="unreadable", body=body)
        for body in ("[1]", "[2]", "[1]")
    ]
    assert hear(world, *nameless) == EventTally(new=2, known=1, unmatched=2)


def test_a_batch_larger_than_any_one_query_is_taken_whole(world: World) -> None:
    batch = [told(News.OTHER, f"{number:032x}") for number in range(2500)]
    assert hear(world, *batch).new == 2500
    assert hear(world, *batch).known == 2500


# Whose


def test_a_bounce_without_ids_finds_the_newest_letter_by_then(world: World) -> None:
    world.tick()
    (welcome,) = world.store.deliveries()
    bounced_at = world.clock.at + timedelta(hours=1)
    world.clock.advance(2 * DAY)
    world.tick()
    (goals,) = [each for each in world.store.deliveries() if each.letter == "goals"]
    hear(world, told(News.BOUNCED, None, bounced_at, event_id=None))
    assert world.state_of(welcome.id) is DeliveryState.FAILED
    assert world.state_of(goals.id) is DeliveryState.SENT
    assert world.store.standing("ben@example.net").state is SubscriberState.BOUNCED


def test_news_without_ids_is_not_of_a_letter_that_was_never_sent(world: World) -> None:
    world.tick()
    (welcome,) = world.store.deliveries()
    world.clock.advance(2 * DAY)
    gated = world.hand_over()
    world.settle(gated, DEFERRED)
    hear(world, told(News.BLOCKED, None, world.clock.at + SECOND))
    assert world.state_of(gated.claimed.id) is DeliveryState.PLANNED
    assert "blocked" in world.why("welcome")[1]
    assert world.state_of(welcome.id) is DeliveryState.SENT


def test_news_of_mail_that_is_not_ours_settles_no_letter(world: World) -> None:
    delivery = in_doubt(world)
    for event in (
        told(News.DELIVERED, None, message_ref="somebody else's"),
        told(News.DELIVERED, "f" * 32),
    ):
        assert hear(world, event) == EventTally(new=1)
    assert world.state_of(delivery) is DeliveryState.IN_DOUBT


def test_a_complaint_about_other_mail_of_the_account_stops_the_person(world: World) -> None:
    hear(world, told(News.COMPLAINED, None, message_ref="somebody else's"))
    assert world.store.standing("ben@example.net").state is SubscriberState.COMPLAINED


def test_news_of_a_letter_before_any_hand_over_changes_nothing_of_it(world: World) -> None:
    (claimed,) = world.claim()
    hear(world, told(News.DELIVERED, claimed.id))
    assert world.state_of(claimed.id) is DeliveryState.CLAIMED
    assert len(world.gate([claimed])) == 1


def test_strangers_are_counted_and_nothing_about_them_is_kept(world: World) -> None:
    event = told(News.BOUNCED, None, address="stranger@example.net")
    assert hear(world, event) == EventTally(new=1, unmatched=1)
    assert query(world.store, "SELECT body, subscriber_id, kind FROM events") == [
        (None, None, "bounced")
    ]


def test_unknown_events_are_kept_as_they_came(world: World) -> None:
    ours = told(News.OTHER, None, kind="something new", body='{"new": 1}')
    nobodys = told(News.OTHER, None, kind="account", address="", body='{"account": 2}')
    hear(world, ours, nobodys)
    kept = query(world.store, "SELECT kind, body, subscriber_id FROM events ORDER BY kind")
    assert kept == [("account", '{"account": 2}', None), ("something new", '{"new": 1}', 1)]


def test_an_erased_persons_event_is_kept_without_its_body(
    world: World, databases: Databases, database_url: str
) -> None:
    gated = world.hand_over()
    query(world.store, "UPDATE subscribers SET address = 'erased-1@erased.invalid', name = ''")
    hear(world, told(News.BOUNCED, gated.claimed.id), told(News.BOUNCED, None))
    rows = query(world.store, "SELECT body, delivery_id, subscriber_id FROM events ORDER BY id")
    assert rows == [(None, gated.claimed.id, 1), (None, None, None)]
    assert world.state_of(gated.claimed.id) is DeliveryState.FAILED
    world.store.close()
    assert b'{"email"' not in databases.content(database_url)


def test_a_fingerprint_does_not_give_an_address_away(databases: Databases) -> None:
    prints = []
    for keys in (["a" * 32], ["b" * 32]):
        with databases.lent() as address:
            store = databases.open(address, Pseudonyms(keys))
            store.record_events([told(News.OTHER, event_id=None)], Moment(MONDAY, MONDAY))
            prints += query(store, "SELECT fingerprint FROM events")
            store.close()
    assert prints[0] != prints[1]


def test_whoever_came_back_is_not_stopped_by_what_they_said_before(world: World) -> None:
    at = MONDAY + timedelta(hours=1)
    with world.store._database.writing() as connection:
        connection.execute(
            insert(consents).values(
                subscriber_id=1,
                course_id=1,
                how=ConsentWay.FORM,
                text="yes",
                name="",
                asked_at=at,
                given_at=at,
            )
        )
    assert hear(world, told(News.UNSUBSCRIBED, None, MONDAY)).stopped == 0
    assert world.store.standing("ben@example.net").state is SubscriberState.ACTIVE
    assert hear(world, told(News.UNSUBSCRIBED, None, MONDAY + DAY)).stopped == 1


def test_whoever_came_back_keeps_only_the_courses_that_they_came_back_to(world: World) -> None:
    world.publish(edition(course="bread"))
    world.clock.advance(DAY)
    world.store.ask_to_join("bread", person("ben"), "Yes.", world.clock.now())
    assert world.store.confirm(1, world.clock.now()) is not None
    assert hear(world, told(News.UNSUBSCRIBED, None, MONDAY)).stopped == 0
    assert world.stands(course="bread").state is EnrollmentState.ACTIVE
    assert world.stands().state is EnrollmentState.STOPPED


def test_a_programs_word_outweighs_nobodys_own_earlier_one(world: World) -> None:
    world.publish(edition(course="bread"))
    world.clock.advance(DAY)
    bread = world.store.course("bread")
    world.store.enroll_by_program(bread, [person("ben")], "They said yes.", world.clock.now())
    assert hear(world, told(News.UNSUBSCRIBED, None, MONDAY)).stopped == 1
    assert world.store.standing("ben@example.net").state is SubscriberState.UNSUBSCRIBED


# Service mail


def notice(world: World, state: NoticeState = NoticeState.IN_DOUBT) -> str:
    """Return the id of a notice to Ben that was handed over."""
    with world.store._database.writing() as connection:
        plan_notice(
            connection,
            NoticePurpose.LINK,
            subscriber_id=1,
            course_id=1,
            now=MONDAY,
            lifetime=DAY,
        )
        connection.execute(
            update(notices).values(
                state=state,
                attempts=1,
                due_at=None,
                lease_until=MONDAY if state is NoticeState.HANDING else None,
                handed_at=MONDAY,
            )
        )
    ((which,),) = query(world.store, "SELECT id FROM notices")
    return str(which)


@pytest.mark.parametrize("state", [each for each in NoticeState if each != "planned"])
@pytest.mark.parametrize(
    ("news", "settled", "person"),
    [
        ([News.DELIVERED], "sent", "active"),
        ([News.DELIVERED, News.BOUNCED, News.ACCEPTED], "failed", "bounced"),
        ([News.DROPPED], "failed", "active"),
    ],
)
def test_events_settle_service_mail(
    world: World, state: NoticeState, news: list[News], settled: str, person: str
) -> None:
    letter = notice(world, state)
    hear(world, *(told(each, letter, detail="so") for each in news))
    row = "SELECT state, lease_until, outcome FROM notices"
    assert query(world.store, row) == [(settled, None, "so")]
    assert query(world.store, "SELECT state FROM subscribers") == [(person,)]
    assert world.stands().next == ("welcome" if person == "active" else None)


def test_a_bounce_without_ids_may_be_of_service_mail(world: World) -> None:
    notice(world, NoticeState.SENT)
    hear(world, told(News.BOUNCED, None))
    assert query(world.store, "SELECT state FROM notices") == [("failed",)]


# The audit


@pytest.mark.parametrize(
    ("news", "state", "is_wrong"),
    [
        (News.DELIVERED, "in_doubt", True),
        (News.BOUNCED, "sent", True),
        (News.OTHER, "in_doubt", False),
        (News.BLOCKED, "sent", False),
    ],
)
def test_the_audit_sees_a_letter_that_is_not_as_it_was_told(
    world: World, news: News, state: str, is_wrong: bool
) -> None:
    world.tick()
    (welcome,) = world.store.deliveries()
    hear(world, told(news, welcome.id))
    query(world.store, "UPDATE deliveries SET state = :state", state=state)
    violations = "\n".join(world.store.audit().violations)
    assert ("though its provider told what became of it" in violations) is is_wrong


def test_a_doubt_that_an_event_settled_is_not_reaped(world: World) -> None:
    gated = world.hand_over()
    hear(world, told(News.ACCEPTED, gated.claimed.id))
    world.clock.advance(LEASE + SECOND)
    assert world.store.reap(world.clock.moment()).in_doubt == 0
    assert world.state_of(gated.claimed.id) is DeliveryState.SENT
