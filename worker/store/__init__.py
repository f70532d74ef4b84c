"""The ledger in SQL: who takes which course, and what became of every letter."""

from worker.store.gating import Gate
from worker.store.store import Store, open_store

__all__ = ["Gate", "Store", "open_store"]
