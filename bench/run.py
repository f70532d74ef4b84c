"""Ratios against a floor, or against itself at another size, in one run: ``make bench``.

Each row is the best of a few rounds of both sides, taken in turn, so that a machine whose speed
drifts favours neither. Nothing here is asserted; it is for reading.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime
from pathlib import Path
from subprocess import PIPE
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from course.compile import compile_course
from course.fill import fill_html, fill_mime, fill_text
from course.model import Edition, Letter
from course.segments import Values
from tests.peers.sendgrid_hooks import Inbound, inbound_body
from tests.worker.inbound.hostile import HOSTILE
from worker.delivery import Courier, deliver_window, tick
from worker.inbound import InboundMail, MailReader, parse_mail
from worker.inbound.sendgrid_signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, verify
from worker.installation import SystemClock, open_installation
from worker.links import Links
from worker.model import Content, Message, Moment, Outcome, Person, Verdict
from worker.providers.maildir import MaildirProvider
from worker.providers.sendgrid import SendGridProvider
from worker.providers.sendgrid_payload import batch as together
from worker.providers.sendgrid_payload import single
from worker.settings import read_settings
from worker.store import Store, open_store
from worker.store.engine import choose_driver
from worker.web import build_web
from worker.web.server import Server

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
    at_once = 1

    def send(self, message: Message) -> Outcome:
        """Accept."""
        return Outcome(Verdict.ACCEPTED)

    def send_all(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Accept all."""
        return [self.send(message) for message in messages]

    def forget(self, delivery_ids: Collection[str]) -> None:
        """Nothing is kept."""

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


@contextlib.contextmanager
def strict_sendgrid(latency: float) -> Iterator[tuple[str, str]]:
    """Run a strict SendGrid as a process of its own; yield its address and key."""
    command = [sys.executable, "-m", "tests.peers.sendgrid", str(latency)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, cwd=root, text=True) as process:
        said = json.loads(process.stdout.readline()) if process.stdout else {}
        try:
            yield said["url"], said["api_key"]
        finally:
            process.communicate()


def in_threads(work: Callable[[], object], count: int) -> None:
    """Do the same work in so many threads at once."""
    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(work) for _ in range(count)]:
            done.result()


def through_sendgrid(edition: Edition, batch: int, count: int, threads: int = 8) -> None:
    """Measure delivering with 50 ms of latency against as many bare posts of the same calls."""
    letter, sender = edition.letters[0], edition.sender
    assert sender is not None
    messages = []
    for n in range(batch):
        copy = values(n)
        content = Content(letter, copy, sender)
        mime = fill_mime(letter, copy)
        messages.append(Message(f"{n:032x}", sender.email, copy.address, mime, content))
    body = (
        single(messages[0], sandbox=False) if batch == 1 else together(messages, sandbox=False).body
    )
    with strict_sendgrid(latency=0.05) as (url, key):

        def ours() -> float:
            with tempfile.TemporaryDirectory() as name:
                store = enrolled(Path(name), edition, count)
                provider = SendGridProvider(key, url, lambda: NOW, batch=batch)
                window = max(20, batch)

                def work() -> None:
                    links = Links(
                        "https://letters.example.org", ["a key of thirty-two characters!!"]
                    )
                    owner = f"bench-{threading.get_ident()}"
                    each = Courier(store, provider, links, SystemClock(), owner, window=window)
                    while deliver_window(each).claimed:
                        pass

                took = seconds(lambda: in_threads(work, threads))
                assert store.audit().sent == count
                provider.close()
                store.close()
                return took

        def bare() -> float:
            calls = iter(range(-(-count // batch)))
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

            def work() -> None:
                connection = http.client.HTTPConnection(urlsplit(url).netloc)
                for _ in calls:
                    connection.request("POST", "/v3/mail/send", body, headers)
                    assert connection.getresponse().read() == b""
                connection.close()

            return seconds(lambda: in_threads(work, threads))

        label = f"through SendGrid, {batch} a call"
        report(label, "letters/s", count, *best_of_both(ours, bare), "in bare posts/s")


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


def hearing(edition: Edition, people: int = 2000, batch: int = 500) -> None:
    """Measure events at the real door, each told twice, against verifying and reading them."""
    signer = ec.generate_private_key(ec.SECP256R1())
    der = signer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = base64.b64encode(der).decode()

    def signed(events: list[dict[str, object]]) -> tuple[bytes, str, str]:
        body, at = json.dumps(events).encode(), str(int(time.time()))
        signature = signer.sign(at.encode() + body, ec.ECDSA(SHA256()))
        return body, base64.b64encode(signature).decode(), at

    def posts(store: Store) -> list[tuple[bytes, str, str]]:
        told = [
            {
                "event": kind,
                "email": each.address,
                "timestamp": int(time.time()),
                "sg_event_id": f"{kind}-{each.id}",
                "sg_message_id": f"{each.id[:20]}.recvd-5d4f-1-6789-1.0",
                "smtp-id": each.message_id,
                "lettercourse_delivery": each.id,
            }
            for each in store.deliveries()
            for kind in ("processed", "delivered")
        ]
        batches = [told[start : start + batch] for start in range(0, len(told), batch)]
        return [signed(each) for each in (*batches, *batches)]

    def door() -> float:
        with tempfile.TemporaryDirectory() as name:
            store = enrolled(Path(name), edition, people)
            tick(courier(store, Nowhere()))
            bodies = posts(store)
            store.close()
            environment = {
                "LETTERCOURSE_DATA_DIR": name,
                "LETTERCOURSE_DATABASE_URL": f"sqlite:///{name}/bench.db",
                "LETTERCOURSE_SENDGRID_EVENT_KEY": key,
            }
            installation = open_installation(read_settings(environment))
            server = Server(build_web(installation), "127.0.0.1", 0)
            server.start()
            with httpx.Client(base_url=server.url) as client:

                def post() -> None:
                    for body, signature, at in bodies:
                        headers = {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: at}
                        client.post("/hooks/sendgrid/events", content=body, headers=headers)

                took = seconds(post)
            server.stop()
            server.join(time.monotonic() + 5)
            installation.close()
            return took

    def floor() -> float:
        with tempfile.TemporaryDirectory() as name:
            store = enrolled(Path(name), edition, people)
            tick(courier(store, Nowhere()))
            bodies = posts(store)
            store.close()

        def read() -> None:
            for body, signature, at in bodies:
                verify(body, signature, at, key, datetime.now(UTC))
                json.loads(body)

        return seconds(read)

    count = 4 * people
    report("take events", "events/s", count, *best_of_both(door, floor), "verify + json.loads/s")


def reading(count: int = 300) -> None:
    """Measure understanding an answer against parsing it with ``email`` and doing no more."""
    quoted = "".join(f"> Line {n} of a letter that is quoted.\n" for n in range(200))
    answer = EmailMessage()
    answer["From"] = "Ada <ada@example.org>"
    answer["Subject"] = "Re: Day 1"
    answer.set_content(f"I swam.\n\nOn 3/3/25, 8:00 AM, C <c@example.org> wrote:\n\n{quoted}")
    answer.add_alternative(f"<p>I swam.</p><blockquote type=cite>{quoted}</blockquote>", "html")
    raw = answer.as_bytes()

    def floor(content: bytes) -> None:
        message = message_from_bytes(content, policy=default)
        for part in message.walk():
            if not part.is_multipart():
                part.get_payload(decode=True)

    def in_a_child() -> float:
        with MailReader() as reader:
            reader.read(InboundMail(raw))
            return seconds(lambda: [reader.read(InboundMail(raw)) for _ in range(count)])

    def here() -> float:
        return seconds(lambda: [parse_mail(InboundMail(raw)) for _ in range(count)])

    def peer() -> float:
        return seconds(lambda: [floor(raw) for _ in range(count)])

    report("understand an answer", "mails/s", count, *best_of_both(here, peer), "by email/s")
    label = "understand it in the child"
    report(label, "mails/s", count, *best_of_both(in_a_child, peer), "by email/s")
    hostile = {name: make(200_000) for name, make in HOSTILE.items()}
    took = {
        name: min(seconds(lambda raw=raw: parse_mail(InboundMail(raw))) for _ in range(ROUNDS))  # type: ignore[misc]
        for name, raw in hostile.items()
    }
    worst = max(took, key=lambda name: took[name])
    other = min(seconds(lambda: floor(hostile[worst])) for _ in range(ROUNDS))
    report(f"slowest hostile: {worst}"[:34], "mails/s", 1, took[worst], other, "by email/s")


def answering(edition: Edition, people: int = 300) -> None:
    """Measure replies at the real door against parsing them with ``email`` and a bare insert."""
    environment = {
        "LETTERCOURSE_INBOUND_SECRET": "a-password",
        "LETTERCOURSE_REPLY_DOMAIN": "reply.example.org",
    }

    def replies(addresses: Sequence[tuple[str, str]]) -> list[bytes]:
        made = []
        for number, (sender, to) in enumerate(addresses):
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = sender, to, "Re: Day 1"
            mail["Message-ID"] = f"<{number}@mail.example>"
            mail.set_content(f"I swam {number} times.\n\nOn Monday, C wrote:\n> " + "words " * 200)
            made.append(inbound_body(mail.as_bytes(), Inbound(), "parsed")[0])
        return made

    def door() -> float:
        with tempfile.TemporaryDirectory() as name:
            store = enrolled(Path(name), edition, people)
            tick(courier(store, Nowhere()))
            store.close()
            url = f"sqlite:///{name}/bench.db"
            ours = {"LETTERCOURSE_DATA_DIR": name, "LETTERCOURSE_DATABASE_URL": url, **environment}
            installation = open_installation(read_settings(ours))
            sent = installation.store.deliveries()
            bodies = replies([(s.address, installation.links.reply_address(s.id)) for s in sent])
            server = Server(build_web(installation), "127.0.0.1", 0)
            server.start()
            login = ("any", environment["LETTERCOURSE_INBOUND_SECRET"])
            with httpx.Client(base_url=server.url, auth=login) as client:

                def post() -> None:
                    for body in bodies:
                        client.post("/hooks/sendgrid/inbound", content=body).raise_for_status()

                post_one = bodies.pop()
                client.post("/hooks/sendgrid/inbound", content=post_one)  # starts the child
                took = seconds(post)
            assert len(installation.store.reflections(edition.course)) == len(sent)
            server.stop()
            server.join(time.monotonic() + 5)
            installation.close()
            return took

    def floor() -> float:
        bodies = replies([(f"p{n}@example.org", "r@reply.example.org") for n in range(people)])
        with tempfile.TemporaryDirectory() as name:
            database = choose_driver().module.connect(f"{name}/floor.db", isolation_level=None)
            for pragma in choose_driver().pragmas:
                database.execute(f"PRAGMA {pragma}")
            database.execute("CREATE TABLE replies (raw BLOB)")

            def take() -> None:
                for body in bodies:
                    message_from_bytes(body, policy=default)
                    database.execute("INSERT INTO replies VALUES (?)", (body,))

            took = seconds(take)
            database.close()
            return took

    report("take replies", "replies/s", people, *best_of_both(door, floor), "email + insert/s")


def main() -> None:
    """Run every measurement on the shipped course."""
    edition = compile_course(SAMPLE).edition
    filling(edition)
    delivering(edition)
    through_sendgrid(edition, batch=1, count=400)
    through_sendgrid(edition, batch=500, count=8_000)
    claiming(edition)
    enrolling(edition)
    hearing(edition)
    reading()
    answering(edition)


if __name__ == "__main__":
    main()
