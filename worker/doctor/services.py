"""What an installation talks to: its broker, its provider, and itself from outside."""

from __future__ import annotations

import json
import smtplib
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpcore
import redis

from worker.doctor.finding import Patient, Said, Saying, fault, ok, warning
from worker.providers.dkim import dns_record
from worker.providers.smtp_session import connect, read_server, trusted_certificates
from worker.settings import ProviderName, Settings
from worker.store import fingerprint

PATIENCE = 5.0
"""Seconds for each answer."""

SLOW = 0.1
"""Seconds for a broker's PING."""


def broker(patient: Patient) -> Saying:
    """The doorbells ring; without them letters go on, more slowly."""
    url = patient.settings.broker_url
    if url == "memory://":
        yield ok("embedded: there is none to reach")
        return
    server = redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
    try:
        server.ping()
        begun = time.monotonic()
        server.ping()
        took = time.monotonic() - begun
        memory: dict[str, Any] = server.info("memory")
    except (redis.RedisError, OSError) as wrong:
        remedy = "start it, or mend LETTERCOURSE_BROKER_URL; letters go on by the workers' sweeps"
        yield fault(f"it does not answer: {type(wrong).__name__}", remedy)
        return
    finally:
        server.close()
    policy = str(memory.get("maxmemory_policy", "noeviction"))
    found = f"answers in {took * 1000:.1f} ms, memory policy {policy}"
    if policy != "noeviction" and memory.get("maxmemory"):
        yield warning(found, "set maxmemory-policy noeviction: a full Redis drops doorbells")
    elif took > SLOW:
        yield warning(found, "is it far away, or busy?")
    else:
        yield ok(found)


def provider(patient: Patient) -> Saying:
    """It lets us in; no letter is sent."""
    settings = patient.settings
    match settings.provider:
        case ProviderName.MAILDIR:
            yield _maildir(settings)
        case ProviderName.SMTP:
            yield _smtp(settings)
        case ProviderName.SENDGRID:
            yield _sendgrid(settings)


def _maildir(settings: Settings) -> Said:
    folder = settings.data_dir / "maildir" / "tmp"
    trial = folder / "doctor"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as wrong:
        return fault(f"the Maildir cannot be written: {wrong.strerror}", "check its rights")
    return ok("letters are written to a Maildir; nobody is reached")


def _smtp(settings: Settings) -> Said:
    server = read_server(settings.smtp_url)
    where = f"{server.host}:{server.port}"
    begun = time.monotonic()
    try:
        session = connect(server, trusted_certificates(server), begun + PATIENCE)
    except smtplib.SMTPAuthenticationError as wrong:
        found = f"{where} refuses our login ({wrong.smtp_code})"
        return fault(found, "check user and password in LETTERCOURSE_SMTP_URL")
    except (OSError, smtplib.SMTPException) as wrong:
        reason = getattr(wrong, "verify_message", "") or getattr(wrong, "strerror", "")
        found = f"{where} cannot be used: {reason or type(wrong).__name__}"
        return fault(found, "check LETTERCOURSE_SMTP_URL, and that the server runs")
    try:
        code = session.noop()[0]
        sealed = isinstance(session.sock, ssl.SSLSocket)
        session.quit()
    except (OSError, smtplib.SMTPException) as wrong:
        return fault(f"{where} lets us in and then fails: {type(wrong).__name__}", "see its log")
    finally:
        session.close()
    how = f"{where} lets us in{' with a login' if server.user else ''}"
    if code != 250:
        return fault(f"{how}, and answers NOOP with {code}", "see its log")
    took = (time.monotonic() - begun) * 1000
    return ok(f"{how}, {'encrypted' if sealed else 'not encrypted'}, in {took:.0f} ms")


def _sendgrid(settings: Settings) -> Said:
    headers: dict[bytes | str, bytes | str] = {
        "Authorization": f"Bearer {settings.sendgrid_api_key}"
    }
    try:
        status, body = _get(f"{settings.sendgrid_url}/v3/scopes", headers)
    except _UNREACHABLE as wrong:
        return fault(f"its API cannot be reached: {_reason(wrong)}", "check the network")
    if status in (401, 403):
        return fault(f"it refuses our key ({status})", "check LETTERCOURSE_SENDGRID_API_KEY")
    if status != 200:
        return warning(f"it answers {status}", "see https://status.sendgrid.com")
    if "mail.send" not in _read(body).get("scopes", ()):
        return fault("our key may not send mail", "make one with the permission Mail Send")
    if settings.sendgrid_sandbox:
        remedy = "unset LETTERCOURSE_SENDGRID_SANDBOX for real letters"
        return warning("it lets us in, but its sandbox sends nothing", remedy)
    return ok("it lets us in, and our key may send mail")


def signing(patient: Patient) -> Saying:
    """Letters are signed, and receivers can find the key (RFC 6376, 3.6.2)."""
    settings = patient.settings
    if settings.provider is not ProviderName.SMTP:
        yield ok("the provider signs" if settings.sendgrid_api_key else "nobody needs to sign")
    elif not settings.dkim_key:
        remedy = "set LETTERCOURSE_DKIM_KEY, unless your mail server signs letters"
        yield warning("we do not sign letters", remedy)
    else:
        domain = settings.dkim_domain or "YOUR.DOMAIN"
        record = dns_record(settings.dkim_key, settings.dkim_selector, domain)
        yield ok(f"letters are signed; the DNS must hold: {record}")


def public_address(patient: Patient) -> Saying:
    """People reach us where their letters say, and it is us whom they reach."""
    url = patient.settings.public_url
    reaches_people = patient.settings.provider is not ProviderName.MAILDIR
    if urlsplit(url).scheme != "https" and reaches_people:
        remedy = "set LETTERCOURSE_PUBLIC_URL to your https address"
        yield fault(f"letters link to {url}, which only this machine reaches", remedy)
        return
    remedy = "start lettercourse up or web, and check proxy, DNS and certificate"
    say = fault if reaches_people else warning
    try:
        alive = _get(f"{url}/healthz")
        who = _get(f"{url}/readyz") if alive[0] == 200 else alive
    except _UNREACHABLE as wrong:
        yield say(f"{url} cannot be reached: {_reason(wrong)}", remedy)
        return
    if alive != (200, b"ok\n"):
        yield say(f"{url}/healthz answers {alive[0]}, and that is not us", remedy)
        return
    name = _read(who[1]).get("installation")
    if name is None:
        yield warning(f"{url} answers, but does not say who it is", "let /readyz through the proxy")
    elif name != fingerprint(patient.store.installation_id()):
        yield say(f"{url} is another installation", "check LETTERCOURSE_PUBLIC_URL and the proxy")
    else:
        yield ok(f"{url} answers, and it is us")


def way_back(patient: Patient) -> Saying:
    """What people answer and what the provider tells has a way in."""
    settings = patient.settings
    ways = (settings.inbound_secret, settings.sendgrid_event_key, settings.inbound_listen)
    if settings.reply_domain and not any(ways):
        remedy = "set LETTERCOURSE_INBOUND_SECRET for the hook, or LETTERCOURSE_INBOUND_LISTEN"
        yield fault(f"replies go to {settings.reply_domain}, and no door takes them in", remedy)
    elif settings.reply_domain:
        yield ok(f"replies come in by {settings.reply_domain}")
    else:
        remedy = "set LETTERCOURSE_REPLY_DOMAIN, so that answers become reflections"
        yield warning("replies go to the author's own mailbox", remedy)
    if settings.provider is ProviderName.SENDGRID and not settings.sendgrid_event_key:
        remedy = "set LETTERCOURSE_SENDGRID_EVENT_KEY, see docs/how-to/send-by-sendgrid.md"
        yield warning("SendGrid's events are not taken: doubts and bounces go unseen", remedy)


_UNREACHABLE = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    OSError,
)


def _get(url: str, headers: Mapping[bytes | str, bytes | str] | None = None) -> tuple[int, bytes]:
    """Get once, following nothing; return the status and the body."""
    limits = dict.fromkeys(("connect", "read", "write", "pool"), PATIENCE)
    with httpcore.ConnectionPool(ssl_context=ssl.create_default_context()) as pool:
        answer = pool.request("GET", url, headers=headers, extensions={"timeout": limits})
    return answer.status, answer.content


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _reason(wrong: BaseException) -> str:
    cause = wrong.args[0] if wrong.args and isinstance(wrong.args[0], Exception) else wrong
    return str(
        getattr(cause, "verify_message", "")
        or getattr(cause, "strerror", "")
        or type(cause).__name__
    )
