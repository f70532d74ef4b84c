"""``/metrics``: counts and times for Prometheus, read from the ledger; nothing about a person.

Whichever web server of an installation is scraped gives the same numbers: they are the ledger's,
not the process's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.installation import Installation
from worker.model import GATE_BUCKETS, Census, DeliveryState, Moment, VitalSigns
from worker.watch import moving, seen
from worker.web.probing import Probe

ANSWERS_WITHIN = 8.0
"""Seconds that the database has; Prometheus itself waits ten."""

COUNTING = 20
"""The ledger is counted again when so many times as long has passed as the counting took."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one scrape tells.

    Attributes:
        age: seconds since the census was taken.
    """

    moment: Moment
    signs: VitalSigns
    census: Census
    age: float


Samples = Iterable[tuple[Sequence[str], float]]
"""Values of the labels, and of the metric."""


@dataclass(frozen=True, slots=True)
class Told:
    """One metric.

    Attributes:
        name: without the prefix that all have.
        labels: their names.
        read: returns what a reading says of it.
    """

    name: str
    help: str
    family: type[CounterMetricFamily] | type[GaugeMetricFamily]
    read: Callable[[Reading], Samples]
    labels: tuple[str, ...] = ()

    def tell(self, reading: Reading) -> Metric:
        """Return the metric as the exposition wants it."""
        family = self.family(PREFIX + self.name, self.help, labels=self.labels)
        for labels, value in self.read(reading):
            family.add_metric(labels, value)
        return family


PREFIX = "lettercourse_"
COUNTER, GAUGE = CounterMetricFamily, GaugeMetricFamily


def _one(read: Callable[[Reading], float]) -> Callable[[Reading], Samples]:
    return lambda reading: [((), read(reading))]


METRICS: tuple[Told, ...] = (
    Told(
        "letters",
        "Letters owed so far, by what became of them.",
        GAUGE,
        lambda r: [((state,), count) for state, count in r.census.letters.items()],
        ("state",),
    ),
    Told("letters_owed", "Letters that fell due so far.", GAUGE, _one(lambda r: r.census.owed)),
    Told(
        "letters_in_doubt",
        "Letters that may have arrived; an event or the operator settles them.",
        GAUGE,
        _one(lambda r: r.census.letters[DeliveryState.IN_DOUBT]),
    ),
    Told(
        "letters_due",
        "Letters that are due and wait for a worker, counted up to 100000.",
        GAUGE,
        _one(lambda r: r.signs.lag.due),
    ),
    Told(
        "due_lag_seconds",
        "For how long the oldest due letter has been waiting.",
        GAUGE,
        _one(lambda r: r.signs.lag.seconds(r.moment.now)),
    ),
    Told(
        "enrollments_held",
        "Courses that stand still for somebody until the operator decides.",
        GAUGE,
        _one(lambda r: r.census.held),
    ),
    Told(
        "events",
        "News from providers, by what it means.",
        COUNTER,
        lambda r: [((news,), count) for news, count in r.census.events.items()],
        ("news",),
    ),
    Told(
        "replies",
        "Mail that came back, by what it was.",
        COUNTER,
        lambda r: [((kind,), count) for kind, count in r.census.replies.items()],
        ("kind",),
    ),
    Told(
        "census_age_seconds",
        "How old the counts of letters, enrollments, events and replies are.",
        GAUGE,
        _one(lambda r: r.age),
    ),
    Told(
        "workers_seen",
        "Processes that deliver and gave a sign of life within a minute.",
        GAUGE,
        _one(lambda r: len(seen(r.signs.workers, r.moment.wall))),
    ),
    Told(
        "workers_moving",
        "Processes that deliver and finished something within a minute.",
        GAUGE,
        _one(lambda r: len(moving(r.signs.workers, r.moment.wall))),
    ),
    Told(
        "breakers_open",
        "Processes seen that hold letters back because the provider cannot or will not take them.",
        GAUGE,
        _one(lambda r: sum(bool(w.breaker) for w in seen(r.signs.workers, r.moment.wall))),
    ),
)
"""Every metric that one number, or one a label, tells."""

GATE_SECONDS = ("gate_seconds", "How long gates took: claimed letters to a durable hand-over.")
BUILD_INFO = ("build_info", "The version that answers; always 1.")
DATABASE_UP = ("database_up", "Whether the database answered; without it these two stand alone.")


class Ledger(Collector):
    """Reads the ledger at the scrape.

    Args:
        installation: whose.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._read = Probe(self._look, ANSWERS_WITHIN)
        self._census: tuple[Census, float, float] | None = None

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; of a database that does not answer, only that."""
        info = GaugeMetricFamily(PREFIX + BUILD_INFO[0], BUILD_INFO[1], labels=("version",))
        info.add_metric((version("lettercourse"),), 1)
        yield info
        try:
            reading = self._read()
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is the answer
            log.warning("the ledger cannot be read for /metrics: %s", type(fault).__name__)
            yield GaugeMetricFamily(PREFIX + DATABASE_UP[0], DATABASE_UP[1], value=0)
            return
        yield GaugeMetricFamily(PREFIX + DATABASE_UP[0], DATABASE_UP[1], value=1)
        for told in METRICS:
            yield told.tell(reading)
        gates = reading.signs.gates
        bounds = [str(bound) for bound in GATE_BUCKETS]
        counts = [*zip(bounds, gates.counts, strict=True), ("+Inf", gates.gates)]
        yield HistogramMetricFamily(
            PREFIX + GATE_SECONDS[0], GATE_SECONDS[1], buckets=counts, sum_value=gates.seconds
        )

    def _look(self) -> Reading:
        moment = self._installation.moment()
        census, age = self._counted()
        return Reading(moment, self._installation.store.vital_signs(moment), census, age)

    def _counted(self) -> tuple[Census, float]:
        """Return a census and its age in seconds; a slow one is taken less often."""
        boot = self._installation.clock.boot
        if self._census is not None:
            census, taken_at, took = self._census
            if boot() - taken_at < COUNTING * took:
                return census, boot() - taken_at
        begun = boot()
        census = self._installation.store.census()
        self._census = (census, boot(), boot() - begun)
        return census, 0.0


def metric_routes(installation: Installation) -> list[Route]:
    """Return the route that Prometheus scrapes."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Ledger(installation))

    def metrics(_: Request) -> Response:
        return Response(
            generate_latest(registry),
            headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"},
        )

    return [Route("/metrics", metrics, methods=["GET"])]
