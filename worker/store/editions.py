"""Published courses: editions are added, never changed, and the newest one is followed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from course.codec import dump_letter, load_letter
from course.model import Asset, Edition, Letter, Schedule, Sender
from course.segments import letters_linked
from worker.errors import Refused, UnknownCourse
from worker.model import PublishedCourse, StoredLetter, Wait
from worker.progress import carry_over
from worker.store.engine import insert_new
from worker.store.schema import assets, courses, editions, letters
from worker.store.types import Record

REMEMBERED_LETTERS = 256
"""Letters kept in memory; one takes some hundred kilobytes."""


class Editions:
    """Reads what was published; editions never change, so what was read once is remembered."""

    def __init__(self) -> None:
        self._editions: dict[int, PublishedCourse] = {}
        self._letters: dict[int, StoredLetter] = {}

    def edition(self, connection: Connection, edition_id: int) -> PublishedCourse:
        """Return one edition, the newest or not."""
        known = self._editions.get(edition_id)
        if known is None:
            row = connection.execute(_EDITIONS.where(editions.c.id == edition_id)).one()
            known = self._editions[edition_id] = _read_edition(connection, row)
        return known

    def newest(self, connection: Connection, slug: str) -> PublishedCourse:
        """Return the newest edition of a course.

        Raises:
            UnknownCourse: nothing was published under that slug.
        """
        found = self.newest_or_none(connection, slug)
        if found is not None:
            return found
        slugs = ", ".join(known for known, _ in _newest_ids(connection))
        remedy = f"published: {slugs}" if slugs else "publish one: lettercourse publish COURSE"
        raise UnknownCourse("no such course is published", where=slug, remedy=remedy)

    def newest_or_none(self, connection: Connection, slug: str) -> PublishedCourse | None:
        """Return the newest edition of a course; ``None`` where nothing was published."""
        edition_id = connection.scalar(select(courses.c.edition_id).where(courses.c.slug == slug))
        return None if edition_id is None else self.edition(connection, edition_id)

    def all_newest(self, connection: Connection) -> tuple[PublishedCourse, ...]:
        """Return the newest edition of every course, by slug."""
        return tuple(self.edition(connection, each) for _, each in _newest_ids(connection))

    def remembered(self, letter_id: int) -> StoredLetter | None:
        """Return a letter that was read before."""
        return self._letters.get(letter_id)

    def letter(self, connection: Connection, letter_id: int) -> StoredLetter:
        """Return one letter of any edition.

        Raises:
            Refused: no letter has that id.
        """
        found = connection.execute(
            select(letters.c.edition_id, letters.c.body).where(letters.c.id == letter_id)
        ).one_or_none()
        if found is None:
            raise Refused("no such letter was published", where=str(letter_id))
        of = self.edition(connection, found.edition_id)
        letter = load_letter(found.body)
        ids = dict(zip(of.keys, of.letter_ids, strict=True))
        keys = letters_linked(letter.html) | letters_linked(letter.text)
        linked = {key: ids[key] for key in sorted(keys)}
        read = StoredLetter(letter_id, of.slug, of.title, of.sender, letter, linked)
        while len(self._letters) >= REMEMBERED_LETTERS:
            self._letters.pop(next(iter(self._letters)), None)
        self._letters[letter_id] = read
        return read


def publish(connection: Connection, edition: Edition, now: datetime) -> bool:
    """Store an edition as its course's newest, unless it is that already.

    Raises:
        Refused: the first of its ``refusals``.
    """
    course_id = _lock_course(connection, edition.course)
    newest = connection.execute(
        select(editions.c.digest, editions.c.renames)
        .join(courses, courses.c.edition_id == editions.c.id)
        .where(courses.c.id == course_id)
    ).one_or_none()
    former = {} if newest is None else dict(newest.renames)
    carried = carry_over([*former.items()], edition.renames)
    if newest is not None and not is_new(edition, carried, newest.digest, former):
        return False
    for refused in refusals(connection, edition, carried):
        raise refused
    sender, schedule = edition.sender, edition.schedule
    assert sender is not None  # noqa: S101 - or it was refused
    edition_id = connection.scalar(
        insert(editions)
        .values(
            course_id=course_id,
            digest=edition.digest,
            title=edition.title,
            sender_name=sender.name,
            sender_email=sender.email,
            sender_postal_address=sender.postal_address,
            send_at=schedule.send_at,
            days=",".join(map(str, schedule.days)),
            minimum_gap=round(schedule.minimum_gap.total_seconds()),
            timezone=schedule.timezone,
            language=edition.language or "en",
            renames=sorted(carried.items()),
            published_at=now,
        )
        .returning(editions.c.id)
    )
    connection.execute(insert(letters), _letters(edition, edition_id))
    insert_new(
        connection,
        assets,
        [
            {
                "digest": asset.digest,
                "name": asset.name,
                "media_type": asset.media_type,
                "content": asset.content,
            }
            for asset in sorted(edition.assets, key=lambda asset: asset.digest)
        ],
    )
    connection.execute(
        update(courses).where(courses.c.id == course_id).values(edition_id=edition_id)
    )
    return True


def is_new(
    edition: Edition, carried: Mapping[str, str], digest: str, former: Mapping[str, str]
) -> bool:
    """Tell whether an edition is another than the newest, which has ``digest``.

    It is by what a subscriber could notice, and by what it says that letters were called before.
    """
    return edition.digest != digest or carried != former


def _lock_course(connection: Connection, slug: str) -> int:
    """Hold a course's row, made first if there is none; return its id.

    Of two who publish at once the second one sees what the first one made.
    """
    insert_new(connection, courses, [{"slug": slug}])
    course = select(courses.c.id).where(courses.c.slug == slug).with_for_update(key_share=True)
    return int(connection.execute(course).scalar_one())


def find_asset(connection: Connection, name: str) -> Asset | None:
    """Return a picture by the last part of its address."""
    row = connection.execute(select(assets).where(assets.c.name == name)).one_or_none()
    return None if row is None else Asset(row.digest, row.name, row.media_type, row.content)


def _letters(edition: Edition, edition_id: int | None) -> list[dict[str, Any]]:
    """Return the rows of an edition's letters in order, then those of its reminders."""
    every: list[tuple[Letter, str | None]] = [(letter, None) for letter in edition.letters]
    every += [(wait.nudge, key) for key, wait in edition.waits.items() if wait.nudge is not None]
    return [
        {
            "edition_id": edition_id,
            "position": position,
            "key": letter.key,
            "kind": letter.kind,
            "source_digest": letter.source_digest,
            "body": dump_letter(letter),
            "wait_days": wait.days if (wait := edition.waits.get(letter.key)) else None,
            "nudge_days": wait.nudge_days if wait else None,
            "reminds_of": reminds_of,
        }
        for position, (letter, reminds_of) in enumerate(every)
    ]


def refusals(connection: Connection, edition: Edition, carried: Mapping[str, str]) -> list[Refused]:
    """Return why an edition must not be published: each is one fault, with its remedy.

    Args:
        connection: a transaction that reads, at least.
        edition: the one that is to be published.
        carried: every key of the past with what it would be called then.
    """
    return [
        Refused(what, where=edition.course, remedy=remedy)
        for what, remedy in (
            *_incomplete_sender(edition),
            *_torn_keys(edition),
            *_reused_keys(edition, carried),
            *_same_words(connection, edition, carried),
        )
    ]


def _incomplete_sender(edition: Edition) -> Iterator[tuple[str, str]]:
    sender = edition.sender
    parts = ("name", "email", "postal_address")
    missing = [part for part in parts if sender is None or not getattr(sender, part).strip()]
    if missing:
        yield (
            f"nothing is published without the sender's {', '.join(missing)}",
            "complete [sender] in course.toml",
        )


def _torn_keys(edition: Edition) -> Iterator[tuple[str, str]]:
    for old, times in Counter(old for old, _ in edition.renames).items():
        if times > 1:
            yield (
                f'two lessons are renamed from "{old}"',
                "keep it in one lesson's renamed_from",
            )


def _reused_keys(edition: Edition, carried: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key in sorted({letter.key for letter in edition.letters} & carried.keys()):
        now_called = carried[key]
        taking_back = f', or take the renaming back: renamed_from = ["{now_called}"]'
        kept = any(letter.key == now_called for letter in edition.letters)
        yield (
            f'the key "{key}" was another lesson\'s before that became "{now_called}"',
            "choose a key that was never used" + ("" if kept else taking_back),
        )


def _same_words(
    connection: Connection, edition: Edition, carried: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield lessons whose words were published under a key that is gone; only its course's."""
    keys = {letter.key for letter in edition.letters}
    before: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(_WORDS, {"slug": edition.course}):
        now_called = carried.get(row.key, row.key)
        if row.key not in keys:
            before[row.source_digest].add(row.key if now_called in keys else now_called)
    for letter in edition.letters:
        for key in sorted(before.get(letter.source_digest, ())):
            if carried.get(key) == letter.key:
                continue
            yield (
                f'the lesson "{letter.key}" was published before as "{key}"',
                f'give it renamed_from = ["{key}"], or its former key',
            )


_WORDS = (
    select(letters.c.source_digest, letters.c.key)
    .join(editions, editions.c.id == letters.c.edition_id)
    .join(courses, courses.c.id == editions.c.course_id)
    .where(courses.c.slug == bindparam("slug"), letters.c.reminds_of.is_(None))
    .distinct()
)

_EDITIONS = select(courses.c.slug, editions).join(courses, courses.c.id == editions.c.course_id)


def _newest_ids(connection: Connection) -> Sequence[Record]:
    query: Select[Any] = select(courses.c.slug, courses.c.edition_id).order_by(courses.c.slug)
    return connection.execute(query.where(courses.c.edition_id.is_not(None))).all()


def _read_edition(connection: Connection, row: Record) -> PublishedCourse:
    every = connection.execute(
        select(
            letters.c.id,
            letters.c.key,
            letters.c.wait_days,
            letters.c.nudge_days,
            letters.c.reminds_of,
        )
        .where(letters.c.edition_id == row.id)
        .order_by(letters.c.position)
    ).all()
    of = [letter for letter in every if letter.reminds_of is None]
    nudges = {letter.reminds_of: letter.id for letter in every if letter.reminds_of is not None}
    return PublishedCourse(
        slug=row.slug,
        title=row.title,
        edition_id=row.id,
        digest=row.digest,
        sender=Sender(row.sender_name, row.sender_email, row.sender_postal_address),
        schedule=Schedule(
            send_at=row.send_at,
            days=tuple(map(int, row.days.split(","))),
            minimum_gap=timedelta(seconds=row.minimum_gap),
            timezone=row.timezone,
        ),
        keys=tuple(letter.key for letter in of),
        letter_ids=tuple(letter.id for letter in of),
        renames=tuple((old, key) for old, key in row.renames),
        language=row.language,
        waits={
            letter.key: Wait(letter.wait_days, letter.nudge_days, nudges.get(letter.key))
            for letter in of
            if letter.wait_days is not None
        },
    )
