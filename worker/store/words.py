"""What a person wrote about the lessons so far: a rail marks it, a finale gives it back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, case, select

from course.model import Kind
from worker.model import Claimed
from worker.progress import called_now, lesson_of
from worker.store.editions import Editions
from worker.store.given import among
from worker.store.prepared import Prepared
from worker.store.schema import deliveries, letters, reflections

SOME = "…"
"""Stands for words that a letter does not show: it only marks that there are some."""


def words_for(
    connection: Connection, shelf: Editions, claimed: Sequence[Claimed]
) -> Mapping[str, Mapping[str, str]]:
    """Return by delivery, then by lesson, what its person wrote in that run.

    Lessons go by the keys of the letter's own edition, since that is what its slots are called.
    Several reflections on one lesson come in the order of their arrival, a blank line between. Only
    a finale has the words themselves.
    """
    if not claimed:
        return {}
    written: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in _WRITTEN(connection, ids=[each.id for each in claimed]):
        renames = dict(shelf.edition(connection, row.edition_id).renames)
        written[row.id][called_now(renames, lesson_of(row.letter_key))].append(row.text)
    finales = {each.id for each in claimed if each.kind is Kind.FINALE}
    return {
        which: {
            key: "\n\n".join(filter(None, texts)) if which in finales else SOME
            for key, texts in by_lesson.items()
            if any(texts)
        }
        for which, by_lesson in written.items()
    }


_WRITTEN = Prepared(
    select(
        deliveries.c.id,
        letters.c.edition_id,
        reflections.c.letter_key,
        case((letters.c.kind == Kind.FINALE, reflections.c.text), else_=SOME).label("text"),
    )
    .join(letters, letters.c.id == deliveries.c.letter_id)
    .join(
        reflections,
        (reflections.c.enrollment_id == deliveries.c.enrollment_id)
        & (reflections.c.run == deliveries.c.run),
    )
    .where(among(deliveries.c.id), reflections.c.from_subscriber)
    .order_by(reflections.c.received_at, reflections.c.id)
)
