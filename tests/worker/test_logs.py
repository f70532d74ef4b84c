"""Logs that can be read by people and programs, and that hold nobody's data."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.ledger import LINKS
from worker.logs import FORBIDDEN, configure_logs
from worker.settings import LogFormat, LogLevel

SECRET = "s3cr!t of ours"
ours = logging.getLogger("worker.delivery")


pytestmark = pytest.mark.usefixtures("logging_as_before")


def configured(form: LogFormat = LogFormat.JSON, level: LogLevel = LogLevel.INFO) -> io.StringIO:
    stream = io.StringIO()
    configure_logs(form, level, {"role": "worker", "owner": "w1"}, [SECRET, ""], stream)
    return stream


def test_an_event_has_its_fields_and_those_of_its_process() -> None:
    stream = configured()
    ours.info("window", extra={"claimed": 20, "seconds": 0.25, "delivery": "0af" * 10 + "9b"})
    line = json.loads(stream.getvalue())
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() == timedelta(0)
    assert line == {
        "event": "window",
        "claimed": 20,
        "seconds": 0.25,
        "delivery": "0af" * 10 + "9b",
        "level": "info",
        "logger": "worker.delivery",
        "role": "worker",
        "owner": "w1",
    }


def test_text_is_for_people_and_has_the_same() -> None:
    stream = configured(LogFormat.TEXT)
    ours.warning("the broker %s", "is away", extra={"seconds": 3})
    (line,) = stream.getvalue().splitlines()
    for part in ("warning", "the broker is away", "seconds=3", "role=worker", "worker.delivery"):
        assert part in line
    assert "\x1b" not in line


@pytest.mark.parametrize("level", LogLevel)
def test_the_level_is_that_of_our_own_events(level: LogLevel) -> None:
    stream = configured(level=level)
    for each in LogLevel:
        ours.log(logging.getLevelName(each.upper()), each)
    told = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert told == list(LogLevel)[list(LogLevel).index(level) :]


def test_libraries_are_heard_when_something_is_wrong_and_in_the_same_form() -> None:
    stream = configured()
    for name in ("celery.app.trace", "uvicorn.error", "sqlalchemy.engine"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("trouble with %s", "ann@example.org")
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [each["event"] for each in told] == ["trouble with <address>"] * 3
    assert told[0]["logger"] == "celery.app.trace"


def test_statements_are_not_logged_even_when_debugging() -> None:
    stream = configured(level=LogLevel.DEBUG)
    logging.getLogger("sqlalchemy.engine.Engine").info("SELECT 'ann'")
    logging.getLogger("celery").info("a task came")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["a task came"]


def test_a_fault_is_told_by_type_and_place_without_its_text() -> None:
    stream = configured()
    written = "Ann Smith <ann@example.org>"
    try:
        int(written)
    except ValueError:
        ours.exception("it failed")
    line = json.loads(stream.getvalue())
    assert line["fault"].startswith("ValueError\n")
    assert "test_logs.py" in line["fault"]
    assert "Ann" not in stream.getvalue()


@pytest.mark.parametrize("field", sorted(FORBIDDEN - {"name"}))
def test_a_field_for_personal_data_is_left_out(field: str) -> None:
    stream = configured()
    ours.info("event", extra={field: "Ann"})
    assert json.loads(stream.getvalue())[field] == "<left out>"


ADDRESSES = st.one_of(
    st.emails(),
    st.emails().map(lambda address: address.replace("@", "%40")),
    st.emails().map(lambda address: f'"ann smith"@{address.rpartition("@")[2]}'),
)
NUMBERS = st.integers(0, 2**40)
TOKENS = st.one_of(
    NUMBERS.map(LINKS.unsubscribe),
    NUMBERS.map(LINKS.view),
    NUMBERS.map(LINKS.page),
    NUMBERS.map(LINKS.confirm),
    NUMBERS.map(lambda n: LINKS.page(n).upper()),
).map(lambda link: link.rpartition("/")[2])
AROUND = st.sampled_from(
    ["{}", "<{}>", "to {}: no", "'{}'", "({}, 1)", "a\n{}\nb", "[{!r}]", "/u/{}"]
)
FORMS = st.sampled_from(list(LogFormat))


@given(ADDRESSES, AROUND, FORMS)
@settings(max_examples=200, deadline=None)
def test_no_address_gets_into_a_log(address: str, around: str, form: LogFormat) -> None:
    said = logged(around.format(address), form)
    assert address not in said
    assert address.lower() not in said.lower()
    assert "<address>" in said


@given(TOKENS, AROUND, FORMS)
@settings(max_examples=200, deadline=None)
def test_no_token_gets_into_a_log(token: str, around: str, form: LogFormat) -> None:
    said = logged(around.format(token), form)
    assert token not in said
    assert "<token>" in said


@given(AROUND, FORMS)
@settings(max_examples=20, deadline=None)
def test_no_secret_gets_into_a_log(around: str, form: LogFormat) -> None:
    assert SECRET not in logged(around.format(SECRET), form)


def logged(text: str, form: LogFormat) -> str:
    """Return the log of a text said in every way there is, and read as a program reads it."""
    stream = configured(form)
    ours.info(text.replace("%", "%%"), *(), extra={"detail": text, "several": [text, {"a": text}]})
    ours.info("%s", text)
    logging.getLogger("celery").error("Task %r failed", text, exc_info=ValueError(text))
    said = stream.getvalue()
    if form is LogFormat.JSON:
        return said + "".join(str(json.loads(line)) for line in said.splitlines())
    return said


@pytest.mark.parametrize(
    "secret",
    [
        "SG.abc-def_ghi.jkl-mno_pqr",
        "Bearer abc.def-ghi",
        "redis://:pass-word@localhost/0",
        "postgresql://us%40er:p@ss@db/x",
    ],
)
def test_credentials_that_a_library_quotes_are_left_out(secret: str) -> None:
    said = logged(f"cannot connect to {secret}", LogFormat.JSON)
    for part in ("jkl", "abc", "pass-word", "p@ss"):
        assert part not in said


def test_what_is_no_secret_stays() -> None:
    said = logged(
        "delivery 5f0c9ed1aa23bc45de67f8091a2b3c4d of stay-motivated: 4xx", LogFormat.JSON
    )
    assert "delivery 5f0c9ed1aa23bc45de67f8091a2b3c4d of stay-motivated: 4xx" in said


def test_logs_go_to_standard_error_and_answers_stay_alone() -> None:
    script = (
        "import logging; from worker.logs import configure_logs;"
        "from worker.settings import LogFormat, LogLevel;"
        "configure_logs(LogFormat.JSON, LogLevel.INFO, {});"
        "logging.getLogger('worker').info('event')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert json.loads(done.stderr)["event"] == "event"
