from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest

from tests.cli.conftest import Terminal
from tests.course.test_sample import SAMPLE
from worker.app import COMMANDS
from worker.app import lettercourse as root

AUTHOR = ("new", "check", "outline", "build", "simulate")


SIMULATE = ["simulate", str(SAMPLE), "--start", "2026-03-26"]


@pytest.mark.parametrize(
    "arguments", [["--help"], *([name, "--help"] for name in AUTHOR), SIMULATE]
)
def test_an_authors_commands_import_neither_the_database_nor_celery(arguments: list[str]) -> None:
    script = (
        "import sys; from worker.app import run; code = run(sys.argv[1:]);"
        "heavy = {'celery', 'kombu', 'sqlalchemy', 'alembic', 'starlette', 'worker.store'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.strip()) == (0, "[]")


def test_help_names_every_command(lettercourse: Terminal) -> None:
    answer = lettercourse("--help")
    assert answer.code == 0
    for name, (_, summary) in COMMANDS.items():
        assert f"{name} " in answer.out
        assert summary in answer.out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says_of_itself(name: str) -> None:
    command = root.get_command(click.Context(root), name)
    assert command is not None
    assert command.name == name
    assert (command.help or "").partition("\n")[0] == COMMANDS[name][1]


def test_version(lettercourse: Terminal) -> None:
    answer = lettercourse("--version")
    assert (answer.code, answer.out) == (0, "lettercourse 0.1.0\n")


def test_without_arguments_it_shows_its_help_and_is_wrong_usage(lettercourse: Terminal) -> None:
    answer = lettercourse()
    assert answer.code == 2
    assert "Write a course:" in answer.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["chekc"], "no such command 'chekc'. Did you mean 'check'? (see lettercourse --help)"),
        (["--loud"], "no such option '--loud' (see lettercourse --help)"),
        (["check"], "check: missing argument 'COURSE' (see lettercourse check --help)"),
        (["check", "a", "b"], "check: got unexpected extra argument (b)"),
        (["build", "a", "--out"], "build: option '--out' requires an argument"),
        (["build", "a"], "build: missing option '--out'"),
        (["build", "a", "--ou", "b"], "build: no such option '--ou'"),
        (["subscribers", "shwo"], "subscribers: no such command 'shwo'"),
        (["deliveries", "list", "--state", "gone"], "invalid value for '--state'"),
        (["tick", "--at", "soon"], "'soon' is no instant"),
        (["tick", "--at", "2026-03-29T08:00"], "has no offset; add one, such as Z or +02:00"),
        (["tick", "--at", "9999-12-31T23:59:59-14:00"], "is not between 1970 and 2199"),
    ],
)
def test_wrong_usage_is_one_line_with_a_hint(
    lettercourse: Terminal, arguments: list[str], says: str
) -> None:
    answer = lettercourse(*arguments)
    assert answer.code == 2
    assert says in answer.line()
    assert " --help)" in answer.line()


def test_commands_and_options_are_completed() -> None:
    def complete(words: str, word: str) -> str:
        asked = {"_LETTERCOURSE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": word}
        done = subprocess.run(
            [sys.executable, "-m", "worker"], env=os.environ | asked, capture_output=True, text=True
        )
        return done.stdout

    assert complete("lettercourse out", "1") == "plain,outline\n"
    assert "plain,--json\n" in complete("lettercourse check --", "2")


def test_a_reader_that_leaves_early_is_no_fault() -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m worker --help | true"], capture_output=True, text=True
    )
    assert done.stderr == ""


def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "worker", "--help"], stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"lettercourse: No space left on device (")
    assert done.stderr.count(b"\n") == 1
