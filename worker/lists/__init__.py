"""Lists of people, as spreadsheets and other services export them."""

from worker.lists.people import RejectedRow, read_people
from worker.lists.person import normalise_address
from worker.lists.rejected import rejected_path, write_rejected

__all__ = [
    "RejectedRow",
    "normalise_address",
    "read_people",
    "rejected_path",
    "write_rejected",
]
