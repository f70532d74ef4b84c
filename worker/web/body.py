"""A request's body as raw bytes, never more of it than allowed."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request


async def read_capped(request: Request, limit: int) -> bytes:
    """Return the whole body, unparsed.

    Args:
        request: whose body was not read yet.
        limit: bytes; a body that announces more is not read at all.

    Raises:
        HTTPException: 413, it is longer.
    """
    announced = request.headers.get("Content-Length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
        raise HTTPException(413)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise HTTPException(413)
    return bytes(body)
