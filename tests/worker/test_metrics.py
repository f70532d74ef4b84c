"""``/metrics``, read as Prometheus reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.worker.ledger import ACCEPTED, MONDAY, REFUSED, UNKNOWN, World, person
from tests.worker.news import told
from tests.worker.watching import installation_on, served
from worker.model import GATE_BUCKETS, GateTimes, Heartbeat, News
from worker.web.metrics import METRICS, PREFIX

MINUTE = timedelta(minutes=1)
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"

Numbers = dict[tuple[str, ...], float]


def scraped(door: httpx.Client) -> Numbers:
    """Return every sample by its name and the values of its labels."""
    answer = door.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name.removeprefix(PREFIX), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture
def door(world: World, tmp_path: Path) -> Iterator[httpx.Client]:
    """The web door of a world, whose clock it shares."""
    with served(installation_on(world.store, world.clock, tmp_path)) as client:
        yield client


def lived(world: World) -> None:
    """Let one letter be sent, one be doubted, one be refused, and one be late by two minutes."""
    world.enroll(person("ben"), person("cleo"), person("dan"))
    for gated, outcome in zip(world.gate(world.claim()), (ACCEPTED, UNKNOWN, REFUSED), strict=True):
        world.settle(gated, outcome)
    (sent,) = (each for each in world.store.deliveries() if each.state == "sent")
    world.store.record_events([told(News.DELIVERED, sent.id)], world.clock.moment())
    world.enroll(person("eva"))
    world.clock.advance(2 * MINUTE)
    now = world.clock.wall()
    gates = GateTimes().and_one(0.02).and_one(30.0)
    world.store.beat(Heartbeat("w1", "h", 1, "0.1.0", MONDAY, now, now, gates))
    world.store.beat(Heartbeat("w2", "h", 2, "0.1.0", MONDAY, now, None, gates, "shut"))
    world.store.beat(Heartbeat("w3", "h", 3, "0.1.0", MONDAY, MONDAY, MONDAY, GateTimes(), "shut"))


def test_the_numbers_are_those_of_the_ledger(world: World, door: httpx.Client) -> None:
    lived(world)
    found = scraped(door)
    states = {key[1]: value for key, value in found.items() if key[0] == "letters"}
    assert states == {
        "planned": 0,
        "claimed": 0,
        "handing": 0,
        "sent": 1,
        "failed": 1,
        "in_doubt": 1,
        "cancelled": 0,
        "skipped": 0,
    }
    assert found["letters_owed",] == 3
    assert found["letters_in_doubt",] == 1
    assert found["letters_due",] == 1
    assert found["due_lag_seconds",] == 120
    assert found["enrollments_held",] == 1
    assert found["events_total", "delivered"] == 1
    assert found["events_total", "bounced"] == 0
    assert found["replies_total", "reflection"] == 0
    assert found["census_age_seconds",] == 0
    assert (found["workers_seen",], found["workers_moving",]) == (2, 1)
    assert found["breakers_open",] == 1
    assert found["database_up",] == 1
    assert found["build_info", "0.1.0"] == 1


def test_gates_are_a_histogram_over_all_workers(world: World, door: httpx.Client) -> None:
    lived(world)
    found = scraped(door)
    buckets = {key[1]: value for key, value in found.items() if key[0] == "gate_seconds_bucket"}
    assert list(buckets) == [*map(str, GATE_BUCKETS), "+Inf"]
    assert (buckets["0.01"], buckets["0.025"], buckets["10.0"], buckets["+Inf"]) == (0, 2, 2, 4)
    assert found["gate_seconds_count",] == 4
    assert found["gate_seconds_sum",] == pytest.approx(60.04)
    world.store.leave_work("w1")
    assert scraped(door)["gate_seconds_count",] == 4


def test_an_empty_installation_has_every_number(door: httpx.Client) -> None:
    found = scraped(door)
    assert {
        value for key, value in found.items() if key[0] not in ("database_up", "build_info")
    } == {0}


def test_nothing_in_it_is_about_a_person(world: World, door: httpx.Client) -> None:
    lived(world)
    text = door.get("/metrics").text
    for word in ("ben", "cleo", "example.net", "motivation", "goals", "ada@"):
        assert word not in text


def test_without_its_database_it_says_so_and_nothing_else(world: World, door: httpx.Client) -> None:
    with world.store._database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE workers RENAME TO gone")
    assert scraped(door) == {("build_info", "0.1.0"): 1, ("database_up",): 0}


def test_what_is_slow_to_count_is_not_counted_at_every_scrape(
    world: World, door: httpx.Client
) -> None:
    counted = world.store.census
    calls = 0

    def slowly() -> object:
        nonlocal calls
        calls += 1
        world.clock.seconds += 3.0
        return counted()

    world.store.census = slowly  # type: ignore[method-assign, assignment]
    scraped(door)
    world.clock.seconds += 59.0
    assert scraped(door)["census_age_seconds",] == 59
    assert calls == 1
    world.clock.seconds += 1.0
    assert scraped(door)["census_age_seconds",] == 0
    assert calls == 2


def test_every_metric_is_documented_and_every_documented_one_exists(
    world: World, door: httpx.Client
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    documented = re.findall(rf"^\| `({PREFIX}\w+)(?:\{{(\w+)\}})?` \|", page, flags=re.MULTILINE)
    families = {
        family.name + ("_total" if family.type == "counter" else ""): family
        for family in text_string_to_metric_families(door.get("/metrics").text)
    }
    assert sorted(name for name, _ in documented) == sorted(families)
    labels = {PREFIX + each.name: each.labels for each in METRICS}
    for name, label in documented:
        assert labels.get(name.removesuffix("_total"), ("version",) if label else ()) == (
            (label,) if label else ()
        )


def test_every_metric_says_what_it_is(door: httpx.Client) -> None:
    for family in text_string_to_metric_families(door.get("/metrics").text):
        assert family.documentation.endswith(".")
        assert family.name.startswith(PREFIX)
