"""The ledger in SQL: who takes which course, and what became of every letter."""

from worker.store.gating import Gate
from worker.store.installation import fingerprint
from worker.store.replies import Filed, Reply
from worker.store.store import Store, open_store
from worker.store.tracing import Clues, Origin, Trace

__all__ = [
    "Clues",
    "Filed",
    "Gate",
    "Origin",
    "Reply",
    "Store",
    "Trace",
    "fingerprint",
    "open_store",
]
