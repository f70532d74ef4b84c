"""Statements that are executed for every window: their SQL is made once for each kind of database.

SQLAlchemy asks a statement anew at every execution how its parameters and rows are converted; for
the few rows of one window that costs more than the database's own work.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError

from worker.store.types import Record

_Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in one dialect.

    Attributes:
        order: the parameters' names in turn; ``None`` where they go by name.
        constants: the values that stand in the statement itself, as the driver takes them.
        binds: how the others are written, by name; ``None``: as they are.
        row: makes a record of a row's values.
        reads: how values are read, by their place in a row.
    """

    sql: str
    order: Sequence[str] | None
    constants: Mapping[str, Any]
    binds: Mapping[str, _Convert | None]
    row: Callable[[Sequence[Any]], Record] | None
    reads: Sequence[tuple[int, _Convert]]


class Prepared:
    """A statement whose parameters are given at each execution, by their names.

    It must hold no ``IN`` of a list, whose text would depend on how many values come.

    Attributes:
        statement: as SQLAlchemy expresses it.
    """

    def __init__(self, statement: Select[Any] | Insert | Update | Delete) -> None:
        self.statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def __call__(self, connection: Connection, **given: Any) -> list[Record]:
        """Execute it in a transaction and return its rows, if it has any.

        Raises:
            DBAPIError: as SQLAlchemy's own execution does.
        """
        dialect = connection.dialect
        made = self._compiled.get(dialect.name) or self._compile(dialect)
        values: Any = dict(made.constants)
        for name, bind in made.binds.items():
            values[name] = given[name] if bind is None else bind(given[name])
        if made.order is not None:
            values = tuple([values[name] for name in made.order])
        cursor: Any = connection.connection.cursor()
        try:
            dialect.do_execute(cursor, made.sql, values)
            rows = cursor.fetchall() if made.row else ()
        except dialect.loaded_dbapi.Error as fault:
            raise _told_as_usual(fault, made.sql, dialect) from fault
        finally:
            cursor.close()
        if made.row is None:
            return []
        if made.reads:
            rows = list(map(list, rows))
            for place, read in made.reads:
                for row in rows:
                    row[place] = read(row[place])
        return list(map(made.row, rows))

    def _compile(self, dialect: Dialect) -> _Compiled:
        compiled = self.statement.compile(dialect=dialect)
        constants, binds = dict(compiled.params), dict[str, _Convert | None]()
        for parameter, name in compiled.bind_names.items():
            convert = parameter.type.dialect_impl(dialect).bind_processor(dialect)
            if parameter.required:
                constants.pop(name, None)
                binds[name] = convert
            elif convert and name in constants:
                constants[name] = convert(constants[name])
        columns = list(self.statement.exported_columns)
        types = [each.type.dialect_impl(dialect) for each in columns]
        readers = [each.result_processor(dialect, None) for each in types]
        made = self._compiled[dialect.name] = _Compiled(
            compiled.string,
            compiled.positiontup if compiled.positional else None,
            constants,
            binds,
            _record([str(each.key) for each in columns]) if columns else None,
            tuple((place, read) for place, read in enumerate(readers) if read),
        )
        return made


def _record(names: Sequence[str]) -> Callable[[Sequence[Any]], Record]:
    """Return what makes a named tuple of values; ``_make`` does it in Python, one by one."""
    named: Any = namedtuple("Record", names)  # type: ignore[misc]
    return cast("Callable[[Sequence[Any]], Record]", partial(tuple.__new__, named))


def _told_as_usual(fault: Exception, sql: str, dialect: Dialect) -> BaseException:
    """Return a driver's fault as SQLAlchemy tells it; without parameters, which are of people."""
    base = dialect.loaded_dbapi.Error
    return cast(
        "BaseException",
        DBAPIError.instance(sql, None, fault, base, hide_parameters=True, dialect=dialect),
    )
