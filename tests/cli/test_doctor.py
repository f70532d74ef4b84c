"""``doctor`` as somebody types it."""

from __future__ import annotations

from tests.cli.conftest import Terminal


def test_an_installation_that_is_well_exits_with_nought(enrolled: Terminal) -> None:
    enrolled("tick")
    answer = enrolled("doctor", "--json")
    found = answer.json()
    assert (answer.code, found["healthy"]) == (0, True)
    assert {each["result"] for each in found["findings"]} <= {"ok", "warning"}
    assert all(each.keys() == {"check", "result", "found", "remedy"} for each in found["findings"])
    assert "example.com" not in answer.out
    text = enrolled("doctor")
    assert text.code == 0
    assert text.out.splitlines()[-1].startswith("0 faults, ")


def test_a_fault_exits_with_one_and_is_told_with_its_remedy(lettercourse: Terminal) -> None:
    answer = lettercourse("doctor")
    assert answer.code == 1
    assert "fault   database: there is no database yet (run: lettercourse migrate)" in answer.out
    assert lettercourse("doctor", "--json").json()["healthy"] is False


def test_nothing_is_changed_by_looking(enrolled: Terminal) -> None:
    before = enrolled("audit", "--json").out, enrolled("deliveries", "list", "--json").out
    enrolled("doctor")
    assert (enrolled("audit", "--json").out, enrolled("deliveries", "list", "--json").out) == before
