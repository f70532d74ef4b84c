"""A conversation with a mail server: envelope, leave to go on, content, answer; letter by letter.

Where the server offers PIPELINING (RFC 2920) a letter's three commands go out in one write, and
those of the next letter behind the final dot of this one. So a letter costs one round trip, and of
each connection at most one letter is without an answer when it breaks.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import time
from collections.abc import Sequence

from worker.model import Message
from worker.providers.smtp_answers import FAULTS, Reply, Turned
from worker.providers.smtp_loop import Steps
from worker.providers.smtp_session import Session

_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
_DOT_BEHIND_A_LINE = re.compile(rb"\n\.")  # searched for thrice as fast as by bytes themselves
_LONGEST_REPLY = 1 << 16
_GOODBYE = 1.0


class Line:
    """One connection; what it says and hears are steps of a conversation.

    Attributes:
        served: a letter was answered on it; since then it may have gone stale.
        idle_since: on the monotonic clock, when it was last used.
    """

    def __init__(self, session: Session) -> None:
        self.served = False
        self.idle_since = time.monotonic()
        session.go_without_waiting()
        self._session = session
        self._pipelines = session.has_extn("pipelining")
        self._tells_size = session.has_extn("size")
        self._came = b""
        self._owes_reset = False
        self._ahead: list[tuple[str, bytes]] = []

    @property
    def pipelines(self) -> bool:
        """Whether the server reads on while it answers."""
        return self._pipelines

    def give_until(self, until: float) -> None:
        """Let every wait from now on end at this monotonic instant."""
        self._session.until = until

    def announce(self, message: Message) -> Steps[None]:
        """Say who writes to whom.

        Raises:
            OSError, smtplib.SMTPException: the connection is of no use any more.
        """
        self._ahead = self._commands(message)
        if self._pipelines:
            yield from self._session.say(b"".join(command for _, command in self._ahead))

    def await_leave(self) -> Steps[None]:
        """Wait for the server's leave to begin with the content.

        Raises:
            Turned: the server said no.
            OSError, smtplib.SMTPException: the connection is of no use any more.
        """
        ahead = iter(self._ahead)
        for verb, command in ahead:
            if not self._pipelines:
                yield from self._session.say(command)
            reply = yield from self._read()
            _refuse_nonsense(verb, reply)
            if reply.is_no:
                self._owes_reset = True
                usable = reply.code != 421
                if usable:
                    usable = yield from self._is_back([after for after, _ in ahead])
                raise Turned(verb, reply, usable=usable)
        if self._came:
            raise smtplib.SMTPException("the server answers what nobody asked")

    def hand_over(self, message: Message, following: Message | None) -> Steps[Reply]:
        """Send the content and return the one answer that counts.

        Args:
            message: for which there is leave.
            following: announced in the same write; only where the server :attr:`pipelines`.

        Raises:
            OSError, smtplib.SMTPException: there is no answer.
        """
        self._ahead = self._commands(following) if following else []
        commands = (command for _, command in self._ahead)
        yield from self._session.say(b"".join((*_content(message.mime), *commands)))
        reply = yield from self._read()
        self.served = True
        return reply

    def is_alive(self) -> Steps[bool]:
        """Ask an idle connection whether it is still there."""
        with contextlib.suppress(*FAULTS):
            yield from self._session.say(b"NOOP\r\n")
            reply = yield from self._read()
            return reply.code == 250
        return False

    def say_goodbye(self) -> Steps[None]:
        """End politely; whatever is answered does not matter."""
        self.give_until(time.monotonic() + _GOODBYE)
        with contextlib.suppress(*FAULTS):
            yield from self._session.say(b"QUIT\r\n")
            yield from self._read()
        self.close()

    def close(self) -> None:
        """Cut the connection."""
        self._session.close()

    def _commands(self, message: Message) -> list[tuple[str, bytes]]:
        size = f" SIZE={len(message.mime)}" if self._tells_size else ""
        commands = [
            ("MAIL", f"MAIL FROM:<{message.sender}>{size}\r\n".encode("ascii")),
            ("RCPT", f"RCPT TO:<{message.recipient}>\r\n".encode("ascii")),
            ("DATA", b"DATA\r\n"),
        ]
        if self._owes_reset:
            self._owes_reset = False
            return [("RSET", b"RSET\r\n"), *commands]
        return commands

    def _is_back(self, verbs: Sequence[str]) -> Steps[bool]:
        """Read what comes to the rest of a group that was refused; tell whether it is over.

        The server may give leave for content all the same. Without a recipient a lone dot ends
        that (RFC 2920, 3.1); with one, cutting the connection keeps an empty letter from arriving.
        """
        taken = False
        with contextlib.suppress(*FAULTS):
            for verb in verbs if self._pipelines else ():
                reply = yield from self._read()
                taken |= verb == "RCPT" and reply.is_yes
                if verb == "DATA" and not reply.is_no:
                    if taken or not 300 <= reply.code < 400:
                        return False
                    yield from self._session.say(b".\r\n")
                    reply = yield from self._read()
                if reply.code == 421:
                    return False
            return True
        return False

    def _read(self) -> Steps[Reply]:
        """Return the next reply; what came behind it is kept."""
        while (reply := self._whole_reply()) is None:
            if len(self._came) > _LONGEST_REPLY:
                raise smtplib.SMTPException("the server's answer has no end")
            came = yield from self._session.hear()
            if not came:
                raise smtplib.SMTPServerDisconnected("the server closed the connection")
            self._came += came
        return reply

    def _whole_reply(self) -> Reply | None:
        """Take a reply from what came (RFC 5321, 4.2.1); ``None``: its end has not come."""
        code, text, rest = b"", list[bytes](), self._came
        while True:
            line, end, rest = rest.partition(b"\n")
            if not end:
                return None
            this, more = line[:3], line[3:4]
            if not this.isdigit() or len(this) < 3 or (code and this != code):
                raise smtplib.SMTPException("the server's answer makes no sense")
            code = this
            text.append(line[4:].strip())
            if more != b"-":
                self._came = rest
                return Reply(int(code), b"\n".join(text))


def _content(mime: bytes) -> tuple[bytes, bytes]:
    """Return the content as it goes over the wire, and what ends it (RFC 5321, 4.5.2)."""
    if mime.startswith(b".") or _DOT_BEHIND_A_LINE.search(mime):
        mime = _LEADING_DOT.sub(b"..", mime)
    return mime, b".\r\n" if mime.endswith(b"\r\n") else b"\r\n.\r\n"


def _refuse_nonsense(verb: str, reply: Reply) -> None:
    """Raise for an answer that is neither a no nor what the command asks for."""
    wanted = 300 if verb == "DATA" else 200
    if verb == "RSET" and not reply.is_yes:
        raise smtplib.SMTPException("the server does not begin anew")
    if not (reply.is_no or wanted <= reply.code < wanted + 100):
        raise smtplib.SMTPException("the server's answer makes no sense")
