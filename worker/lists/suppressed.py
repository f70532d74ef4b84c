"""A list of addresses that must not be written to, as providers export their suppressions.

Sources: SendGrid's exports of unsubscribes, bounces (``status`` 5.x.x) and spam reports, Postmark's
and Amazon SES's suppression lists (a reason in a word), Mailgun's (``address``), Mailchimp's
unsubscribed and cleaned audiences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from course.errors import LettercourseError, one_line
from worker.addresses import normalise_address
from worker.lists.columns import find_columns, plain
from worker.lists.people import RejectedRow, open_table
from worker.model import SubscriberState

REASON_COLUMNS = (
    *("reason", "suppressionreason", "bouncetype", "type", "status", "state", "event", "category"),
    *("emailstatus", "list", "origin", "code"),
)
"""Columns that may say why, in a word or by a mail server's code."""

REASONS: Mapping[str, SubscriberState] = dict.fromkeys(
    (
        *("bounce", "bounced", "bounces", "hardbounce", "hardbounced", "permanent", "cleaned"),
        *("invalid", "invalidemail", "undeliverable", "blocklisted"),
    ),
    SubscriberState.BOUNCED,
) | dict.fromkeys(
    (
        *("complaint", "complaints", "complained", "spam", "spamcomplaint", "spamcomplaints"),
        *("spamreport", "spamreports", "spamreported", "abuse", "junk"),
    ),
    SubscriberState.COMPLAINED,
)
"""What such a word means; any other one, or none, is that somebody did not want mail any more."""

_PERMANENT = re.compile(r"5\d\d|5\.\d{1,3}\.\d{1,3}", re.ASCII)
"""What a mail server says of a permanent failure (RFC 5321, 4.2.1; RFC 3463, 2)."""


def read_suppressed(
    source: BinaryIO | bytes, name: str = "the list"
) -> Iterator[tuple[str, SubscriberState] | RejectedRow]:
    """Yield every row that is not blank: a normalised address with its reason, or rejected.

    Args:
        source: the list's bytes; a stream need not be seekable.
        name: what the list is called in faults, such as its path.

    Raises:
        LettercourseError: nothing in the list can be read, such as without a column of addresses.
    """
    rows, header = open_table(source, name)
    place = find_columns(header)["email"]
    for row in rows:
        cell = row.cells[place] if place < len(row.cells) else ""
        fault = row.fault or ("" if cell.strip() else "there is no email address")
        try:
            address = "" if fault else normalise_address(cell)
        except LettercourseError as why:
            fault, address = str(why), ""
        if fault:
            yield RejectedRow(row.line, header, row.cells, one_line(fault))
        else:
            yield address, reason(header, row.cells)


def reason(header: tuple[str, ...], cells: tuple[str, ...]) -> SubscriberState:
    """Return why a row's address is on the list."""
    for title, cell in zip(header, cells, strict=False):
        if plain(title) not in REASON_COLUMNS:
            continue
        if _PERMANENT.fullmatch(cell.strip()):
            return SubscriberState.BOUNCED
        if found := REASONS.get(plain(cell)):
            return found
    return SubscriberState.UNSUBSCRIBED
