"""Logs of every process: events with fields, as text or JSON, without personal data.

Rooms log by the standard library: an event's name as the message, its fields as ``extra``. Whatever
is logged, by us, Celery, uvicorn or SQLAlchemy, goes through the one list of processors here. What
looks like an address or a token is taken out last, in case that somebody logged one after all.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from worker.errors import where_it_arose
from worker.settings import LogFormat, LogLevel, Settings

OURS = ("worker", "course")

FORBIDDEN = frozenset(
    {"address", "body", "email", "name", "password", "recipient", "secret", "subject", "text"}
    | {"to", "token", "url", "words"}
)
"""Fields that are never logged, whatever they hold."""

_ADDRESS = re.compile(
    r'"[^"\n]*"@[^\s<>"]+|[^\s<>"\'(),;]*(?:@|%40|＠)[^\s<>"\'(),;]*', re.IGNORECASE
)
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?![0-9a-f]{32}(?![A-Za-z0-9]))[A-Za-z0-9]{24,}"
    r"|\bSG\.[\w.-]+|\b(?:Bearer|Basic)\s+\S+"
)
"""Signed links have 28 letters and digits or more; a delivery's id, 32 hex digits, is no secret."""


def configure_logs(
    form: LogFormat,
    level: LogLevel,
    context: Mapping[str, str],
    secrets: Collection[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Let every logger of this process write to one stream; once more replaces what was before.

    Libraries are heard from ``WARNING`` on; with ``DEBUG`` also what they tell of their doings.

    Args:
        form: of each line.
        level: of our own loggers.
        context: fields of every event, such as the process's role.
        secrets: texts that are taken out wherever they stand.
        stream: standard error by default.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), of_the_record],
            processors=processors(form, context, secrets),
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO if level is LogLevel.DEBUG else logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level.value.upper())
    logging.getLogger("sqlalchemy").setLevel(logging.WARNING)  # its INFO is every statement


def log_as(role: str, settings: Settings, owner: str = "", *, answers: bool = False) -> None:
    """Let this process log as its settings say.

    Args:
        role: what it is: ``up``, ``web``, ``worker``, ``beat``, ``tick``.
        settings: with the format, the level, and what must not be logged.
        owner: which of several; by default its process number tells them apart.
        answers: whether it is a command that says itself what it did; then ordinary events are
            logged only when asked for.
    """
    level = settings.log_level
    if answers and level is LogLevel.INFO:
        level = LogLevel.WARNING
    context = {"role": role, "owner": owner} if owner else {"role": role}
    configure_logs(settings.log_format, level, context, settings.secrets)


def processors(
    form: LogFormat, context: Mapping[str, str], secrets: Collection[str]
) -> list[Processor]:
    """Return what an event goes through, in order: nothing is added behind the guard."""
    render: Processor
    if form is LogFormat.JSON:
        render = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        render = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False)

    def remember(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {**event, **context}

    return [
        remember,
        Guard(secrets),
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        render,
    ]


def of_the_record(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add when, how grave and by whom; of a fault its type and trace, not its text.

    An exception's text may quote a row.
    """
    record: logging.LogRecord = event["_record"]
    event["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat()
    event["level"] = record.levelname.lower()
    event["logger"] = record.name
    fault = record.exc_info[1] if record.exc_info else None
    event.pop("exc_info", None)
    if isinstance(fault, Exception):
        event["fault"] = where_it_arose(fault)
    return event


class Guard:
    """Takes out what must not stand in a log, wherever it stands."""

    def __init__(self, secrets: Collection[str]) -> None:
        longest_first = sorted(filter(None, secrets), key=len, reverse=True)
        self._secret = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Return the event without personal data, as far as a pattern can tell."""
        return {
            key: value if key.startswith("_") else self._guarded(key, value)
            for key, value in event.items()
        }

    def _guarded(self, key: str, value: object) -> object:
        if key in FORBIDDEN:
            return "<left out>"
        if value is None or isinstance(value, bool | int | float):
            return value
        text = self._secret.sub("<secret>", str(value))
        return _TOKEN.sub("<token>", _ADDRESS.sub("<address>", text))
