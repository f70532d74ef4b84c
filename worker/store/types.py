"""How values are kept in both databases, and how a query names them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

Record = sa.Row[*tuple[Any, ...]]
"""A row of a query that names its columns itself."""

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite numbers rows by itself only where the column's type is exactly INTEGER."""

_ZONED = sa.DateTime(timezone=True)


@lru_cache(maxsize=1024)
def instant_text(value: datetime) -> str:
    """Return an aware instant as SQLite keeps it; a statement's rows share most of theirs."""
    return value.astimezone(UTC).isoformat(" ", "microseconds")


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware instant in UTC; on SQLite as text of one width, so that it sorts as time does."""

    impl = _ZONED
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the column type: text on SQLite, which has no instants."""
        return dialect.type_descriptor(sa.String(32) if dialect.name == "sqlite" else _ZONED)

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Write an instant.

        Raises:
            ValueError: the instant is naive, so it is none.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive datetime is no instant: {value!r}")
        return instant_text(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def result_processor(
        self,
        dialect: sa.Dialect,
        coltype: object,  # noqa: ARG002
    ) -> Callable[[Any], datetime | None]:
        """Return what reads an instant, always in UTC; it is called for most cells of most rows."""
        return _from_text if dialect.name == "sqlite" else _in_utc


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


class Words(sa.types.TypeDecorator[str]):
    """Text as others wrote it: what PostgreSQL cannot keep becomes U+FFFD, on every database."""

    impl: type[sa.String] = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        """Write text; ``U+0000`` and halves of surrogate pairs are no characters."""
        return value if value is None else as_kept(value)


def as_kept(text: str) -> str:
    """Return text as ``Words`` are kept."""
    return _NO_CHARACTER.sub("\ufffd", text)


class Word(Words):
    """The same, of limited length."""

    impl = sa.String
    cache_ok = True


_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")


def by_code(length: int) -> sa.types.TypeEngine[str]:
    """Return the type of text that sorts by its characters' codes, whatever the server's language.

    No library's idea of a language is in its index, which could change under it.
    """
    by_bytes = postgresql.VARCHAR(length, collation="C")
    return sa.String(length).with_variant(by_bytes, "postgresql")


def those(name: str = "ids") -> sa.BindParameter[Any]:
    """Return the parameter of an ``IN`` in a statement that is built once and used often."""
    return sa.bindparam(name, expanding=True)
