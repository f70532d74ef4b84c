"""What a program asks for becomes people; a request of the wrong shape is one clear line.

The shape of a request (its JSON, its fields and their types) is the program's affair: a fault in it
refuses the whole. What a field says is the person's: a fault there rejects that person alone.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from course.errors import LettercourseError
from worker.lists.person import read_person
from worker.model import EnrollResult, Person

LONGEST_REQUEST = 1_048_576
MOST_PEOPLE = 1000
LONGEST_CONSENT = 10_000

REJECTED = "rejected"

_REQUEST = {"course", "people", "consent"}
_PERSON = {
    "address": "email",
    "name": "name",
    "timezone": "timezone",
    "send_at": "send_at",
    "start": "start",
}
"""A person's fields, and what the columns of lists call them."""


class BadRequest(LettercourseError):
    """A request that cannot be read; nobody was enrolled."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One person of a request as they were read.

    Attributes:
        address: as the request has it.
        person: ``None`` when something about them cannot be used.
        reason: why not.
    """

    address: str
    person: Person | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EnrollRequest:
    """A request of the right shape.

    Attributes:
        course: a slug.
        people: in the request's order.
        consent: what they agreed to, word for word; empty when the program does not say.
    """

    course: str
    people: tuple[Reading, ...]
    consent: str


def is_bearer(header: str, token: str) -> bool:
    """Tell, in a time that says nothing of the token, whether an Authorization header has it.

    Without a token of ours nobody has it.
    """
    scheme, _, given = header.partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    return bool(token) and scheme.lower() == "bearer" and same


def read_enroll_request(body: bytes) -> EnrollRequest:
    """Return what a request says.

    Raises:
        BadRequest: its shape is wrong; the line says what and where.
    """
    request = _fields(_json(body), "", _REQUEST)
    course = _text(request, "course", "")
    people = request.get("people")
    if not isinstance(people, list):
        raise BadRequest("is not a list", where="people", remedy="send a list of people")
    if not 1 <= len(people) <= MOST_PEOPLE:
        raise BadRequest(
            f"holds {len(people)} people", where="people", remedy=f"send 1 to {MOST_PEOPLE}"
        )
    consent = _text(request, "consent", "", needed=False)
    if len(consent) > LONGEST_CONSENT:
        raise BadRequest(
            f"has {len(consent)} characters", where="consent", remedy=f"use {LONGEST_CONSENT}"
        )
    return EnrollRequest(
        course, tuple(_reading(each, number) for number, each in enumerate(people)), consent
    )


def answer_of(
    request: EnrollRequest, results: Sequence[EnrollResult]
) -> dict[str, str | list[dict[str, str]]]:
    """Return the answer, person by person in the request's order.

    Args:
        request: what was asked.
        results: for those of its people who could be read, in order.
    """
    of_the_readable = iter(results)
    people = [
        {
            "address": reading.address,
            "result": REJECTED if reading.person is None else next(of_the_readable).value,
            "reason": reading.reason,
        }
        for reading in request.people
    ]
    for each in people:
        each["reason"] = each["reason"] or _REASONS.get(each["result"], "")
    return {"course": request.course, "people": people}


_REASONS = {
    EnrollResult.ALREADY.value: "they take the course already, and keep their place in it",
    EnrollResult.SUPPRESSED.value: "they left, or mail to them does not arrive",
}


def _json(body: bytes) -> object:
    try:
        return json.loads(
            body.decode("utf-8-sig"), parse_constant=_no_number, object_pairs_hook=_object
        )
    except UnicodeDecodeError as fault:
        raise BadRequest(
            "is not UTF-8", where=f"byte {fault.start}", remedy="send JSON in UTF-8"
        ) from None
    except json.JSONDecodeError as fault:
        raise BadRequest(
            f"is not JSON: {fault.msg}", where=f"line {fault.lineno}, column {fault.colno}"
        ) from None
    except (RecursionError, ValueError):
        raise BadRequest("is no JSON of this door", remedy="see /openapi.json") from None


def _no_number(name: str) -> NoReturn:
    raise BadRequest(f"is not JSON: {name} is no number of it")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRequest("is given twice", where=_shown(twice))
    return found


def _fields(value: object, where: str, known: Sequence[str] | set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest("is not an object", where=where or "the request")
    for name in value:
        if name not in known:
            raise BadRequest(
                f"unknown field {_shown(name)}",
                where=where or "the request",
                remedy=f"known are {', '.join(sorted(known))}",
            )
    return value


def _text(fields: Mapping[str, Any], name: str, where: str, *, needed: bool = True) -> str:
    value = fields.get(name)
    place = f"{where}.{name}" if where else name
    if value is None and not needed:
        return ""
    if value is None:
        raise BadRequest("is missing", where=place)
    if not isinstance(value, str):
        raise BadRequest("is not a string", where=place)
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can write
        raise BadRequest("is not text", where=place) from None
    if "\0" in value:
        raise BadRequest("holds a NUL character", where=place)
    return value


def _reading(value: object, number: int) -> Reading:
    where = f"people[{number}]"
    fields = _fields(value, where, set(_PERSON))
    address = _text(fields, "address", where)
    cells = {
        column: _text(fields, name, where, needed=name == "address")
        for name, column in _PERSON.items()
    }
    try:
        return Reading(address, read_person(cells))
    except LettercourseError as fault:
        return Reading(address, None, str(fault))


def _shown(name: str) -> str:
    return json.dumps(name[:80])
