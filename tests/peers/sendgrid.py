"""A SendGrid on loopback, as strict as its documentation, that also posts what SendGrid posts.

    with sendgrid() as server:
        provider = SendGridProvider(server.api_key, server.url)
        server.meet(CutAfter())              # the next call is taken, its answer lost
        provider.send(message)
        (mail,) = server.accepted
        server.post_events(hook, server.events(mail, "processed", "delivered"))
        server.post_reply(hook, mail.reply("I did it."), mode="raw")

Faults are in ``tests.peers.loopback``, the rules in ``sendgrid_rules``. To try it by hand, or as a
process of its own: ``python -m tests.peers.sendgrid [LATENCY]`` says where it is, as one line of
JSON, and serves until its input ends.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from typing import Any, Literal

from tests.peers.loopback import Answer, Fault, Loopback, Request
from tests.peers.sendgrid_hooks import (
    Event,
    Inbound,
    Signer,
    event,
    events_body,
    inbound_body,
    post,
)
from tests.peers.sendgrid_mail import Accepted, accept, is_sandboxed
from tests.peers.sendgrid_rules import faults
from tests.peers.sendgrid_shape import Fault as Wrong
from tests.peers.sendgrid_shape import Repeated, read_json

LARGEST = 30 * 1024 * 1024
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Call:
    """One request that reached the mail endpoint, and how it was answered.

    Attributes:
        mail: the JSON body; ``None`` when it is none, or was not looked at.
        connection: which connection it came on, counted from 1.
    """

    status: int
    mail: Any
    headers: dict[str, str]
    connection: int


@dataclass
class RateLimit:
    """So many calls in each window of so many seconds; ``told`` adds X-RateLimit-* headers."""

    calls: int
    seconds: int
    told: bool = True
    _window: int = -1
    _left: int = 0

    def take(self, now: float) -> tuple[bool, dict[str, str]]:
        """Count one call; return whether it is one of those allowed, and the headers."""
        window = int(now // self.seconds)
        if window != self._window:
            self._window, self._left = window, self.calls
        allowed = self._left > 0
        self._left -= allowed
        headers = {
            "X-RateLimit-Limit": str(self.calls),
            "X-RateLimit-Remaining": str(self._left),
            "X-RateLimit-Reset": str((window + 1) * self.seconds),
        }
        return allowed, headers if self.told else {}


class SendGrid:
    """One account.

    Args:
        verified: domains, or single addresses, that mail may come from.
        latency: seconds added to every answer.

    Attributes:
        accepted: every mail that SendGrid now has, one for each recipient, in order.
        calls: every call, also those refused.
        rate: limits calls when set.
        may_send: whether the key has the scope Mail Send; without it calls answer 403.
        unknown_addresses: recipients that the mail endpoint says are no valid addresses.
    """

    def __init__(
        self,
        *,
        verified: Collection[str] = ("example.org", "example.net"),
        latency: float = 0.0,
    ) -> None:
        self.api_key = f"SG.{secrets.token_urlsafe(16)}.{secrets.token_urlsafe(32)}"
        self.verified = frozenset(verified)
        self.accepted: list[Accepted] = []
        self.calls: list[Call] = []
        self.rate: RateLimit | None = None
        self.may_send = True
        self.unknown_addresses: set[str] = set()
        self._signer = Signer()
        self._http = Loopback(self._handle)
        self._http.latency = latency

    @property
    def url(self) -> str:
        """Return the base of the API, for ``SENDGRID_URL``."""
        return self._http.url

    @property
    def event_key(self) -> str:
        """Return the public key, for ``SENDGRID_EVENT_KEY``."""
        return self._signer.public_key

    @property
    def http(self) -> Loopback:
        """Return the server itself: latency, ``hang_up``, ``connections``, ``drop_idle``."""
        return self._http

    def start(self) -> None:
        """Listen on a port of its own."""
        self._http.start()

    def stop(self) -> None:
        """Close every connection and the port; what was accepted stays."""
        self._http.stop()

    def meet(self, *faults: Fault | None) -> None:
        """Let the next calls meet these faults, one each; ``None`` leaves one alone."""
        self._http.meet(*faults)

    def accepted_for(self, recipient: str) -> list[Accepted]:
        """Return what one recipient gets, in order."""
        return [mail for mail in self.accepted if mail.recipient == recipient]

    def events(self, mail: Accepted, *kinds: str, **more: Any) -> list[Event]:
        """Return one event of each kind about a mail; see ``sendgrid_hooks.event``."""
        return [event(mail, kind, **more) for kind in kinds]

    def post_events(
        self,
        url: str,
        events: Sequence[Event],
        *,
        timestamp: float | None = None,
        signed: bool = True,
        tries: int = 1,
        pause: float = 0.05,
        timeout: float = 10.0,
    ) -> list[int]:
        """Post one batch until it is answered with 2xx; return every status.

        Args:
            url: the event hook.
            events: see :meth:`events` and ``sendgrid_hooks.repeated``.
            timestamp: what is signed with the body, in epoch seconds; by default, now.
            signed: whether the two headers of the signature come along.
            tries: how often in all; every try is the same bytes.
            pause: seconds between two tries.
            timeout: seconds to wait for an answer.
        """
        body = events_body(events)
        headers = self.sign(body, timestamp) if signed else {}
        headers["Content-Type"] = "application/json"
        return post(url, body, headers, tries=tries, pause=pause, timeout=timeout)

    def post_reply(
        self,
        url: str,
        mail: EmailMessage | bytes,
        how: Inbound | None = None,
        *,
        mode: Literal["parsed", "raw"] = "parsed",
        signed: bool = False,
        tries: int = 1,
        pause: float = 0.05,
        timeout: float = 30.0,
    ) -> list[int]:
        """Post a mail that came in, as Inbound Parse does; return every status.

        Args:
            url: the inbound hook; ``http://name:password@host/...`` sends basic auth.
            mail: the whole mail.
            how: envelope and verdicts; by default what the mail's headers say, SPF passed.
            mode: ``parsed`` fields, or the ``raw`` mail in one.
            signed: whether the two headers of the signature come along.
            tries: how often in all.
            pause: seconds between two tries.
            timeout: seconds to wait for an answer.
        """
        raw = mail if isinstance(mail, bytes) else mail.as_bytes()
        body, content_type = inbound_body(raw, how or Inbound(), mode)
        headers = self.sign(body) if signed else {}
        headers |= {"Content-Type": content_type, "User-Agent": "Sendlib/1.0"}
        return post(url, body, headers, tries=tries, pause=pause, timeout=timeout)

    def sign(self, body: bytes, timestamp: float | None = None) -> dict[str, str]:
        """Return the headers of a signed post."""
        return self._signer.headers(body, int(time.time() if timestamp is None else timestamp))

    def _handle(self, request: Request) -> Answer:
        answer, mail = self._judge(request)
        self.calls.append(Call(answer.status, mail, dict(request.headers), request.connection))
        return answer

    def _judge(self, request: Request) -> tuple[Answer, Any]:
        method = {"/v3/mail/send": "POST", "/v3/scopes": "GET"}.get(request.path)
        if method is None:
            return _refusal(404, Wrong("not found")), None
        if request.method != method:
            return _refusal(405, Wrong("method not allowed")), None
        if request.headers.get("authorization") != f"Bearer {self.api_key}":
            revoked = "The provided authorization grant is invalid, expired, or revoked"
            return _refusal(401, Wrong(revoked)), None
        if method == "GET":
            scopes = ["mail.send", "user.email.read"] if self.may_send else ["user.email.read"]
            body = json.dumps({"scopes": scopes}).encode()
            return Answer(200, body, {"Content-Type": "application/json"}), None
        if not self.may_send:
            return _refusal(403, Wrong("access forbidden")), None
        allowed, told = self.rate.take(time.time()) if self.rate else (True, {})
        if not allowed:
            return _refusal(429, Wrong("too many requests"), told), None
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return _refusal(415, Wrong("Content-Type should be application/json."), told), None
        if len(request.body) >= LARGEST:
            return _refusal(413, Wrong("content too large"), told), None
        return self._read(request.body, told)

    def _read(self, body: bytes, told: dict[str, str]) -> tuple[Answer, Any]:
        try:
            mail = read_json(body)
        except UnicodeDecodeError:
            return _refusal(400, Wrong("Invalid UTF8 in request."), told), None
        except Repeated:
            return _refusal(400, Wrong("The headers can not contain duplicate keys."), told), None
        except ValueError:
            return _refusal(400, Wrong("Bad Request"), told), None
        wrong = faults(mail, time.time()) or list(self._unreachable(mail))
        if wrong:
            return _refusal(400, wrong, told), mail
        senders = [mail["from"], *(b["from"] for b in mail["personalizations"] if "from" in b)]
        if not all(self._is_verified(each["email"]) for each in senders):
            unverified = (
                "The from address does not match a verified Sender Identity. Mail cannot be sent"
                " until this error is resolved."
            )
            return _refusal(403, Wrong(unverified, "from"), told), mail
        if is_sandboxed(mail):
            return Answer(200, b"", told), mail
        message_id = secrets.token_urlsafe(16)
        self.accepted.extend(accept(mail, message_id, len(self.calls) + 1))
        return Answer(202, b"", {"X-Message-Id": message_id, **told}), mail

    def _unreachable(self, mail: Any) -> Iterator[Wrong]:
        for number, block in enumerate(mail["personalizations"]):
            for place, person in enumerate(block["to"]):
                if person["email"] in self.unknown_addresses:
                    where = f"personalizations.{number}.to.{place}.email"
                    yield Wrong("Does not contain a valid address.", where)

    def _is_verified(self, address: str) -> bool:
        return bool(self.verified & {address, address.rpartition("@")[2]})


@contextlib.contextmanager
def sendgrid(**options: Any) -> Iterator[SendGrid]:
    """Run a SendGrid; options are those of :class:`SendGrid`."""
    server = SendGrid(**options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _refusal(
    status: int, wrong: Wrong | Iterable[Wrong], headers: dict[str, str] | None = None
) -> Answer:
    entries = [wrong] if isinstance(wrong, Wrong) else wrong
    body = json.dumps({"errors": [asdict(each) for each in entries]}).encode()
    return Answer(status, body, {**_JSON, **(headers or {})})


def main() -> None:
    """Serve until the input ends."""
    with sendgrid(latency=float(sys.argv[1]) if len(sys.argv) > 1 else 0.0) as server:
        found = {"url": server.url, "api_key": server.api_key, "event_key": server.event_key}
        print(json.dumps(found), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
