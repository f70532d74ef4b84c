"""How fast letters may leave, and whether at all: asked before every gate."""

from worker.flow.breaker import Breaker
from worker.flow.rate import Bucket
from worker.flow.regulated import RegulatedFlow, open_flow

__all__ = ["Breaker", "Bucket", "RegulatedFlow", "open_flow"]
