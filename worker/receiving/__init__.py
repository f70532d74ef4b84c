"""The use case of a mail that comes in: whose it is, what it is, and what it does."""

from worker.receiving.receiver import Received, Receiver, receive

__all__ = ["Received", "Receiver", "receive"]
