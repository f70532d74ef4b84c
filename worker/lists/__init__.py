"""Lists of people, as spreadsheets and other services export them."""

from worker.addresses import normalise_address
from worker.lists.people import RejectedRow, read_people
from worker.lists.person import read_time
from worker.lists.rejected import rejected_path, write_rejected
from worker.lists.suppressed import read_suppressed

__all__ = [
    "RejectedRow",
    "normalise_address",
    "read_people",
    "read_suppressed",
    "read_time",
    "rejected_path",
    "write_rejected",
]
