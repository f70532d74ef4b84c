from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.inbound.sendgrid_events import DELIVERY_ARG, read_events
from worker.model import Event, News

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
AT = NOW - timedelta(minutes=5)
DELIVERY = "0123456789abcdef" * 2


def element(kind: str = "delivered", **more: Any) -> dict[str, Any]:
    return {
        "email": "Ben@Example.NET",
        "timestamp": int(AT.timestamp()),
        "event": kind,
        "sg_event_id": "an-id",
        "sg_message_id": "a-message",
        DELIVERY_ARG: DELIVERY,
        **more,
    }


def read(*elements: Any) -> list[Event]:
    return read_events(json.dumps(elements).encode(), NOW)


def one(kind: str = "delivered", **more: Any) -> Event:
    (event,) = read(element(kind, **more))
    return event


def test_an_event_says_what_happened_to_which_letter_and_when() -> None:
    event = one(response="250 2.0.0 OK")
    assert event == Event(
        provider="sendgrid",
        event_id="an-id",
        kind="delivered",
        news=News.DELIVERED,
        delivery_id=DELIVERY,
        address="ben@example.net",
        occurred_at=AT,
        message_ref="a-message",
        detail="250 2.0.0 OK",
        body=event.body,
    )
    assert json.loads(event.body) == element(response="250 2.0.0 OK")


@pytest.mark.parametrize(
    ("kind", "more", "news"),
    [
        ("processed", {}, News.ACCEPTED),
        ("deferred", {"response": "451 later"}, News.ACCEPTED),
        ("delivered", {}, News.DELIVERED),
        ("bounce", {"type": "bounce"}, News.BOUNCED),
        ("bounce", {}, News.BOUNCED),
        ("bounce", {"type": "blocked"}, News.BLOCKED),
        ("bounce", {"type": "expired"}, News.BLOCKED),
        ("spamreport", {}, News.COMPLAINED),
        ("unsubscribe", {}, News.UNSUBSCRIBED),
        ("group_unsubscribe", {}, News.UNSUBSCRIBED),
        ("group_resubscribe", {}, News.OTHER),
        ("open", {}, News.OTHER),
        ("click", {}, News.OTHER),
        ("account_status_change", {}, News.OTHER),
        ("something new", {}, News.OTHER),
        ("dropped", {"reason": "Bounced Address"}, News.BOUNCED),
        ("dropped", {"reason": "Invalid"}, News.BOUNCED),
        ("dropped", {"reason": "Unsubscribed Address"}, News.UNSUBSCRIBED),
        ("dropped", {"reason": "Spam Reporting Address"}, News.COMPLAINED),
        ("dropped", {"reason": "Invalid SMTPAPI header"}, News.DROPPED),
        ("dropped", {"reason": "Spam Content (if Spam Checker app is enabled)"}, News.DROPPED),
        ("dropped", {"reason": "Recipient List over Package Quota"}, News.DROPPED),
        ("dropped", {"reason": "nobody knows"}, News.DROPPED),
        ("dropped", {}, News.DROPPED),
    ],
)
def test_every_kind_means_something_to_us(kind: str, more: dict[str, Any], news: News) -> None:
    event = one(kind, **more)
    assert (event.kind, event.news) == (kind, news)
    assert event.undelivered is (kind == "dropped")


@pytest.mark.parametrize("stated", ["", "x", DELIVERY.upper(), DELIVERY + "0", 7, None, [DELIVERY]])
def test_a_delivery_that_is_not_in_our_form_is_none_of_ours(stated: Any) -> None:
    assert one(**{DELIVERY_ARG: stated}).delivery_id is None


def test_our_own_message_id_names_the_delivery_where_the_arguments_are_gone() -> None:
    fields = element(**{"smtp-id": f"<{DELIVERY}@example.org>"})
    del fields[DELIVERY_ARG]
    (ours,) = read(fields)
    (theirs,) = read({**fields, "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>"})
    assert (ours.delivery_id, theirs.delivery_id) == (DELIVERY, None)


def test_an_asynchronous_bounce_has_an_address_and_little_else() -> None:
    (event,) = read({"email": "ben@example.net", "event": "bounce", "timestamp": AT.timestamp()})
    assert (event.news, event.delivery_id, event.message_ref) == (News.BOUNCED, None, "")
    assert (event.address, event.occurred_at) == ("ben@example.net", AT)


@pytest.mark.parametrize(
    "stated",
    [str(int(AT.timestamp())), AT.timestamp(), f"{AT.timestamp()}"],
)
def test_an_instant_may_be_a_number_or_a_text(stated: Any) -> None:
    assert one(timestamp=stated).occurred_at == AT


@pytest.mark.parametrize(
    "stated",
    ["", "soon", None, True, [], {}, -5, 0, 10**12, 10**30, "9" * 400, "nan", "inf", 1e308],
)
def test_an_instant_that_cannot_be_is_when_it_came(stated: Any) -> None:
    event = one("bounce", timestamp=stated)
    assert (event.news, event.occurred_at) == (News.BOUNCED, NOW)


def test_details_name_no_address() -> None:
    event = one(
        "bounce",
        status="5.1.1",
        reason="550 <ben@example.net>: no user 'ben@example.net' (Ben@Example.NET)\r\nhere",
    )
    assert event.detail == "5.1.1 550 <(address)>: no user '(address)' ((address)) here"
    assert "@" not in one("bounce", reason="ben@example.net " * 100).detail


@pytest.mark.parametrize("category", ["course", ["course", "other"], None, 3])
def test_the_form_of_a_category_does_not_matter(category: Any) -> None:
    assert one(category=category).news is News.DELIVERED


BROKEN: list[Any] = [
    None,
    7,
    "delivered",
    [],
    [element()],
    {},
    {"event": None},
    {"event": ["delivered"], "email": "ben@example.net"},
    {"event": "\u0000\u200b"},
    {"event": {"event": "delivered"}},
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_element_is_kept_as_it_came_and_harms_no_neighbour(broken: Any) -> None:
    first, kept, last = read(element("processed"), broken, element("delivered"))
    assert (first.news, last.news) == (News.ACCEPTED, News.DELIVERED)
    assert (kept.kind, kept.news) == ("unreadable", News.OTHER)
    assert (kept.address, kept.delivery_id) == ("", None)
    assert kept.body == json.dumps(broken)
    assert read(broken)[0].event_id == kept.event_id  # the same when it is sent again


def test_numbers_that_no_reader_likes_are_read_around() -> None:
    spelled = json.dumps(element()).removesuffix("}")
    body = f'[{spelled}, "a": NaN, "b": -Infinity, "c": {"1" * 10_000}, "d": 1e999}}]'
    (event,) = read_events(body.encode(), NOW)
    assert event.news is News.DELIVERED


def test_text_that_no_database_takes_is_left_out() -> None:
    event = one(email="b\ud800@example.net", sg_event_id="\ud800\u0000id", sg_message_id="m\u0000")
    assert (event.address, event.event_id, event.message_ref) == ("", "id", "m")
    json.dumps([event.body, event.kind]).encode()
    event.body.encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"1",
        b'"[]"',
        b"[",
        b"[1",
        b"[1,]",
        b"[1 2]",
        b"[]]",
        b"[] x",
        b"\xff\xfe",
        b"[\xff]",
        b"[" * 100_000,
        b"[" + b'{"a":' * 100_000,
        json.dumps(element()).encode(),
    ],
)
def test_what_is_no_array_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_events(body, NOW)


@pytest.mark.parametrize("body", [b"[]", b" [ ] \r\n", b"\xef\xbb\xbf[]"])
def test_an_empty_array_holds_nothing(body: bytes) -> None:
    assert read_events(body, NOW) == []


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from([*element(), "type", "reason", "response", "status"])
                    | st.text(),
                    inner,
                    max_size=6,
                )
            ),
            max_leaves=12,
        ),
        max_size=4,
    )
)
def test_any_array_is_read_element_by_element(elements: list[Any]) -> None:
    events = read_events(json.dumps(elements).encode(), NOW)
    assert len(events) == len(elements)
    for event in events:
        assert event.occurred_at.tzinfo is UTC
        assert len(event.kind) <= 40
        for text in (event.kind, event.address, event.message_ref, event.detail, event.body):
            text.encode()


@settings(max_examples=200, deadline=None)
@given(st.binary())
def test_any_bytes_are_events_or_a_value_error(body: bytes) -> None:
    try:
        read_events(body, NOW)
    except ValueError:
        return
    assert isinstance(json.loads(body), list)
