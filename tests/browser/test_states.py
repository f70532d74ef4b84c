"""Pages in states that take something to get into: too late, too often, all done, out of order."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.acceptance.processes import running, wait_for
from tests.browser.house import (
    House,
    go,
    is_letter,
    join,
    link,
    press,
    settings,
    sign_up,
)
from tests.browser.looking import look_at
from worker.links import Links


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(text)


def test_too_many_forms(page: Page, house: House) -> None:
    form = f"{house.url}/subscribe/stay-motivated"
    for _ in range(10):
        assert page.request.post(form, form={"email": "nobody"}).status == 400
    sign_up(page, house, "late@example.com")
    heading(page, "Please try again later")
    look_at(page)


def test_a_link_that_confirms_no_more(page: Page, house: House, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("email\nfrida@example.com\n")
    sign_up(page, house, "frida@example.com")
    asking = house.mail("frida@example.com", lambda each: not is_letter(each))
    house.lettercourse("enroll", "stay-motivated", str(people))
    house.lettercourse("subscribers", "unsubscribe", "frida@example.com")
    go(page, link(asking, "confirm"))
    heading(page, "This link is too old")
    look_at(page)
    page.get_by_role("link", name="Sign up for").click()
    expect(page.get_by_label("Your email address")).to_be_visible()


def test_an_address_that_may_not_be_written_to(page: Page, house: House) -> None:
    sign_up(page, house, "hanna@example.com")
    asking = house.mail("hanna@example.com", lambda each: not is_letter(each))
    house.hear(asking, "bounce", type="bounce", status="5.1.1", reason="550 5.1.1 no such user")
    go(page, link(asking, "confirm"))
    heading(page, "We may not write to this address")
    look_at(page)


def test_a_course_that_is_held(page: Page, house: House) -> None:
    welcome = join(page, house, "ida@example.com")
    house.hear(welcome, "dropped", reason="Invalid SMTPAPI header")
    go(page, link(welcome, "p"))
    expect(page.get_by_text("The next letter could not be sent yet.")).to_be_visible()
    expect(page.get_by_role("button", name="Send me the next letter now")).to_have_count(0)
    look_at(page)


def test_a_course_that_was_read_to_its_end(page: Page, house: House) -> None:
    welcome = join(page, house, "jana@example.com")
    go(page, link(welcome, "p"))
    for number in range(2, 9):
        press(page, "Send me the next letter now")
        house.mail("jana@example.com", is_letter, number)
        page.reload()
    expect(page.get_by_text("You have had every letter of this course.")).to_be_visible()
    expect(page.locator(".had")).to_have_count(8)
    look_at(page)


def test_the_links_of_a_test_letter(page: Page, house: House) -> None:
    house.lettercourse("send-test", "stay-motivated", "goals", "--to", "kim@example.com")
    letter = house.mail("kim@example.com", is_letter)
    unsubscribe = str(letter["List-Unsubscribe"]).partition(",")[0].strip("<>")
    go(page, unsubscribe)
    heading(page, "This was a test letter")
    look_at(page)


def test_a_fault_of_ours_is_calm_and_in_the_reader_s_language(
    browser: Browser, tmp_path: Path
) -> None:
    environment = settings("http://127.0.0.1:8000", tmp_path)
    command = (sys.executable, "-m", "worker", "web", "--port", "0")
    with running(command, environment, tmp_path / "log") as process:
        wait_for(lambda: "http://" in process.output, 30, process, what="the announcement")
        url = process.output.partition("runs at ")[2].partition(",")[0]
        with closing(sqlite3.connect(tmp_path / "lettercourse.db")) as database:
            database.execute("DROP TABLE enrollments")
        key = (tmp_path / "secret_key").read_text().strip()
        with browser.new_context(locale="de-DE") as context:
            page = context.new_page()
            go(page, Links(url, [key]).page(1), 503)
            assert page.locator("html").get_attribute("lang") == "de"
            heading(page, "in einer Minute noch einmal")
            look_at(page)
        assert "Traceback" not in process.output
