"""Bytes to rows of cells, whatever program wrote them: encoding, separator, quotes.

Reads line by line, so that a list may be larger than memory.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import BinaryIO

from course.errors import LettercourseError

SEPARATORS = (",", ";", "\t", "|")

_LONGEST_LINE = 1 << 20
_BLOCK = 1 << 16
_LINE_END = re.compile(rb"[\r\n]")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_TEXT = frozenset(map(chr, range(32))) - {"\t", "\n", "\r", "\f"}


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it stands in the list.

    Attributes:
        line: 1-based number of its first line.
        fault: why the cells cannot be trusted; empty when they can.
    """

    line: int
    cells: tuple[str, ...]
    fault: str = ""


class Lines:
    """Numbered lines with their ends, of which some can be given back.

    Args:
        stream: the list's bytes; need not be seekable.
        name: what the list is called in faults.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._ahead: deque[tuple[int, str]] = deque()
        self._fresh = enumerate(_text_lines(stream, name), start=1)
        self.taken: list[tuple[int, str]] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        numbered = self._ahead.popleft() if self._ahead else next(self._fresh)
        self.taken.append(numbered)
        return numbered[1]

    def give_back(self, start: int) -> None:
        """Put the lines taken from index ``start`` on back, to be taken again."""
        self._ahead.extendleft(reversed(self.taken[start:]))
        del self.taken[start:]


def records(lines: Lines, separator: str) -> Iterator[Record]:
    """Yield every row that is not blank.

    A row whose quotes do not match costs that row alone: a quote that is never closed would
    otherwise swallow the people after it. Reading goes on with the line after its first.
    """
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        lines.taken.clear()
        try:
            cells = tuple(next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            line, text = lines.taken[0]
            lines.give_back(1)
            cells = tuple(text.rstrip("\r\n").split(separator))
            long = "limit" in str(error) and len(text) > csv.field_size_limit()
            fault = "a cell is too long" if long else "a quote is not closed, or not doubled"
            yield Record(line, cells, fault)
            reader = csv.reader(lines, delimiter=separator, strict=True)
            continue
        if "".join(cells).strip():
            yield Record(lines.taken[0][0], cells)


def _text_lines(stream: BinaryIO, name: str) -> Iterator[str]:
    start = stream.read(len(codecs.BOM_UTF16_LE))
    texts = _utf16(start, stream) if start in _UTF16 else _utf8(start, stream)
    for number, text in enumerate(texts):
        if number == 0 and _NOT_TEXT.intersection(text.partition("\n")[0]):
            raise LettercourseError(
                "this is not a CSV file", where=name, remedy="export the list as CSV, in UTF-8"
            )
        yield from StringIO(text, newline="")


def _utf8(start: bytes, stream: BinaryIO) -> Iterator[str]:
    """Yield whole lines, many at a time.

    Of a line over 1 MB the rest is passed over: its row is rejected for its length anyway.
    """
    rest = (start + stream.read(1)).removeprefix(codecs.BOM_UTF8)
    for taken in _blocks(stream):
        block = _from_line_end(taken) if len(rest) >= _LONGEST_LINE else taken
        cut = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
        if cut:
            yield _decoded(rest + block[:cut])
            rest = block[cut:]
        else:
            rest += block
    yield _decoded(rest)


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield what is in a stream, without cutting CR LF in two."""
    while block := stream.read(_BLOCK):
        while block.endswith(b"\r") and (following := stream.read(1)):
            block += following
        yield block


def _from_line_end(block: bytes) -> bytes:
    found = _LINE_END.search(block)
    return block[found.start() :] if found else b""


def _decoded(lines: bytes) -> str:
    """Return lines as text; what is not UTF-8 is read as Windows-1252, which old Excel writes."""
    try:
        return lines.decode()
    except UnicodeDecodeError:
        each = lines.splitlines(keepends=True)
        if len(each) == 1:
            return lines.decode("cp1252", errors="replace")
        return "".join(map(_decoded, each))


def _utf16(start: bytes, stream: BinaryIO) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
    decoder.decode(start)
    rest = ""
    while block := stream.read(_BLOCK):
        *whole, rest = (rest + decoder.decode(block)).split("\n")
        yield from (line + "\n" for line in whole)
    yield rest + decoder.decode(b"", final=True)
