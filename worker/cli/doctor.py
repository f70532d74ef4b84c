"""``doctor``: look at everything that an installation hangs on, and say what to do."""

from __future__ import annotations

from collections import Counter

import click
from rich.text import Text

from worker.cli.output import json_option, print_json, say
from worker.clocks import SteadyClock
from worker.doctor import Patient, Result, examine
from worker.settings import settings_from_environment
from worker.store import open_store

_STYLES = {Result.OK: "green", Result.WARNING: "yellow", Result.FAULT: "bold red"}


@click.command()
@json_option
def doctor(*, as_json: bool) -> int:
    """Look at all that letters hang on, and say what to do.

    Database, clocks, disk, broker, provider, doors, workers and letters, each with its remedy.
    Nothing is changed and no letter is sent. Exits with 1 when there is a fault.
    """
    settings = settings_from_environment()
    store = open_store(settings.database_url)
    findings = []
    try:
        for each in examine(Patient(settings, store, SteadyClock())):
            findings.append(each)
            if not as_json:
                line = Text.assemble((f"{each.result:<8}", _STYLES[each.result]), each.check, ": ")
                line.append(each.found + (f" ({each.remedy})" if each.remedy else ""))
                say(line)
    finally:
        store.close()
    counts = Counter(each.result for each in findings)
    if as_json:
        print_json({"healthy": not counts[Result.FAULT], "findings": findings})
    else:
        say(f"{counts[Result.FAULT]} faults, {counts[Result.WARNING]} warnings.")
    return 1 if counts[Result.FAULT] else 0
