"""The web application on a port: uvicorn in a thread, on a socket bound before it starts."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from course.errors import LettercourseError


class Server:
    """One listening door, in a thread that takes no signals.

    Args:
        web: the application.
        host: where to listen.
        port: likewise; 0 takes any free one.
    """

    title = "web door"

    def __init__(self, web: ASGIApp, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._until_stopped(web),
                access_log=False,  # addresses hold tokens
                log_config=None,  # its loggers are ours to configure
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)

    @property
    def url(self) -> str:
        """Return where it listens; the port is real once it was started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def start(self) -> None:
        """Listen, and serve from now on.

        Raises:
            LettercourseError: somebody else listens there, or nobody can.
        """
        self._socket = _listen(self._host, self._port)
        self._port = self._socket.getsockname()[1]
        self._thread.start()

    def is_alive(self) -> bool:
        """Tell whether it still serves."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Take no new request; those begun have two seconds."""
        self._server.should_exit = True

    def join(self, until: float) -> bool:
        """Wait for the end until the monotonic instant ``until``; tell whether it came."""
        if self._thread.is_alive():
            self._thread.join(max(until - time.monotonic(), 0.0))
        return not self._thread.is_alive()

    def _until_stopped(self, web: ASGIApp) -> ASGIApp:
        """Answer 503 to whoever is not done when the time to finish is over."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            begun = False

            async def note(message: Message) -> None:
                nonlocal begun
                begun = True
                await send(message)

            try:
                await web(scope, receive, note)
            except asyncio.CancelledError:
                if not self._server.should_exit:
                    raise
                if not begun:
                    headers = [(b"connection", b"close"), (b"retry-after", b"5")]
                    await send({"type": "http.response.start", "status": 503, "headers": headers})
                    await send({"type": "http.response.body"})

        return answer

    def _serve(self) -> None:
        with self._socket:
            self._server.run(sockets=[self._socket])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise LettercourseError(
            f"the web door cannot listen there: {reason}",
            where=f"{host}:{port}",
            remedy="choose another --port or --host, or stop what listens there",
        ) from None
    # asyncio does this for sockets of its own alone; without it every answer on a kept connection
    # waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
