from __future__ import annotations

from datetime import time, timedelta

import pytest

from course.errors import ManifestError
from course.manifest import read_manifest
from course.model import Level, Schedule, Sender

WHOLE = '''\
[course]
article = "essay.md"
title = "Title"
slug = "essay"
language = "pt-BR"
site = "https://example.org"
leave_out = ["About me"]

[sender]
name = "Ada"
email = "ada@example.org"
postal_address = """
1 Street
City"""

[schedule]
send_at = "07:30"
days = ["mon", "Thursday"]
minimum_gap = "1h30m"
timezone = "Europe/Paris"

[welcome]
subject = "Hello"

[[lesson]]
key = "goals"
sections = [
    "Setting goals",  # the first
    "Planning",
]
renamed_from = "targets"
takeaways = ["Goals give"]

[[lesson]]
key = "time"
sections = ["Time"]
renamed_from = ["hours", "days"]
wait_days = 60
nudge_days = 1
'''


def test_every_choice_is_read() -> None:
    manifest = read_manifest(WHOLE, "course.toml")
    assert manifest.sender == Sender("Ada", "ada@example.org", "1 Street\nCity")
    assert manifest.schedule == Schedule(time(7, 30), (0, 3), timedelta(minutes=90), "Europe/Paris")
    goals, hours = manifest.lessons
    assert [(name.value, name.line) for name in goals.sections] == [
        ("Setting goals", 28),
        ("Planning", 29),
    ]
    assert (goals.renamed_from, hours.renamed_from) == (("targets",), ("hours", "days"))
    assert (goals.line, hours.line) == (25, 34)
    assert manifest.course.leave_out[0].value == "About me"
    assert manifest.welcome.subject == "Hello"
    assert (goals.wait_days, goals.nudge_days) == (None, None)
    assert (hours.wait_days, hours.nudge_days) == (60, 1)


def test_an_empty_manifest_leaves_everything_to_the_article() -> None:
    manifest = read_manifest("", "course.toml")
    assert (manifest.sender, manifest.schedule) == (Sender("", "", ""), Schedule())
    assert manifest.lessons == ()


LESSON = '[[lesson]]\nkey = "a"\nsections = ["A"]\n'


@pytest.mark.parametrize(
    ("text", "line", "rule", "fault"),
    [
        ("course = 1", 1, "wrong-type", "course is no table"),
        ("[course]\ntitle = 1", 2, "wrong-type", "title is no text"),
        ("[lesson]\nkey = 'a'", 1, "wrong-type", "lesson is a single table"),
        ("lesson = [1]", 1, "wrong-type", "lesson.0 is no table"),
        (LESSON + "takeaways = [\n'x',\n3]", 6, "wrong-type", "takeaways holds something else"),
        ("[course]\nslug = 'A b'", 2, "bad-value", 'slug cannot be "A b"'),
        ("[course]\nlanguage = 'e'", 2, "bad-value", 'language cannot be "e"'),
        ("[course]\nsite = 'ftp://x'", 2, "bad-value", 'site cannot be "ftp://x"'),
        ("[sender]\nname = 'A <b>'", 2, "bad-value", "name holds a line break, < or >"),
        ('[sender]\nname = "A\\r\\nBcc: x"', 2, "bad-value", "name holds a line break, < or >"),
        ('[sender]\nemail = "a@b.org\\nx"', 2, "bad-value", "email holds a line break, < or >"),
        ("[sender]\nemail = 'nobody'", 2, "bad-value", "email is no address"),
        ("[schedule]\nsend_at = '8:00'", 2, "bad-value", 'send_at cannot be "8:00"'),
        ("[schedule]\nsend_at = '25:00'", 2, "bad-value", 'send_at cannot be "25:00"'),
        ("[schedule]\ndays = ['mon',\n'fry']", 3, "bad-value", 'days: "fry" is no weekday'),
        ("[schedule]\ndays = []", 2, "bad-value", "days is empty"),
        ("[schedule]\nminimum_gap = 'soon'", 2, "bad-value", 'minimum_gap cannot be "soon"'),
        ("[schedule]\nminimum_gap = '99999d'", 2, "bad-value", "minimum_gap cannot be"),
        ("[schedule]\ntimezone = 'Mars/Base'", 2, "bad-value", 'timezone cannot be "Mars/Base"'),
        ("[schedule]\ntimezone = '../etc'", 2, "bad-value", "timezone cannot be"),
        ("[[lesson]]\nsections = ['A']", 1, "missing-key", "a lesson without key"),
        ("[[lesson]]\nkey = 'a'", 1, "missing-key", "the lesson a names no sections"),
        (
            "[[lesson]]\nkey = 'a'\nsections = []",
            3,
            "missing-key",
            "the lesson a names no sections",
        ),
        (LESSON.replace('"a"', '"welcome"'), 2, "bad-value", "the key welcome is reserved"),
        (LESSON.replace('"a"', '"a--b"'), 2, "bad-value", 'key cannot be "a--b"'),
        (LESSON + "\n" + LESSON, 5, "duplicate-key", "the key a is taken"),
        (LESSON + "renamed_from = 'a'", 1, "duplicate-key", "the key a is taken"),
        (LESSON + "wait_days = 0", 4, "bad-value", "wait_days is no whole number from 1 to 60"),
        (LESSON + "wait_days = 61", 4, "bad-value", "wait_days is no whole number from 1 to 60"),
        (LESSON + "wait_days = true", 4, "bad-value", "wait_days is no whole number"),
        (LESSON + "wait_days = '5'", 4, "bad-value", "wait_days is no whole number"),
        (LESSON + "nudge_days = 2.5\nwait_days = 5", 4, "bad-value", "nudge_days is no whole"),
        (LESSON + "nudge_days = 2", 4, "bad-value", "nudge_days without wait_days"),
        (
            LESSON + "wait_days = 5\nnudge_days = 5",
            5,
            "bad-value",
            "nudge_days is 5, but after 5 the next letter comes anyway",
        ),
        (LESSON + "key = 'b'", 4, "toml-syntax", "not TOML: Cannot overwrite a value"),
        ("[course]\ntitle = ", 2, "toml-syntax", "not TOML: Invalid value"),
        ("[course]\ntitle = 'x", 2, "toml-syntax", "not TOML"),
        ("x = " + "[" * 5000, 1, "toml-syntax", "nested too deeply"),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, line: int, rule: str, fault: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read_manifest(text, "course.toml")
    found = next(f for f in caught.value.findings if f.rule == rule)
    assert (found.line, found.level, found.file) == (line, Level.ERROR, "course.toml")
    assert fault in found.message
    assert f"course.toml:{line}: {found.message} ({found.remedy})" in str(caught.value)


def test_all_faults_are_told_at_once() -> None:
    text = "[course]\nslugg = 1\n[schedule]\nsend_at = 'noon'\n" + LESSON + LESSON
    with pytest.raises(ManifestError) as caught:
        read_manifest(text, "course.toml")
    assert [f.line for f in caught.value.findings] == [2, 4, 8]
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[course]\n\nslugg = 'x'", 3, "unknown key slugg"),
        ("top = 1", 1, "unknown key top"),
        ("# a\n[corse]\n", 2, "unknown key corse"),
        ("[course]\n'a b' = 1", 2, "unknown key a b"),
        ("[welcome]\nwait_days = 5", 2, "unknown key wait_days"),
        ("[finale]\nnudge_days = 5", 2, "unknown key nudge_days"),
    ],
)
def test_an_unknown_key_is_found_with_its_line_and_stops_no_building(
    text: str, line: int, message: str
) -> None:
    (found,) = read_manifest(text, "course.toml").findings
    assert (found.rule, found.level, found.file) == ("unknown-key", Level.ERROR, "course.toml")
    assert (found.line, found.message) == (line, message)


def test_an_unknown_key_gets_the_nearest_known_one() -> None:
    (found,) = read_manifest(LESSON + "subjct = 'x'", "course.toml").findings
    assert found.remedy == "did you mean subject?"


def test_an_unknown_key_names_each_known_one_once() -> None:
    (found,) = read_manifest(LESSON + "zzz = 'x'", "course.toml").findings
    known = found.remedy.removeprefix("known: ").split(", ")
    assert len(known) == len(set(known))
    assert {"key", "sections", "subject"} <= set(known)


def test_a_senders_address_is_what_mail_servers_take() -> None:
    manifest = read_manifest('[sender]\nemail = "kurs@bücher.example"', "course.toml")
    assert manifest.sender.email == "kurs@xn--bcher-kva.example"
    with pytest.raises(ManifestError) as caught:
        read_manifest('[sender]\nname = "J"\nemail = "jürgen@example.org"', "course.toml")
    assert [fault.line for fault in caught.value.findings] == [3]
