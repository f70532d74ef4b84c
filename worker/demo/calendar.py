"""Who got which letter at which local hour, as a table of people and letters."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich import box
from rich.table import Table
from rich.text import Text

from worker.model import DeliveryRecord, DeliveryState, Standing, SubscriberState


def calendar(
    keys: Sequence[str], people: Sequence[Standing], records: Sequence[DeliveryRecord]
) -> Table:
    """Return a table with a row for each person and a column for each letter."""
    got = {(record.address, record.letter): record for record in records}
    table = Table(
        "", *keys, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False
    )
    for person in sorted(people, key=lambda person: (person.timezone, person.address)):
        cells = [cell(got.get((person.address, key)), person) for key in keys]
        table.add_row(who(person), *cells)
    return table


def who(person: Standing) -> Text:
    """Return a person's name over where they live."""
    name = person.name or person.address.partition("@")[0]
    return Text(name, "bold").append(f"\n{person.timezone}", "not bold dim")


def cell(record: DeliveryRecord | None, person: Standing) -> Text:
    """Return when a person got a letter, on their own clock, or why not."""
    if record and record.state is DeliveryState.SENT and record.handed_at:
        local = record.handed_at.astimezone(ZoneInfo(person.timezone))
        answered = any(record.letter in each.reflections for each in person.enrollments)
        hour = f"{local:%H:%M} ✎" if answered else f"{local:%H:%M}"
        return Text(f"{local:%a %d}", "dim").append(f"\n{hour}", "not dim")
    if person.state is SubscriberState.UNSUBSCRIBED:
        return Text("left", "yellow")
    return Text(record.state.value if record else "–", "red")
