"""A command, an option or a setting without documentation is red, and so is the reverse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from worker.app import lettercourse
from worker.settings import SETTINGS

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"


def sections(page: str) -> dict[str, str]:
    parts = re.split(
        r"^## (.+)\n", (REFERENCE / page).read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


COMMANDS = dict(commands(lettercourse))


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    assert list(sections("commands.md")) != []
    assert set(sections("commands.md")) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_documented_and_every_documented_one_exists(name: str) -> None:
    listed = re.findall(r"^- `(--[a-z-]+)", sections("commands.md")[name], flags=re.MULTILINE)
    options = [
        option
        for parameter in COMMANDS[name].params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    ]
    assert sorted(listed) == sorted(options)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_usage_of_a_command_is_shown(name: str) -> None:
    usage = f"    lettercourse {name}"
    lines = sections("commands.md")[name].splitlines()
    assert any(line == usage or line.startswith(usage + " ") for line in lines)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_parameter_explains_itself(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert all(p.help for p in command.params if isinstance(p, click.Option))


def test_every_setting_is_documented_with_its_default_and_every_documented_one_exists() -> None:
    page = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    documented = re.findall(r"^`(LETTERCOURSE_\w+)`(?: \(`(.+)`\))?$", page, flags=re.MULTILINE)
    assert sorted(documented) == sorted((s.name, s.default) for s in SETTINGS)
