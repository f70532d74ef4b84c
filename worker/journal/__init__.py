"""The journal: what a database must never forget, kept on a host's disk outside of it.

Append-only files that know no SQL. Every line ends in a sync of the disk before anybody acts on it.
"""

from worker.journal.entries import Entry, Erasure, Gate, Leave
from worker.journal.journal import Journal, Place, open_journal
from worker.journal.segments import BEGINNING, Mark

__all__ = [
    "BEGINNING",
    "Entry",
    "Erasure",
    "Gate",
    "Journal",
    "Leave",
    "Mark",
    "Place",
    "open_journal",
]
