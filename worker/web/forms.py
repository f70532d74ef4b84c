"""What a browser sends when a form is filled in, read from the raw bytes.

Fields are short texts; a part that is no text, or a body of another kind, holds none.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from urllib.parse import parse_qsl

from starlette.requests import Request

from worker.web.body import read_capped

LONGEST_FORM = 65_536
_MOST_FIELDS = 100


async def read_fields(request: Request, longest: int = LONGEST_FORM) -> dict[str, str]:
    """Return a form's fields, urlencoded or multipart; of several by one name the last.

    Raises:
        HTTPException: 413, when the form is longer than ``longest`` bytes.
    """
    body = await read_capped(request, longest)
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _urlencoded(body)
    if kind == "multipart/form-data":
        return dict(_parts(content_type, body))
    return {}


def _urlencoded(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:  # more fields than any form of ours has
        return {}
    return dict(pairs)


def _parts(content_type: str, body: bytes) -> Iterator[tuple[str, str]]:
    """Yield the texts of a multipart body (RFC 7578)."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    whole = BytesParser(policy=compat32).parsebytes(head + body)
    for part in whole.get_payload() if whole.is_multipart() else ():
        if not isinstance(part, Message):
            continue
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            yield name, content.decode("utf-8", "replace")
