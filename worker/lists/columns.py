"""What the columns of other services' exports are called, and which marks mean "do not write".

Names are compared without case, spaces and punctuation: "Email Address", "email_address" and
"E-mail address" are one. Sources: Mailchimp's audience export (Email Address, First Name,
TIMEZONE, UNSUB_TIME, CLEAN_TIME), Kit's subscriber export (first_name, email or email_address,
state), Substack's email list (email, active_subscription, expiry, plan, email_disabled), Ghost's
member export (subscribed_to_emails). Substack's ``active_subscription`` is about *paying*: false
is a free reader, who does want letters. Its "Start date" is no wish either, so only ``start`` is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "email": (
        "email",
        "emailaddress",
        "useremailaddress",
        "subscriberemail",
        "mail",
        "recipient",
        "address",
    ),
    "first_name": ("firstname", "fname", "givenname"),
    "name": ("name", "fullname"),
    "timezone": ("timezone", "tz"),
    "send_at": ("sendat",),
    "start": ("start",),
}
"""Our column by the names it goes under, the most telling first."""

STATUS_COLUMNS = (
    *("status", "state", "type", "emailstatus", "subscriberstatus", "subscriptionstatus"),
    *("subscribertype", "emailmarketingstatus", "memberstatus", "contactstatus"),
)
"""Columns that may say so in a word; "state" may as well be a part of a country."""

LEFT_WORDS = frozenset(
    {
        *(
            "unsubscribed",
            "unsubscribe",
            "unsub",
            "optedout",
            "optout",
            "cancelled",
            "canceled",
            "removed",
        ),
        *(
            "cleaned",
            "bounced",
            "hardbounce",
            "hardbounced",
            "softbounce",
            "softbounced",
            "invalid",
            "undeliverable",
        ),
        *("complained", "complaint", "spam", "spamcomplaint", "junk"),
        *("disabled", "blocked", "blocklisted", "blacklisted", "suppressed"),
        *("archived", "deleted", "inactive"),
        *("unconfirmed", "pending", "unactivated", "nonsubscribed", "transactional"),
        *("notsubscribed", "donotemail", "donotcontact"),
    }
)
"""Words of people who left, cannot be reached, or never said yes."""

LEFT_COLUMNS = (
    *("emaildisabled", "disabled", "unsubscribed", "optedout", "optout", "emailoptout"),
    *("bounced", "emailbounced", "cleaned", "complained", "suppressed", "blocked", "cancelled"),
    *("unsubtime", "cleantime", "unsubscribedat", "unsubscribeddate", "unsubscribedate"),
    *("bouncedat", "complainedat", "deletedat", "donotemail", "donotcontact"),
)
"""Columns that say so by holding a yes or a time."""

WANTED_COLUMNS = (
    *("subscribed", "subscribedtoemails", "emailsenabled", "emailenabled"),
    *("emailoptin", "optin", "optedin", "acceptsmarketing", "acceptsemailmarketing"),
)
"""Columns that say so by holding a no."""

_NO = frozenset({"false", "no", "n", "f", "0", "none", "null", "na"})


def plain(text: str) -> str:
    """Return ``text`` without case, spaces and punctuation."""
    return "".join(filter(str.isalnum, text.casefold()))


def find_columns(header: Sequence[str]) -> dict[str, int]:
    """Return the place of each of our columns that ``header`` has under any name."""
    places: dict[str, int] = {}
    for place, title in enumerate(header):
        places.setdefault(plain(title), place)
    return {
        column: places[known[0]]
        for column, names in COLUMNS.items()
        if (known := [name for name in names if name in places])
    }


def marks(header: tuple[str, ...], cells: Sequence[str]) -> list[str]:
    """Return a reason for everything in a row that says not to write to its person."""
    return [
        f'marked "{cells[place].strip()}" under "{header[place].strip()}"'
        for place, says_so in _telling(header)
        if place < len(cells) and says_so(plain(cells[place]))
    ]


@lru_cache(maxsize=16)
def _telling(header: tuple[str, ...]) -> tuple[tuple[int, Callable[[str], bool]], ...]:
    """Return the places of the columns that may say so, each with what says whether a cell does."""
    kinds: tuple[tuple[Collection[str], Callable[[str], bool]], ...] = (
        (STATUS_COLUMNS, LEFT_WORDS.__contains__),
        (LEFT_COLUMNS, lambda value: bool(value) and value not in _NO),
        (WANTED_COLUMNS, _NO.__contains__),
    )
    telling = (
        (place, next((says_so for columns, says_so in kinds if plain(title) in columns), None))
        for place, title in enumerate(header)
    )
    return tuple((place, says_so) for place, says_so in telling if says_so)
