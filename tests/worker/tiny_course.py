"""A published course of plain letters, so that what carries letters can be tried without MJML."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path

from course.model import Asset, Edition, Kind, Letter, Schedule, Sender
from course.segments import Encoding, Literal, Slot
from worker.installation import Installation, open_installation
from worker.model import Clock, Person
from worker.settings import read_settings

LONG_AGO = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
KEYS = ("welcome", "goals", "finale")


class DrivenClock:
    """A calendar that stands still until it is set; leases go by the machine's own clock."""

    def __init__(self, now: datetime = LONG_AGO) -> None:
        self.instant = now

    def now(self) -> datetime:
        return self.instant

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def boot(self) -> float:
        return datetime.now(UTC).timestamp()


def edition(keys: Sequence[str] = KEYS) -> Edition:
    kinds = [Kind.WELCOME, *[Kind.LESSON] * (len(keys) - 2), Kind.FINALE]
    digest = sha256(PICTURE).hexdigest()
    return Edition(
        course="tiny",
        title="Tiny",
        language="en",
        sender=Sender("Ada", "ada@example.net", "1 Small Street, Town"),
        schedule=Schedule(
            send_at=time(8), days=tuple(range(7)), minimum_gap=timedelta(hours=12), timezone="UTC"
        ),
        letters=tuple(_letter(*it) for it in zip(range(len(keys)), keys, kinds, strict=True)),
        blocks=(),
        renames=(),
        assets=(Asset(digest, f"{digest}.svg", "image/svg+xml", PICTURE),),
        digest=sha256(" ".join(keys).encode()).hexdigest(),
    )


def _letter(number: int, key: str, kind: Kind) -> Letter:
    subject = f"Letter {number}: {key}"
    head = f"From: Ada <ada@example.net>\r\nSubject: {subject}\r\nX-Letter: {key}\r\nTo: "
    return Letter(
        key=key,
        kind=kind,
        number=number,
        title=key,
        subject=subject,
        minutes=1,
        source_digest=sha256(key.encode()).hexdigest(),
        subject_line=(Literal(subject.encode()),),
        html=(Literal(f"<h1>{key}</h1><p>For ".encode()), Slot("name", Encoding.HTML, "you")),
        text=(Literal(key.encode()),),
        mime=(
            Literal(head.encode()),
            Slot("address", Encoding.MAILBOX),
            Literal(b"\r\nMessage-ID: "),
            Slot("message_id", Encoding.HEADER),
            Literal(b"\r\nDate: "),
            Slot("date", Encoding.HEADER),
            Literal(b"\r\nList-Unsubscribe: <"),
            Slot("unsubscribe_url", Encoding.PLAIN),
            Literal(b">\r\n\r\nHello.\r\n.\r\nBe well.\r\n"),
        ),
    )


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return settings for a data folder, as the environment names them."""
    return {
        "LETTERCOURSE_DATA_DIR": str(folder),
        **{f"LETTERCOURSE_{name.upper()}": value for name, value in more.items()},
    }


def found(folder: Path, clock: Clock | None = None, /, **more: str) -> Installation:
    """Open an installation in ``folder``; the caller closes it."""
    return open_installation(read_settings(environment(folder, **more)), clock)


def enroll(installation: Installation, people: int, now: datetime | None = None) -> list[str]:
    """Publish the tiny course and enroll so many people in it; return their addresses."""
    now = now or installation.now()
    installation.store.publish(edition(), now)
    addresses = [f"p{number:03}@example.org" for number in range(people)]
    course = installation.store.course("tiny")
    installation.store.enroll(course, [Person(address, "Pat") for address in addresses], now)
    return addresses
