"""The strict SendGrid is strict: what its documentation forbids is refused, and the rest taken."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from sendgrid.helpers.eventwebhook import EventWebhook

from tests.peers.loopback import CutAfter, CutBefore, Drip, Late, Refuse, Say
from tests.peers.sendgrid import LARGEST, RateLimit, SendGrid, sendgrid
from tests.peers.sendgrid_hooks import SIGNATURE, TIMESTAMP, Inbound, event, repeated

GOOD: dict[str, Any] = {
    "personalizations": [{"to": [{"email": "ben@example.com", "name": "Ben"}]}],
    "from": {"email": "ada@example.org", "name": "Ada"},
    "subject": "One",
    "content": [
        {"type": "text/plain", "value": "Hello."},
        {"type": "text/html", "value": "<p>Hello.</p>"},
    ],
}


@pytest.fixture(scope="module")
def server() -> Iterator[SendGrid]:
    with sendgrid() as running:
        yield running


class Asked:
    """An answer: status, headers, JSON."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = answer.headers
        body = answer.read()
        self.errors = json.loads(body)["errors"] if body else []


def ask(
    server: SendGrid,
    mail: Any = GOOD,
    *,
    method: str = "POST",
    path: str = "/v3/mail/send",
    key: str | None = None,
    kind: str = "application/json",
) -> Asked:
    body = mail if isinstance(mail, bytes) else json.dumps(mail).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.http.port, timeout=5)
    headers = {"Authorization": f"Bearer {key or server.api_key}", "Content-Type": kind}
    try:
        connection.request(method, path, body, headers)
        return Asked(connection.getresponse())
    finally:
        connection.close()


def changed(change: Callable[[Any], None]) -> dict[str, Any]:
    mail = deepcopy(GOOD)
    change(mail)
    return mail


def block(**fields: Any) -> dict[str, Any]:
    return changed(lambda mail: mail["personalizations"][0].update(fields))


def top(**fields: Any) -> dict[str, Any]:
    return GOOD | fields


def to(*addresses: str) -> dict[str, Any]:
    return top(personalizations=[{"to": [{"email": each}]} for each in addresses])


def test_a_good_call_is_taken_with_a_message_id(server: SendGrid) -> None:
    answer = ask(server)
    assert (answer.status, answer.errors) == (202, [])
    mail = server.accepted[-1]
    assert answer.headers["X-Message-Id"] == mail.message_id
    assert (mail.recipient, mail.subject, mail.text) == ("ben@example.com", "One", "Hello.")
    assert mail.tracked == {"click_tracking", "open_tracking", "subscription_tracking"}


REFUSED: dict[str, Any] = {
    "no personalization": top(personalizations=[]),
    "1001 personalizations": to(*(f"p{n}@example.com" for n in range(1001))),
    "1001 recipients": block(to=[{"email": f"p{n}@example.com"} for n in range(1001)]),
    "one address twice": to("ben@example.com", "BEN@example.com"),
    "one address in to and cc": block(cc=[{"email": "ben@example.com"}]),
    "no to": top(personalizations=[{}]),
    "empty to": block(to=[]),
    "to as text": block(to="ben@example.com"),
    "no address": block(to=[{"name": "Ben"}]),
    "address without domain": to("ben"),
    "address with a space": to("b en@example.com"),
    "address without a dot": to("ben@localhost"),
    "address that is not ASCII": to("bén@example.com"),
    "address with two dots": to("b..en@example.com"),
    "address as a number": block(to=[{"email": 1}]),
    "name with a comma": block(to=[{"email": "ben@example.com", "name": "Ben, B."}]),
    "name with a semicolon": block(to=[{"email": "ben@example.com", "name": "Ben;"}]),
    "no sender": changed(lambda mail: mail.pop("from")),
    "bad sender": top(**{"from": {"email": "ada"}}),
    "no subject": changed(lambda mail: mail.pop("subject")),
    "empty subject": top(subject=""),
    "subject with a line end": top(subject="a\r\nBcc: x@example.com"),
    "no content": changed(lambda mail: mail.pop("content")),
    "empty content": top(content=[]),
    "empty value": top(content=[{"type": "text/plain", "value": ""}]),
    "html first": top(content=GOOD["content"][::-1]),
    "bad type": top(content=[{"type": "text/plain; charset=x", "value": "a"}]),
    "an unknown field": top(replyto="ada@example.org"),
    "an unknown field in a personalization": block(reply_to={"email": "a@example.org"}),
    "an unknown field in settings": top(tracking_settings={"click_tracking": {"on": False}}),
    "a switch as text": top(mail_settings={"sandbox_mode": {"enable": "true"}}),
    "custom args as numbers": block(custom_args={"id": 1}),
    "empty custom args": block(custom_args={}),
    "large custom args": block(custom_args={"id": "a" * 9_995}),
    "large custom args in two places": top(custom_args={"a": "a" * 9_000})
    | {"personalizations": [{**GOOD["personalizations"][0], "custom_args": {"b": "b" * 1_000}}]},
    "substitution as a number": block(substitutions={"-a-": 1}),
    "large substitutions": block(substitutions={"-a-": "ä" * 5_000}),
    "many substitutions": block(substitutions={f"-{n}-": "" for n in range(151)}),
    "a tag with a space": block(substitutions={"-a b-": "c"}),
    "header as a number": top(headers={"X-A": 1}),
    "header that is not ASCII": top(headers={"X-A": "ä"}),
    "header with a line end": top(headers={"X-A": "a\r\nBcc: x@example.com"}),
    "header name with a space": top(headers={"X A": "a"}),
    "headers twice": top(headers={"X-A": "a", "x-a": "b"}),
    "eleven categories": top(categories=[str(n) for n in range(11)]),
    "long category": top(categories=["a" * 256]),
    "foreign category": top(categories=["ä"]),
    "category twice": top(categories=["a", "a"]),
    "category as text": top(categories="a"),
    "send_at as text": top(send_at="tomorrow"),
    "send_at as a switch": top(send_at=True),
    "send_at in four days": top(send_at=int(time.time()) + 4 * 86_400),
    "both forms of reply-to": top(
        reply_to={"email": "a@example.org"}, reply_to_list=[{"email": "a@example.org"}]
    ),
    "bad reply-to": top(reply_to={"email": "-tag-"}),
    "a list": [GOOD],
    "no JSON": b"{",
    "not UTF-8": b'{"subject": "\xff"}',
    "a key twice": b'{"subject": "a", "subject": "b"}',
    "not a number": b'{"send_at": NaN}',
    **{
        f"the reserved header {name}": top(headers={name: "a"})
        for name in ("Subject", "REPLY-TO", "x-sg-id", "Content-Type", "Received", "cc", "To")
    },
}


@pytest.mark.parametrize("mail", REFUSED.values(), ids=REFUSED)
def test_what_the_documentation_forbids_is_refused_and_not_kept(
    server: SendGrid, mail: Any
) -> None:
    kept = len(server.accepted)
    answer = ask(server, mail)
    assert answer.status == 400
    assert answer.errors
    assert set(answer.errors[0]) == {"message", "field", "help"}
    assert len(server.accepted) == kept


TAKEN: dict[str, Any] = {
    "1000 personalizations": to(*(f"p{n}@example.com" for n in range(1000))),
    "headers of a list": top(
        headers={"Message-ID": "<a@b>", "List-Unsubscribe": "<x>", "Feedback-ID": "a:b:c:d"}
    ),
    "foreign names": block(to=[{"email": "ben@example.com", "name": "Bén 本"}]),
    "substitutions of 9 KB": block(substitutions={"-a-": "a" * 9_000}),
    "empty substitutions": block(substitutions={"-a-": ""}),
    "a subject in the personalization": changed(
        lambda mail: mail["personalizations"][0].update(subject=mail.pop("subject"))
    ),
    "html alone": top(content=GOOD["content"][1:]),
    "calendar last": top(content=[*GOOD["content"], {"type": "text/calendar", "value": "a"}]),
}


@pytest.mark.parametrize("mail", TAKEN.values(), ids=TAKEN)
def test_what_the_documentation_allows_is_taken(server: SendGrid, mail: Any) -> None:
    answer = ask(server, mail)
    assert (answer.status, answer.errors) == (202, [])


def test_a_fault_names_its_field_as_sendgrid_does(server: SendGrid) -> None:
    (error,) = ask(server, to("ok@example.com", "bad")).errors
    assert error["field"] == "personalizations.1.to.0.email"
    assert error["help"].endswith("#message.personalizations.to")


@pytest.mark.parametrize(
    ("status", "call"),
    [
        (401, {"key": "SG.other"}),
        (404, {"path": "/v3/mail/sent"}),
        (405, {"method": "GET"}),
        (415, {"kind": "text/plain"}),
        (413, {"mail": b" " * LARGEST}),
        (403, {"mail": top(**{"from": {"email": "ada@elsewhere.com"}})}),
    ],
)
def test_a_call_that_is_not_one_is_refused(
    server: SendGrid, status: int, call: dict[str, Any]
) -> None:
    answer = ask(server, **call)
    assert answer.status == status
    assert answer.errors


def test_the_sandbox_checks_and_keeps_nothing(server: SendGrid) -> None:
    kept = len(server.accepted)
    sandbox = {"sandbox_mode": {"enable": True}}
    assert ask(server, top(mail_settings=sandbox)).status == 200
    assert ask(server, top(mail_settings=sandbox, subject="")).status == 400
    assert len(server.accepted) == kept


def test_tags_become_each_persons_values_and_are_not_looked_at_again(server: SendGrid) -> None:
    people = [
        {"to": [{"email": f"{n}@example.com"}], "substitutions": {"-a-": value, "-aa-": "long"}}
        for n, value in enumerate(["<i>one</i>", "-aa-"])
    ]
    content = [{"type": "text/html", "value": "-a-, -aa-, -b-"}]
    ask(server, top(personalizations=people, content=content, subject="For -a-"))
    first, second = server.accepted[-2:]
    assert (first.html, first.subject) == ("<i>one</i>, long, -b-", "For <i>one</i>")
    assert second.html == "-aa-, long, -b-"


@pytest.mark.parametrize("told", [True, False])
def test_too_many_calls_are_told_to_wait(*, told: bool) -> None:
    with sendgrid() as server:
        server.rate = RateLimit(calls=2, seconds=3600, told=told)
        answers = [ask(server) for _ in range(3)]
        assert [each.status for each in answers] == [202, 202, 429]
        reset = answers[2].headers["X-RateLimit-Reset"]
        assert (int(reset) > time.time()) if told else reset is None


def test_faults_happen_where_they_should() -> None:
    with sendgrid() as server:
        server.meet(CutBefore(), CutAfter(), Refuse(503), Say(b"what?"), Late(0.1), Drip(0.001))
        for _ in range(2):
            with pytest.raises(ConnectionError):
                ask(server)
        assert len(server.accepted) == 1
        assert ask(server, b"", method="GET").status == 503
        with pytest.raises(http.client.BadStatusLine):
            ask(server)
        assert len(server.accepted) == 1
        assert [ask(server).status, ask(server).status] == [202, 202]


def test_connections_are_kept_until_they_are_dropped() -> None:
    with sendgrid() as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.http.port)
        for _ in range(3):
            _get(connection)
        assert server.http.connections == 1
        server.http.drop_idle()
        with pytest.raises(ConnectionError):
            _get(connection)
        connection.close()


def _get(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/")
    connection.getresponse().read()


class Hook:
    """A web server that keeps what is posted to it, and answers as it is told."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.posts.append((dict(self.headers), body))
                self.send_response(hook.statuses.pop(0) if hook.statuses else 200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.host = f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def hook() -> Iterator[Hook]:
    running = Hook()
    yield running
    running.server.shutdown()
    running.server.server_close()


def test_events_are_signed_over_the_very_bytes(server: SendGrid, hook: Hook) -> None:
    ask(server, block(custom_args={"lettercourse_delivery": "abc"}))
    mail = server.accepted[-1]
    server.post_events(f"http://{hook.host}/e", server.events(mail, "processed", "delivered"))
    ((headers, body),) = hook.posts
    first, second = json.loads(body)
    assert first["lettercourse_delivery"] == second["lettercourse_delivery"] == "abc"
    assert first["sg_event_id"] != second["sg_event_id"]
    assert first["sg_message_id"].startswith(mail.message_id)
    assert body.endswith(b"]\r\n")
    library = EventWebhook(server.event_key)
    assert library.verify_signature(body.decode(), headers[SIGNATURE], headers[TIMESTAMP])
    key = library.public_key
    with pytest.raises(InvalidSignature):
        key.verify(b"", headers[TIMESTAMP].encode() + body.strip(), ec.ECDSA(hashes.SHA256()))


def test_a_post_is_tried_until_it_is_taken_and_not_for_ever(server: SendGrid, hook: Hook) -> None:
    ask(server)
    events = server.events(server.accepted[-1], "delivered")
    hook.statuses = [503, 404, 200]
    assert server.post_events(f"http://{hook.host}/e", events, tries=9, pause=0.01) == [
        503,
        404,
        200,
    ]
    assert len({body for _, body in hook.posts}) == 1
    hook.statuses = [500] * 9
    assert server.post_events(f"http://{hook.host}/e", events, tries=2, pause=0.01) == [500, 500]


def test_events_come_repeated_reordered_and_with_other_ids(server: SendGrid) -> None:
    ask(server)
    told = server.events(server.accepted[-1], "processed", "delivered", at=1_000)
    again = repeated(told, 3, fresh_ids=True, shuffle=1)
    assert len({each["sg_event_id"] for each in again}) == 6
    assert [each["event"] for each in again] != ["processed"] * 3 + ["delivered"] * 3
    late = event(server.accepted[-1], "bounce", asynchronous=True, category="array")
    assert not {"sg_message_id", "smtp-id"} & set(late)
    assert late["category"] == ["course"]


def fields(post: tuple[dict[str, str], bytes]) -> dict[str, Any]:
    headers, body = post
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    form = BytesParser(policy=HTTP).parsebytes(head + body)
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
        for part in form.iter_parts()
    }


def test_a_reply_is_posted_in_fields_with_its_own_charset(server: SendGrid, hook: Hook) -> None:
    ask(server, top(headers={"Message-ID": "<abc@example.org>"}))
    mail = server.accepted[-1].reply("Schöne Grüße", charset="iso-8859-15")
    mail.add_attachment(b"\x00\x01", maintype="image", subtype="png", filename="day.png")
    url = f"http://us%20er:se%3Acret@{hook.host}/i"
    assert server.post_reply(url, mail) == [200]
    got = fields(hook.posts[0])
    assert got["text"] == "Schöne Grüße\n".encode("iso-8859-15")
    charsets = json.loads(got["charsets"])
    assert (charsets["text"], charsets["subject"]) == ("iso-8859-15", "UTF-8")
    assert json.loads(got["envelope"]) == {"to": ["ada@example.org"], "from": "ben@example.com"}
    assert b"In-Reply-To: <abc@example.org>" in got["headers"]
    assert got["attachments"] == b"1"
    assert got["attachment1"] == b"\x00\x01"
    assert json.loads(got["attachment-info"])["attachment1"]["filename"] == "day.png"
    assert hook.posts[0][0]["Authorization"] == "Basic dXMgZXI6c2U6Y3JldA=="


def test_a_reply_is_posted_raw_byte_for_byte(server: SendGrid, hook: Hook) -> None:
    mail = EmailMessage()
    mail["From"] = "Ben <ben@example.com>"
    mail["To"] = "token@reply.example.org"
    mail.set_content("--xYzZY is no boundary here\n")
    how = Inbound(to=["other@reply.example.org"], sender="", spf="fail", dkim="{@a.b : fail}")
    server.post_reply(f"http://{hook.host}/i", mail, how, mode="raw", signed=True)
    got = fields(hook.posts[0])
    assert got["email"].replace(b"\r\n", b"\n") == mail.as_bytes()
    assert json.loads(got["envelope"]) == {"to": ["other@reply.example.org"], "from": ""}
    assert (got["SPF"], got["dkim"]) == (b"fail", b"{@a.b : fail}")
    assert SIGNATURE in hook.posts[0][0]
    assert "text" not in got
