"""What a service said, for the ledger: in its own words, without the person."""

from __future__ import annotations

import re
from collections.abc import Iterable

from course.errors import one_line

_ADDRESS = re.compile(r"<[^<>]*>|[^\s<>]+@[^\s<>]+")
_LONGEST = 200


def without_people(said: str, recipients: Iterable[str]) -> str:
    """Return ``said`` as one short line without addresses: services often repeat them.

    Args:
        said: the service's answer.
        recipients: addresses whose local part is taken out also where it stands alone.
    """
    told = _ADDRESS.sub("<address>", one_line(said))
    said_small = told.casefold()
    for recipient in recipients:
        local = recipient.rpartition("@")[0]
        if local.casefold() not in said_small:
            continue
        told = re.sub(rf"\b{re.escape(local)}\b", "<address>", told, flags=re.IGNORECASE)
    return told[:_LONGEST].rstrip()
