"""Tables as text: aligned while they fit, else a paragraph a row."""

from __future__ import annotations

from collections.abc import Sequence

from course.letters.wrapping import columns_of, wrap

_GAP = "  "


def laid_out(rows: Sequence[Sequence[str]], width: int) -> str:
    """Return the rows, the first of them the header, in lines of at most ``width`` where possible.

    A table that is too wide is written as its header on one line, then each row as a list of
    ``header: cell``.
    """
    if not rows:
        return ""
    columns = range(max(len(row) for row in rows))
    cells = [[row[at] if at < len(row) else "" for at in columns] for row in rows]
    widths = [max(columns_of(row[at]) for row in cells) for at in columns]
    if sum(widths) + len(_GAP) * (len(widths) - 1) <= width:
        rule = ["-" * size for size in widths]
        return "\n".join(_aligned(row, widths) for row in (cells[0], rule, *cells[1:]))
    header = _filled(" | ".join(title for title in cells[0] if title), width)
    return "\n\n".join((header, *(_record(cells[0], row, width) for row in cells[1:])))


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        f"{cell}{' ' * (size - columns_of(cell))}" for cell, size in zip(row, widths, strict=True)
    )
    return _GAP.join(padded).rstrip()


def _record(header: Sequence[str], row: Sequence[str], width: int) -> str:
    return "\n".join(
        _filled(f"{title}: {cell}" if title else cell, width)
        for title, cell in zip(header, row, strict=True)
        if cell
    )


def _filled(text: str, width: int) -> str:
    return wrap(text, width, hanging="  ")
