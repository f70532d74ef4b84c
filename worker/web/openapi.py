"""``/openapi.json``: every door that programs come to, as an OpenAPI 3.1 document.

Written by hand, because it is a promise and not a picture of the code; tests hold it to the routes
both ways, and try what it says against a served installation. Doors that only people come to (the
pages behind the links in letters) stand in ``FOR_PEOPLE``.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from worker.installation import Installation
from worker.joining.program import LONGEST_CONSENT, MOST_PEOPLE

Json = dict[str, Any]

FOR_PEOPLE = ("/assets/", "/confirm/", "/dashboard", "/mine/", "/p/", "/v/")
"""How the paths begin that only people and their browsers come to."""


def openapi_routes(installation: Installation) -> list[Route]:
    """Return the route of the document itself."""
    document = openapi(installation.links.site(""))

    async def show(_: Request) -> Response:
        return JSONResponse(document, headers={"Cache-Control": "no-store"})

    return [Route("/openapi.json", show, methods=["GET"])]


def openapi(server: str) -> Json:
    """Return the document.

    Args:
        server: where the web door is reached.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lettercourse",
            "version": version("lettercourse"),
            "summary": "Email courses: joining, leaving, and news from the mail provider.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server}],
        "paths": PATHS,
        "components": {"schemas": SCHEMAS, "securitySchemes": SECURITY},
    }


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: Json, headers: Json | None = None) -> Json:
    answer: Json = {
        "description": description,
        "content": {"application/json": {"schema": schema}},
    }
    return answer | ({"headers": headers} if headers else {})


def _page(description: str, headers: Json | None = None) -> Json:
    answer: Json = {
        "description": description,
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
    return answer | ({"headers": headers} if headers else {})


def _text(description: str) -> Json:
    return {
        "description": description,
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }


def _any(description: str) -> Json:
    return {"description": description}


def _body(*media: str, schema: Json, required: bool = True) -> Json:
    return {"required": required, "content": {each: {"schema": schema} for each in media}}


def _path(name: str, description: str) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1, "pattern": "^[a-zA-Z0-9-]+$"},
    }


def _header(name: str, description: str) -> Json:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


_RETRY_AFTER: Json = {
    "Retry-After": {
        "description": "Seconds after which it may be tried again.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    }
}
_CHALLENGE: Json = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
_BUSY = _page("Something on our side does not work; nothing has changed.", _RETRY_AFTER)
_FORM = ("application/x-www-form-urlencoded", "multipart/form-data")

SECURITY: Json = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "LETTERCOURSE_API_TOKEN; without that setting every token is refused.",
    },
    "inbound": {
        "type": "http",
        "scheme": "basic",
        "description": "Any user name, and a password of LETTERCOURSE_INBOUND_SECRET.",
    },
}

SCHEMAS: Json = {
    "Error": {
        "type": "object",
        "description": "One line: where, what, and the remedy.",
        "required": ["error"],
        "properties": {"error": {"type": "string"}},
    },
    "Person": {
        "type": "object",
        "required": ["address"],
        "additionalProperties": False,
        "properties": {
            "address": {"type": "string", "description": "Email address."},
            "name": {"type": "string", "description": "How letters call them."},
            "timezone": {"type": "string", "description": "IANA name; the course's without it."},
            "send_at": {"type": "string", "description": "Local time as 08:00."},
            "start": {"type": "string", "description": "Local date of the welcome; now without."},
        },
    },
    "EnrollRequest": {
        "type": "object",
        "required": ["course", "people"],
        "additionalProperties": False,
        "properties": {
            "course": {"type": "string", "description": "The slug of a published course."},
            "people": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_PEOPLE,
                "items": _ref("Person"),
            },
            "consent": {
                "type": "string",
                "maxLength": LONGEST_CONSENT,
                "description": "What they agreed to, word for word; kept.",
            },
        },
    },
    "EnrollAnswer": {
        "type": "object",
        "required": ["course", "people"],
        "properties": {
            "course": {"type": "string"},
            "people": {
                "type": "array",
                "description": "In the request's order.",
                "items": {
                    "type": "object",
                    "required": ["address", "result", "reason"],
                    "properties": {
                        "address": {"type": "string", "description": "As the request has it."},
                        "result": {"enum": ["enrolled", "already", "suppressed", "rejected"]},
                        "reason": {"type": "string", "description": "Empty when enrolled."},
                    },
                },
            },
        },
    },
    "Ready": {
        "type": "object",
        "required": ["ready", "database", "worker", "delivering", "why", "installation"],
        "properties": {
            "ready": {"type": "boolean"},
            "database": {"type": "boolean"},
            "worker": {"type": "boolean"},
            "delivering": {"type": ["boolean", "null"]},
            "why": {"type": "array", "items": {"type": "string"}},
            "installation": {"type": ["string", "null"]},
        },
    },
    "SignUp": {
        "type": "object",
        "required": ["email"],
        "properties": {
            "email": {"type": "string"},
            "name": {"type": "string"},
            "timezone": {"type": "string", "description": "IANA name; empty for the course's."},
            "subject": {"type": "string", "description": "Left empty by people."},
        },
    },
    "Leave": {
        "type": "object",
        "properties": {
            "List-Unsubscribe": {"type": "string", "enum": ["One-Click"]},
            "scope": {"enum": ["course"], "description": "Alone: leave only this course."},
        },
    },
    "SendGridEvents": {"type": "array", "items": {"type": "object"}},
    "InboundMail": {
        "type": "object",
        "description": "Inbound Parse's fields, parsed or raw; raw mode has email and envelope.",
        "properties": {
            "envelope": {"type": "string"},
            "email": {"type": "string"},
            "headers": {"type": "string"},
            "text": {"type": "string"},
            "html": {"type": "string"},
        },
    },
}

_TOKEN = _path("token", "The signed part of the link in a letter.")
_COURSE = _path("course", "The slug of a published course.")

PATHS: Json = {
    "/api/enrollments": {
        "post": {
            "operationId": "enroll",
            "summary": "Enroll people who agreed to it; asking again changes nothing.",
            "security": [{"token": []}],
            "requestBody": _body("application/json", schema=_ref("EnrollRequest")),
            "responses": {
                "200": _json("What became of each person.", _ref("EnrollAnswer")),
                "400": _json("The request's shape is wrong; nobody joined.", _ref("Error")),
                "401": _json(
                    "No valid token.",
                    _ref("Error"),
                    _CHALLENGE,
                ),
                "413": _json("More than 1 MB.", _ref("Error")),
                "415": _json("The body is not application/json.", _ref("Error")),
                "503": _json("Something on our side does not work.", _ref("Error")),
            },
        }
    },
    "/subscribe/{course}": {
        "parameters": [_COURSE],
        "get": {
            "operationId": "showForm",
            "summary": "The form to sign up with.",
            "responses": {"200": _page("The form."), "404": _page("No such course."), "503": _BUSY},
        },
        "post": {
            "operationId": "signUp",
            "summary": "Sign up; a mail asks whether it was them. The same answer for everybody.",
            "requestBody": _body(*_FORM, schema=_ref("SignUp")),
            "responses": {
                "200": _page("Look into your mailbox."),
                "400": _page("The form, with what needs a second look."),
                "404": _page("No such course."),
                "413": _page("More than 16 kB."),
                "429": _page("Too many forms in a short time.", _RETRY_AFTER),
                "503": _BUSY,
            },
        },
    },
    "/u/{token}": {
        "parameters": [_TOKEN],
        "get": {
            "operationId": "showLeaving",
            "summary": "The page with the button; changes nothing.",
            "responses": {"200": _page("The page."), "404": _page("No such link."), "503": _BUSY},
        },
        "post": {
            "operationId": "leave",
            "summary": "Leave with one click (RFC 8058), for good, whatever the body says.",
            "requestBody": _body(*_FORM, schema=_ref("Leave"), required=False),
            "responses": {
                "200": _page("They have left."),
                "404": _page("No such link."),
                "413": _page("More than 64 kB."),
                "503": _BUSY,
            },
        },
    },
    "/hooks/sendgrid/events": {
        "post": {
            "operationId": "receiveEvents",
            "summary": "SendGrid's Event Webhook, signed.",
            "parameters": [
                _header("X-Twilio-Email-Event-Webhook-Signature", "ECDSA, base64."),
                _header("X-Twilio-Email-Event-Webhook-Timestamp", "Seconds since 1970."),
            ],
            "requestBody": _body("application/json", schema=_ref("SendGridEvents")),
            "responses": {
                "204": _any("Every event is kept; known ones are not kept twice."),
                "400": _text("Signed, but no array of events."),
                "401": _text("The signature does not hold, or is older than 25 hours."),
                "413": _page("More than 5 MB."),
                "503": _any("No key is set, or something on our side does not work; try again."),
            },
        }
    },
    "/hooks/sendgrid/inbound": {
        "post": {
            "operationId": "receiveMail",
            "summary": "SendGrid's Inbound Parse, parsed or raw mode.",
            "security": [{"inbound": []}],
            "requestBody": _body("multipart/form-data", schema=_ref("InboundMail")),
            "responses": {
                "200": _text("The mail is kept, whatever it is: after a 4xx it would be lost."),
                "401": _page("Neither password nor signature holds.", _CHALLENGE),
                "413": _page("More than 40 MB."),
                "503": _page(
                    "No secret is set, or something on our side does not work; try again."
                ),
            },
        }
    },
    "/healthz": {
        "get": {
            "operationId": "isAlive",
            "summary": "The process answers.",
            "responses": {"200": _text("ok")},
        }
    },
    "/readyz": {
        "get": {
            "operationId": "isReady",
            "summary": "It can do its work; asked with ?delivering, also whether letters go out.",
            "parameters": [
                {"name": "delivering", "in": "query", "schema": {"type": "string"}},
            ],
            "responses": {
                "200": _json("It can.", _ref("Ready")),
                "503": _json("It cannot, and why.", _ref("Ready")),
            },
        }
    },
    "/metrics": {
        "get": {
            "operationId": "showMetrics",
            "summary": "Counts and times in Prometheus' text format; nothing about a person.",
            "responses": {"200": _text("See docs/reference/metrics.md.")},
        }
    },
    "/openapi.json": {
        "get": {
            "operationId": "showDoors",
            "summary": "This document.",
            "responses": {"200": _json("OpenAPI 3.1.", {"type": "object"})},
        }
    },
}
