"""The table of what mail programs do not show is what caniemail.com's data says."""

from __future__ import annotations

import json
from collections.abc import Iterator

from course.letters.sanitise import TAGS
from course.lint.clients import (
    APPLE,
    CLIENTS_WITHOUT,
    CONTROLS,
    GMAIL,
    LEFT_OUT,
    OUTLOOK_WINDOWS,
    YAHOO,
)
from tests.node import package

DATA = ("caniemail", "1.0.5")
SYSTEMS = {
    GMAIL: ("gmail", "desktop-webmail"),
    OUTLOOK_WINDOWS: ("outlook", "windows"),
    YAHOO: ("yahoo", "desktop-webmail"),
    APPLE: ("apple-mail", "ios"),
}


def without(stats: dict[str, dict[str, dict[str, str]]]) -> Iterator[str]:
    """The clients whose newest version is marked "n"."""
    for client, (family, system) in SYSTEMS.items():
        versions = list(stats.get(family, {}).get(system, {}).values())
        if versions and versions[-1].startswith("n"):
            yield client


def test_the_table_is_that_of_the_data() -> None:
    data = json.loads((package(*DATA) / "data" / "caniemail.json").read_text("utf-8"))["data"]
    told = {each["slug"]: tuple(without(each["stats"])) for each in data}
    assert {name: told[name] for name in CLIENTS_WITHOUT} == dict(CLIENTS_WITHOUT)


def test_every_picture_format_that_somebody_does_not_show_is_in_it() -> None:
    data = json.loads((package(*DATA) / "data" / "caniemail.json").read_text("utf-8"))["data"]
    unshown = {
        each["slug"]
        for each in data
        if each["slug"].startswith("image-") and any(without(each["stats"]))
    }
    assert unshown - {"image-base64"} == {n for n in CLIENTS_WITHOUT if n.startswith("image-")}


def test_what_letters_leave_out_is_named_by_a_feature_of_the_table_and_no_other() -> None:
    named = {feature for feature, _ in (*LEFT_OUT.values(), *CONTROLS.values()) if feature}
    assert named == {name for name in CLIENTS_WITHOUT if name.startswith("html-")}


def test_nothing_is_said_to_be_left_out_that_letters_hold() -> None:
    assert TAGS.isdisjoint({*LEFT_OUT, *CONTROLS})
