"""The document of the doors is true: it names every route, and served doors answer as it says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from httpx import BasicAuth
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi_checks
from starlette.routing import Route

import worker.web.signing as doors
from tests.peers.sendgrid_hooks import Signer
from tests.worker.joining.door import TOKEN, served
from tests.worker.tiny_course import DrivenClock, edition, found
from worker.installation import Installation
from worker.web import build_web
from worker.web.openapi import FOR_PEOPLE, PATHS, openapi

SECRET = "a-secret-of-ours"
SIGNER = Signer()
CREDENTIALS = {
    "/api/enrollments": {"Authorization": f"Bearer {TOKEN}"},
    "/hooks/sendgrid/inbound": {"Authorization": BasicAuth("any", SECRET)._auth_header},
}
METHODS = ("get", "post", "put", "patch", "delete")
OPERATIONS = [
    (path, method) for path, item in PATHS.items() for method in METHODS if method in item
]
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.unsupported_method,
    openapi_checks.ignored_auth,
]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    opened = found(
        folder,
        DrivenClock(),
        api_token=TOKEN,
        inbound_secret=SECRET,
        sendgrid_event_key=SIGNER.public_key,
    )
    opened.store.publish(edition(), opened.now())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def door(installation: Installation) -> Iterator[httpx.Client]:
    with pytest.MonkeyPatch.context() as patch, served(installation) as client:
        patch.setattr(doors, "ANSWER_AFTER", 0.0)
        yield client


def routes(installation: Installation) -> dict[str, set[str]]:
    return {
        route.path: {method.lower() for method in route.methods or ()} - {"head"}
        for route in build_web(installation).routes
        if isinstance(route, Route)
    }


def test_every_door_for_programs_is_documented_and_every_documented_one_is_there(
    installation: Installation,
) -> None:
    there = routes(installation)
    for_programs = {path for path in there if not path.startswith(FOR_PEOPLE)}
    assert for_programs == set(PATHS)
    for path in for_programs:
        assert there[path] == {method for known, method in OPERATIONS if known == path}


def test_the_document_is_served_and_is_openapi(door: httpx.Client) -> None:
    answer = door.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == json.loads(json.dumps(openapi("http://127.0.0.1:8000")))
    assert answer.json()["openapi"].startswith("3.1")


@pytest.mark.parametrize(
    ("path", "method", "mode"),
    [(*each, GenerationMode.POSITIVE) for each in OPERATIONS]
    + [(*each, GenerationMode.NEGATIVE) for each in OPERATIONS if each[1] == "post"],
)
def test_a_door_answers_as_documented_whatever_comes(
    door: httpx.Client, path: str, method: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(openapi(str(door.base_url)))
    operation = schema[path][method]

    @settings(
        max_examples=30,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def answers_as_documented(case: Any) -> None:
        case.call_and_validate(
            base_url=str(door.base_url),
            headers=CREDENTIALS.get(path, {}),
            checks=CHECKS,
        )

    answers_as_documented()


def test_what_schemathesis_cannot_guess_is_answered_as_documented(
    installation: Installation, door: httpx.Client
) -> None:
    schema = schemathesis.openapi.from_dict(openapi(str(door.base_url)))
    joining = schema["/api/enrollments"]["post"].Case(
        body={
            "course": "tiny",
            "people": [{"address": "mira@example.org", "name": "Mira"}, {"address": "nobody"}],
        },
        media_type="application/json",
    )
    signing = schema["/subscribe/{course}"]["post"].Case(
        path_parameters={"course": "tiny"},
        body={"email": "jo@example.org"},
        media_type="application/x-www-form-urlencoded",
    )
    token = installation.links.unsubscribe(1).rpartition("/")[2]
    looking = schema["/u/{token}"]["get"].Case(path_parameters={"token": token})
    leaving = schema["/u/{token}"]["post"].Case(path_parameters={"token": token})
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "192.0.2.1"}
    for case in (joining, signing, looking, leaving):
        answer = case.call_and_validate(
            base_url=str(door.base_url), headers=headers, checks=[*CHECKS[:5]]
        )
        assert answer.status_code == 200


def test_signed_events_are_answered_as_documented(door: httpx.Client) -> None:
    schema = schemathesis.openapi.from_dict(openapi(str(door.base_url)))
    answers = []
    for body in (b"[]", b'[{"event": "new"}]', b"{}", b"no JSON"):
        headers = SIGNER.headers(body, int(time.time())) | {"Content-Type": "application/json"}
        answers.append(door.post("/hooks/sendgrid/events", content=body, headers=headers))
        schema["/hooks/sendgrid/events"]["post"].validate_response(answers[-1])
    assert [answer.status_code for answer in answers] == [204, 204, 400, 400]
