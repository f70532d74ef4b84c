"""TOML whose values know their line, and tables that collect every fault instead of the first."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from course.model import Finding, Level

Path = tuple[str | int, ...]

UNKNOWN_KEY = "unknown-key"

_PIECE = re.compile(
    r'"""(?:[^\\]|\\.)*?"""+|\'\'\'.*?\'\'\'+|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\''
    r"|#[^\n]*|\n|[\[\]{},=]|[ \t\r]+|[^\s\[\]{},=#\"']+",
    re.DOTALL,
)
_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file: its values, and the line on which each table, key and array item stands."""

    file: str
    values: Mapping[str, object]
    lines: Mapping[Path, int]
    faults: list[Finding] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Return the line of the value at ``path``, or of the nearest table around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def texts(self) -> Iterator[tuple[int, str]]:
        """Yield every text among the values with its line, in order."""
        yield from sorted(_texts(self.values, (), self), key=lambda text: text[0])

    def named_lines(self) -> dict[str, int]:
        """Return the line of each value by its table and key; an empty text is no value.

        A table of an array goes by its own ``key``.
        """
        found: dict[str, int] = {}
        for name, tables in self.values.items():
            for number, table in enumerate(tables if isinstance(tables, list) else [tables]):
                path = (name, number) if isinstance(tables, list) else (name,)
                if isinstance(table, dict):
                    called = table.get("key", name) if isinstance(tables, list) else name
                    for key in (key for key, value in table.items() if value != ""):
                        found[f"{called}.{key}"] = self.line((*path, key))
        return found

    def fault(self, rule: str, line: int, message: str, remedy: str) -> None:
        """Remember one fault."""
        self.faults.append(Finding(rule, Level.ERROR, self.file, line, message, remedy))


def read_toml(text: str, file: str) -> Document:
    """Return the document that ``text`` is; without values, with one fault, when it is not TOML."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        document = Document(file, {}, {})
        found = _AT_LINE.search(str(error))
        line = int(found[1]) if found and found[1] else text.rstrip().count("\n") + 1
        what = _AT_LINE.sub("", str(error))
        document.fault("toml-syntax", line, f"not TOML: {what}", "mend this line")
        return document
    except RecursionError:
        document = Document(file, {}, {})
        document.fault("toml-syntax", 1, "nested too deeply", "write plain tables and lists")
        return document
    return Document(file, values, _lines(text))


def _lines(text: str) -> dict[Path, int]:
    """Find where each table, key and item of an array stands, in text that is valid TOML."""
    lines: dict[Path, int] = {}
    counts: Counter[Path] = Counter()
    table: Path = ()
    number, depth, item = 1, 0, 0
    key = ""
    path: Path | None = None
    for piece in _PIECE.findall(text):
        if piece == "\n" and not depth:
            if key.startswith("["):
                table = _keys(key.strip("[] \t\r"))
                if key.startswith("[["):
                    counts[table] += 1
                    table = (*table, counts[table] - 1)
                lines[table] = number
            key, path = "", None
        elif path is None and piece == "=" and not key.startswith("["):
            path = (*table, *_keys(key))
            lines[path], item = number, 0
        elif path is None:
            key += "" if piece.startswith("#") else piece
        elif piece in "[{":
            depth += 1
        elif piece in "]}":
            depth -= 1
        elif piece == "," and depth == 1:
            item += 1
        elif depth == 1 and piece.strip() and not piece.startswith("#"):
            lines.setdefault((*path, item), number)
        number += piece.count("\n")
    return lines


def _texts(value: object, path: Path, document: Document) -> Iterator[tuple[int, str]]:
    if isinstance(value, str):
        yield document.line(path), value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key), document)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index), document)


def _keys(text: str) -> Path:
    keys: list[str] = []
    value: object = tomllib.loads(f"{text}=0")
    while isinstance(value, dict):
        (key, value) = next(iter(value.items()))
        keys.append(key)
    return tuple(keys)


@dataclass(frozen=True, slots=True)
class Text:
    """A string of the document and the line on which it stands; empty where none was given."""

    value: str
    line: int


class Table:
    """One table of a document, read key by key; what nobody asked for is unknown."""

    def __init__(self, document: Document, path: Path, values: object) -> None:
        self._document = document
        self._path = path
        self._asked: list[str] = []
        self.line = document.line(path)
        self._values: Mapping[str, object] = values if isinstance(values, dict) else {}
        if not isinstance(values, dict):
            name = ".".join(str(part) for part in path)
            document.fault("wrong-type", self.line, f"{name} is no table", f"write [{name}]")

    def line_of(self, key: str) -> int:
        """Return the line of ``key``, or of the table when it is not there."""
        return self._document.line((*self._path, key))

    def fault(self, rule: str, line: int, message: str, remedy: str) -> None:
        """Remember one fault of this table."""
        self._document.fault(rule, line, message, remedy)

    def only(self, key: str) -> dict[str, int]:
        """Return the texts of the one key that this table has, with their lines."""
        found = {text.value: text.line for text in self.texts(key)}
        self.close()
        return found

    def get(self, key: str) -> object:
        """Return the value of ``key`` as TOML has it; ``None`` when it is not there."""
        self._asked.append(key)
        return self._values.get(key)

    def text(self, key: str) -> Text:
        """Return a string; white space at its ends is dropped."""
        value = self.get(key)
        line = self.line_of(key)
        if value is None:
            return Text("", line)
        if isinstance(value, str):
            return Text(value.strip(), line)
        self.fault("wrong-type", line, f"{key} is no text", f'write {key} = "..."')
        return Text("", line)

    def number(self, key: str, least: int, most: int) -> int | None:
        """Return a whole number between ``least`` and ``most``; ``None`` when it is not there."""
        value = self.get(key)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.fault(
            "bad-value",
            self.line_of(key),
            f"{key} is no whole number from {least} to {most}",
            f"write {key} = {least}, or leave it out",
        )
        return None

    def texts(self, key: str) -> tuple[Text, ...]:
        """Return a list of strings; a single string is a list of one."""
        value = self.get(key)
        if value is None:
            return ()
        items = value if isinstance(value, list) else [value]
        found: list[Text] = []
        for index, item in enumerate(items):
            line = self._document.line((*self._path, key, index))
            if isinstance(item, str) and item.strip():
                found.append(Text(item.strip(), line))
            else:
                self.fault(
                    "wrong-type", line, f"{key} holds something else than texts", 'write ["..."]'
                )
        return tuple(found)

    def table(self, key: str) -> Table:
        """Return the table under ``key``; an empty one when it is not there."""
        value = self.get(key)
        return Table(self._document, (*self._path, key), {} if value is None else value)

    def tables(self, key: str) -> tuple[Table, ...]:
        """Return the tables of an array of tables."""
        value = self.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            line = self.line_of(key)
            self.fault("wrong-type", line, f"{key} is a single table", f"write [[{key}]]")
            return ()
        return tuple(
            Table(self._document, (*self._path, key, index), item)
            for index, item in enumerate(value)
        )

    def close(self) -> None:
        """Report every key that nobody asked for."""
        known = list(dict.fromkeys(self._asked))
        for key in self._values:
            if key not in known:
                near = get_close_matches(key, known, n=1)
                remedy = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
                self.fault(UNKNOWN_KEY, self.line_of(key), f"unknown key {key}", remedy)
