"""The preview on a port, until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn

from course.errors import LettercourseError
from worker.preview.desk import Desk
from worker.preview.web import Newsroom, build_preview


class _Server(uvicorn.Server):
    """Ends the streams of news first: they would keep it from stopping."""

    def __init__(self, config: uvicorn.Config, room: Newsroom) -> None:
        super().__init__(config)
        self._room = room

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._room.close()
        super().handle_exit(sig, frame)


def serve_preview(desk: Desk, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until a signal comes.

    Args:
        desk: the course.
        host: where to listen; other machines can come only if this names more than loopback.
        port: likewise; 0 takes any free one.
        announce: is told the address once browsers may come.

    Raises:
        LettercourseError: somebody else listens there, or nobody can.
    """
    room = Newsroom(desk)
    config = uvicorn.Config(
        build_preview(room, host),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    with _listener(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        announce(f"http://{shown}:{listener.getsockname()[1]}/")
        server = _Server(config, room)
        with suppress(KeyboardInterrupt):  # uvicorn raises the signal again once it has stopped
            server.run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise LettercourseError(
            f"the preview cannot listen there: {reason}",
            where=f"{host}:{port}",
            remedy="choose another --port or --host; --port 0 takes a free one",
        ) from None
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
