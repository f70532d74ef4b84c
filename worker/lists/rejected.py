"""Rejected rows, written beside the list so that they can be mended and given again."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from worker.lists.people import RejectedRow

_OURS = ("line", "reason")


def rejected_path(list_path: Path) -> Path:
    """Return where the rejected rows of a list go: ``people.csv`` to ``people.rejected.csv``."""
    return list_path.with_name(f"{list_path.stem}.rejected.csv")


def write_rejected(path: Path, rows: Sequence[RejectedRow]) -> None:
    """Write rejected rows as CSV in UTF-8: line and reason first, then the row as it was.

    Cells are written as they were given, also those that a spreadsheet would take for a formula
    (``=...``): they come from the same person's list, and a mended file must say what the list
    said. The file appears whole or not at all, and only its owner may read it.

    Args:
        path: the file, replaced if it exists.
        rows: of one list.
    """
    with NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", newline="", delete=False
    ) as file:
        try:
            writer = csv.writer(file, lineterminator="\n")
            skip = len(_OURS) if rows and rows[0].header[: len(_OURS)] == _OURS else 0
            writer.writerow((*_OURS, *(rows[0].header[skip:] if rows else ())))
            writer.writerows((row.line, row.reason, *row.cells[skip:]) for row in rows)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
