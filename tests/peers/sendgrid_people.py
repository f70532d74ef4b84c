"""What SendGrid's documentation says of the people in a call, as refusals."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tests.peers.sendgrid_shape import PERSON, Fault, about, is_address, shape

MOST_RECIPIENTS = 1000
LINE_ENDS = re.compile(r"[\r\n]")


def recipients(mail: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield addresses that are too many or stand more than once in a call."""
    everybody = Counter(
        str(person.get("email", "")).casefold()
        for block in mail["personalizations"]
        if isinstance(block, dict)
        for kind in ("to", "cc", "bcc")
        if isinstance(block.get(kind, []), list)
        for person in block.get(kind, [])
        if isinstance(person, dict)
    )
    if everybody.total() > MOST_RECIPIENTS:
        yield Fault(
            "There is a limit of 1000 total recipients (to + cc + bcc) per request.",
            "personalizations",
            about(),
        )
    for address, times in everybody.items():
        if times > 1:
            yield Fault(
                "Each unique email address in the personalizations array should only be included"
                f" once. You have included [{address}] more than once.",
                "personalizations",
                about(),
            )


def sender(mail: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with the From."""
    yield from whoever(mail["from"], "from")


def reply_to(mail: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong with the Reply-To, of which there is one or a list."""
    if "reply_to" in mail and "reply_to_list" in mail:
        yield Fault(
            "The reply_to and reply_to_list parameters may not be used together.",
            "reply_to_list",
            about("reply_to"),
        )
    if "reply_to" in mail:
        yield from whoever(mail["reply_to"], "reply_to")
    several = mail.get("reply_to_list", [])
    for place, person in enumerate(several):
        yield from whoever(person, f"reply_to_list.{place}")
    if len(several) > MOST_RECIPIENTS or len({json.dumps(each) for each in several}) < len(several):
        yield Fault("The reply_to_list is too long or names one twice.", "reply_to_list", about())


def whoever(person: object, where: str, *, listed: bool = False) -> Iterator[Fault]:
    """Yield what is wrong with one address and its name; ``listed`` ones have stricter names."""
    wrong = list(shape(person, PERSON, where))
    yield from wrong
    if wrong or not isinstance(person, dict):
        return
    help_ = about(re.sub(r"\.\d+", "", where))
    if "email" not in person:
        kind = where.partition(".")[0] if not listed else where.split(".")[2]
        yield Fault(f"The {kind} email parameter is required.", f"{where}.email", help_)
    elif not is_address(person["email"]):
        yield Fault("Does not contain a valid address.", f"{where}.email", help_)
    name = person.get("name", "")
    if LINE_ENDS.search(name) or (listed and re.search("[;,]", name)):
        yield Fault("The name may not contain ';', ',' or CRLF.", f"{where}.name", help_)
