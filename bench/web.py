"""Events and replies of providers at the real web door."""

from __future__ import annotations

import base64
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.measure import Case, Run, Size, timed
from bench.sample import Nowhere, courier, edition, enrolled
from tests.peers.sendgrid_hooks import Inbound, inbound_body
from worker.delivery import tick
from worker.inbound.sendgrid_signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, verify
from worker.installation import Installation, open_installation
from worker.model import DeliveryRecord
from worker.settings import read_settings
from worker.store.sqlite import choose_driver
from worker.web import build_web
from worker.web.server import Server

EVENTS_A_POST = 500
PASSWORD = "a-password"


def hearing(size: Size) -> Iterator[Case]:
    """Take events, each told twice, against verifying and reading them."""
    people = size.of(2000)
    signer = ec.generate_private_key(ec.SECP256R1())
    der = signer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = base64.b64encode(der).decode()

    def signed(events: Sequence[Mapping[str, object]]) -> tuple[bytes, str, str]:
        body, at = json.dumps(events).encode(), str(int(time.time()))
        signature = signer.sign(at.encode() + body, ec.ECDSA(SHA256()))
        return body, base64.b64encode(signature).decode(), at

    def posts(sent: Sequence[DeliveryRecord]) -> list[tuple[bytes, str, str]]:
        told = [event(kind, each) for each in sent for kind in ("processed", "delivered")]
        starts = range(0, len(told), EVENTS_A_POST)
        batches = [told[start : start + EVENTS_A_POST] for start in starts]
        return [signed(each) for each in (*batches, *batches)]

    def door() -> Run:
        with (
            sent_to(people, {"SENDGRID_EVENT_KEY": key}) as installation,
            served(installation) as c,
        ):
            bodies = posts(installation.store.deliveries())

            def post() -> None:
                for body, signature, at in bodies:
                    headers = {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: at}
                    answer = c.post("/hooks/sendgrid/events", content=body, headers=headers)
                    answer.raise_for_status()

            return timed(4 * people, post)

    def floor() -> Run:
        with sent_to(people, {}) as installation:
            bodies = posts(installation.store.deliveries())

        def read() -> None:
            for body, signature, at in bodies:
                verify(body, signature, at, key, datetime.now(UTC))
                json.loads(body)

        return timed(4 * people, read)

    yield Case("take events", "events/s", door, "verify + json.loads/s", floor)


def event(kind: str, sent: DeliveryRecord) -> dict[str, object]:
    """Return what SendGrid tells of one letter."""
    return {
        "event": kind,
        "email": sent.address,
        "timestamp": int(time.time()),
        "sg_event_id": f"{kind}-{sent.id}",
        "sg_message_id": f"{sent.id[:20]}.recvd-5d4f-1-6789-1.0",
        "smtp-id": sent.message_id,
        "lettercourse_delivery": sent.id,
    }


def answering(size: Size) -> Iterator[Case]:
    """Take replies, against parsing them by ``email`` and a bare insert."""
    people = size.of(300, least=2)

    def door() -> Run:
        settings = {"INBOUND_SECRET": PASSWORD, "REPLY_DOMAIN": "reply.example.org"}
        with sent_to(people, settings) as installation, served(installation) as client:
            sent = installation.store.deliveries()
            first, *bodies = replies(
                [(each.address, installation.links.reply_address(each.id)) for each in sent]
            )

            def post(body: bytes) -> httpx.Response:
                login = ("any", PASSWORD)
                answer = client.post("/hooks/sendgrid/inbound", content=body, auth=login)
                return answer.raise_for_status()

            post(first)  # starts the child that reads mail
            run = timed(len(bodies), lambda: [post(body) for body in bodies])
            assert len(installation.store.reflections(edition().course)) == len(sent)
            return run

    def floor() -> Run:
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

            run = timed(people, take)
            database.close()
            return run

    yield Case("take replies", "replies/s", door, "email + insert/s", floor)


def replies(addresses: Sequence[tuple[str, str]]) -> list[bytes]:
    """Return a post of the provider for each pair of sender and recipient."""
    made = []
    for number, (sender, to) in enumerate(addresses):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, to, "Re: Day 1"
        mail["Message-ID"] = f"<{number}@mail.example>"
        mail.set_content(f"I swam {number} times.\n\nOn Monday, C wrote:\n> " + "words " * 200)
        made.append(inbound_body(mail.as_bytes(), Inbound(), "parsed")[0])
    return made


@contextmanager
def sent_to(people: int, settings: Mapping[str, str]) -> Iterator[Installation]:
    """Open an installation whose people have all had their welcome."""
    with tempfile.TemporaryDirectory() as name:
        store = enrolled(Path(name), people)
        tick(courier(store, Nowhere()))
        store.close()
        given = {
            "DATA_DIR": name,
            "DATABASE_URL": f"sqlite:///{name}/bench.db",
            **settings,
        }
        installation = open_installation(
            read_settings({f"LETTERCOURSE_{key}": value for key, value in given.items()})
        )
        yield installation
        installation.close()


@contextmanager
def served(installation: Installation) -> Iterator[httpx.Client]:
    """Open the web door of an installation."""
    server = Server(build_web(installation), "127.0.0.1", 0)
    server.start()
    with httpx.Client(base_url=server.url) as client:
        yield client
    server.stop()
    server.join(time.monotonic() + 5)
