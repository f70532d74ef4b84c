"""Rows given to a statement as one parameter, so that a window costs one statement.

They travel as one JSON array, which both databases unfold into a table: the statement's
text is the same for any number of rows, is compiled and prepared once, and goes over the wire in
one turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement, GenericFunction

from worker.store.types import instant_text

GIVEN = "given"
"""The parameter that the rows are bound to."""

Clock = sa.Time().with_variant(sa.String(), "sqlite")
Day = sa.Date().with_variant(sa.String(), "sqlite")
"""Columns for times of day and dates: to SQLite they are text, of which a cast made a number."""


class _Elements(GenericFunction[Any]):
    """The elements of a JSON array, as rows with one column ``value``."""

    name = "elements"
    inherit_cache = True


@compiles(_Elements, "sqlite")
def _elements_on_sqlite(element: _Elements, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_Elements, "postgresql")
def _elements_on_postgresql(element: _Elements, compiler: SQLCompiler, **kw: Any) -> str:
    return f"jsonb_array_elements(CAST({compiler.process(element.clauses, **kw)} AS jsonb))"


def given(**columns: Any) -> sa.Subquery:
    """Return the rows that a statement is given, as a table with these typed columns.

    The statement is executed with ``{GIVEN: as_given(rows)}``.
    """
    elements = _Elements(sa.bindparam(GIVEN, type_=sa.Text)).table_valued("value")
    cells = [elements.c.value.op("->>")(sa.text(str(place))) for place in range(len(columns))]
    return sa.select(
        *(
            sa.cast(cell, type_).label(name)
            for cell, (name, type_) in zip(cells, columns.items(), strict=True)
        )
    ).subquery(GIVEN)


def as_given(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as the one parameter, their cells in the order of the columns.

    Instants must be aware, times of day must not.
    """
    return _written(list(rows))


class _Many(sa.types.TypeDecorator[Sequence[Any]]):
    """Values of one type: an array, or on SQLite JSON."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, item: sa.types.TypeEngine[Any]) -> None:
        self.item = item
        super().__init__()

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the parameter's type."""
        on_sqlite = dialect.name == "sqlite"
        return dialect.type_descriptor(sa.Text() if on_sqlite else sa.ARRAY(self.item))

    def process_bind_param(self, value: Sequence[Any] | None, dialect: sa.Dialect) -> Any:
        """Write the values."""
        many = list(value or ())
        return _written(many) if dialect.name == "sqlite" else many


class _Among(FunctionElement[Any]):
    """Whether a column's value is one of many."""

    name = "among"
    type = sa.types.NullType()  # a boolean would be compared with 1, and no index be of use
    inherit_cache = True


@compiles(_Among, "sqlite")
def _among_on_sqlite(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = (compiler.process(each, **kw) for each in element.clauses)
    type_ = compiler.dialect.type_compiler_instance.process(next(iter(element.clauses)).type)
    cast = f"CAST(value AS {type_})"  # without it no index is of use
    return f"{column} IN (SELECT {cast} FROM json_each({values}))"  # noqa: S608 - all compiled


@compiles(_Among, "postgresql")
def _among_on_postgresql(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = (compiler.process(each, **kw) for each in element.clauses)
    return f"{column} = ANY ({values})"


def among(column: sa.Column[Any], name: str = "ids") -> sa.ColumnElement[bool]:
    """Tell whether a column's value is one of the parameter's, however many those are.

    PostgreSQL's planner sees by it how few rows a statement is about; a join would leave that to
    its statistics, which may be old.
    """
    return _Among(column, sa.bindparam(name, type_=_Many(column.type)))


class _Is(FunctionElement[Any]):
    """Whether a column has a value that stands in another table's row."""

    name = "is"
    type = sa.types.NullType()  # as above
    inherit_cache = True


@compiles(_Is, "sqlite")
def _is_on_sqlite(element: _Is, compiler: SQLCompiler, **kw: Any) -> str:
    column, value = (compiler.process(each, **kw) for each in element.clauses)
    return f"{column} = {value}"


@compiles(_Is, "postgresql")
def _is_on_postgresql(element: _Is, compiler: SQLCompiler, **kw: Any) -> str:
    column, value = (compiler.process(each, **kw) for each in element.clauses)
    return f"{column} = ANY (ARRAY[{value}])"


def looked_up(column: sa.Column[Any], cell: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Tell whether a column has the value of a given row's cell, by the column's index.

    As a plain equation PostgreSQL may turn it round, and look up every row of the table among the
    given: right in a table that was small when the statement was planned.
    """
    return _Is(column, cell)


def row_by_row(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Return a condition that no index answers, for rows that are found by their ids.

    What is live, or open, has an index of its own. It looks small to PostgreSQL, which would read
    it from end to end; but it has everybody's, and until a vacuum those that were so once.
    """
    return sa.case((condition, sa.true()), else_=sa.false())


def _written(values: Sequence[Any]) -> str:
    return orjson.dumps(values, _cell, orjson.OPT_PASSTHROUGH_DATETIME).decode()


def _cell(value: object) -> str:
    """Return an instant, a time or a date as both databases read it, and as SQLite keeps it."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return instant_text(value)
    if isinstance(value, time) and value.tzinfo is None:
        return value.isoformat("microseconds")
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no value of a row")
