"""Ratios against a floor, or against itself at another size, in one run: ``make bench``.

Each row is the best of a few rounds of both sides, taken in turn, so that a machine whose speed
drifts favours neither. Nothing here is asserted; it is for reading.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from course.compile import compile_course
from course.fill import fill_html, fill_mime, fill_text
from course.model import Edition, Letter, Values
from worker.delivery import Courier, tick
from worker.installation import SystemClock
from worker.links import Links
from worker.model import Message, Moment, Outcome, Person, Verdict
from worker.providers.maildir import MaildirProvider
from worker.store import Store, open_store
from worker.store.engine import choose_driver

SAMPLE = Path(__file__).parents[1] / "course" / "samples" / "stay-motivated"
NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
ROUNDS = 3


def seconds(work: Callable[[], object]) -> float:
    """Return how long ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def best_of_both(ours: Callable[[], float], other: Callable[[], float]) -> tuple[float, float]:
    """Return the least seconds of each side, measured in turn."""
    pairs = [(ours(), other()) for _ in range(ROUNDS)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def report(name: str, unit: str, count: int, ours: float, other: float, against: str) -> None:
    """Print one row: rates of both sides and ours as a multiple of the other."""
    print(
        f"{name:<34} {count / ours:>12,.0f} {unit:<10} {count / other:>12,.0f} {against:<28}"
        f" ratio {other / ours:.2f}"
    )


def values(number: int) -> Values:
    """Return the values of one copy."""
    return Values(
        name="Ada Lovelace",
        address=f"ada{number}@example.org",
        message_id=f"<{number:032x}@example.org>",
        date=NOW,
        view_url="https://letters.example.org/v/" + "a" * 30,
        unsubscribe_url="https://letters.example.org/u/" + "b" * 30,
        assets_url="https://letters.example.org/assets",
    )


def by_email_message(letter: Letter, copy: Values) -> bytes:
    """Build the same letter the usual way, from its two parts."""
    message = EmailMessage()
    message["From"] = "Lettercourse <course@example.org>"
    message["To"] = copy.address
    message["Subject"] = letter.subject
    message["Message-ID"] = copy.message_id
    message["Date"] = format_datetime(NOW)
    message.set_content(fill_text(letter, copy), cte="quoted-printable")
    message.add_alternative(fill_html(letter, copy), subtype="html", cte="quoted-printable")
    return message.as_bytes()


def filling(edition: Edition, count: int = 200) -> None:
    """Measure filling a letter against joining its bytes, and against email.message."""
    letter = edition.letters[1]
    pieces = [segment.content for segment in letter.mime if hasattr(segment, "content")]

    def ours() -> float:
        return seconds(lambda: [fill_mime(letter, values(n)) for n in range(count)])

    def floor() -> float:
        return seconds(lambda: [b"".join(pieces) for _ in range(count)])

    def peer() -> float:
        return seconds(lambda: [by_email_message(letter, values(n)) for n in range(count)])

    report("fill a letter", "letters/s", count, *best_of_both(ours, floor), "bare joins/s")
    report("fill a letter", "letters/s", count, *best_of_both(ours, peer), "by email.message/s")


class Nowhere:
    """A provider that accepts everything, so that only the ledger's cost is left."""

    reaches_people = False

    def send(self, message: Message) -> Outcome:
        """Accept."""
        return Outcome(Verdict.ACCEPTED)

    def close(self) -> None:
        """Nothing is held."""


def enrolled(folder: Path, edition: Edition, count: int, start: datetime | None = None) -> Store:
    """Return a store with ``count`` people whose welcome is due now, or on the day of ``start``."""
    store = open_store(f"sqlite:///{folder / 'bench.db'}")
    store.migrate()
    store.publish(edition, NOW)
    day = start.date() if start else None
    people = [Person(f"person{n}@example.org", "Ada", start=day) for n in range(count)]
    course = store.course(edition.course)
    for begin in range(0, count, 1000):
        store.enroll(course, people[begin : begin + 1000], NOW)
    return store


def courier(store: Store, provider: Nowhere | MaildirProvider) -> Courier:
    """Return a courier with the default window."""
    links = Links("https://letters.example.org", ["a key of thirty-two characters!!"])
    return Courier(store, provider, links, SystemClock(), "bench")


def delivering(edition: Edition, count: int = 1000) -> None:
    """Measure claim, gate, hand-over and settle against writing the same files alone."""
    letter = edition.letters[0]

    def ledger() -> float:
        with tempfile.TemporaryDirectory() as name:
            store = enrolled(Path(name), edition, count)
            took = seconds(lambda: tick(courier(store, Nowhere())))
            store.close()
            return took

    def maildir() -> float:
        with tempfile.TemporaryDirectory() as name:
            store = enrolled(Path(name), edition, count)
            took = seconds(lambda: tick(courier(store, MaildirProvider(Path(name) / "maildir"))))
            store.close()
            return took

    def files() -> float:
        with tempfile.TemporaryDirectory() as name:
            provider = MaildirProvider(Path(name))

            def write() -> None:
                for n in range(count):
                    mime = fill_mime(letter, values(n))
                    provider.send(Message(f"{n:032x}", "a@example.org", "b@example.org", mime))

            return seconds(write)

    def fills() -> float:
        return seconds(lambda: [fill_mime(letter, values(n)) for n in range(count)])

    report("deliver into a Maildir", "letters/s", count, *best_of_both(maildir, files), "files/s")
    report("deliver to nowhere", "letters/s", count, *best_of_both(ledger, fills), "fills/s")


def claiming(edition: Edition, small: int = 1_000, large: int = 100_000) -> None:
    """Measure a claim of nothing beside few and beside many people who are not due."""
    later = NOW + timedelta(days=30)
    rounds = 500

    def claims(count: int) -> float:
        with tempfile.TemporaryDirectory() as name:
            store = enrolled(Path(name), edition, count, start=later)
            moment = Moment(NOW, NOW)

            def look() -> None:
                for _ in range(rounds):
                    store.due_count(moment.now, 1000)
                    store.claim("bench", moment, timedelta(seconds=30), 20)

            took = min(seconds(look) for _ in range(ROUNDS))
            store.close()
            return took

    label = f"look for what is due, {large:,}"
    report(label, "looks/s", rounds, claims(large), claims(small), f"looks/s at {small:,}")


def enrolling(edition: Edition, count: int = 20_000) -> None:
    """Measure enrolling a list against bare inserts of as many rows into the same database."""

    def ours() -> float:
        with tempfile.TemporaryDirectory() as name:
            return seconds(lambda: enrolled(Path(name), edition, count).close())

    def floor() -> float:
        with tempfile.TemporaryDirectory() as name:
            database = choose_driver().module.connect(Path(name) / "floor.db")
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("CREATE TABLE s (id INTEGER PRIMARY KEY, address TEXT UNIQUE)")
            database.execute("CREATE TABLE e (id INTEGER PRIMARY KEY, s INTEGER, next_at TEXT)")

            def insert() -> None:
                for begin in range(0, count, 1000):
                    some = range(begin, begin + 1000)
                    with database:
                        rows = [(n, f"person{n}@example.org") for n in some]
                        database.executemany("INSERT INTO s VALUES (?, ?)", rows)
                        moments = [(n, n, str(NOW)) for n in some]
                        database.executemany("INSERT INTO e VALUES (?, ?, ?)", moments)

            took = seconds(insert)
            database.close()
            return took

    report("enroll a list", "people/s", count, *best_of_both(ours, floor), "bare inserts/s")


def main() -> None:
    """Run every measurement on the shipped course."""
    edition = compile_course(SAMPLE).edition
    filling(edition)
    delivering(edition)
    claiming(edition)
    enrolling(edition)


if __name__ == "__main__":
    main()
