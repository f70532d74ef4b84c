"""Every page, as somebody who takes a course comes to it: ``up`` as a process, letters as files."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.acceptance.processes import ROOT
from tests.browser.house import House, go, is_letter, join, link, press, sign_up
from tests.browser.looking import look_at
from worker.links import Links

GERMAN = ROOT / "tests" / "fixtures" / "articles" / "garten.md"
WORDS = "Three benches, a map,\nand <i>somebody</i> who sat there."


def test_joining(page: Page, house: House) -> None:
    go(page, f"{house.url}/subscribe/stay-motivated")
    look_at(page)
    page.get_by_label("Your email address").fill("anna@nowhere")
    press(page, "Send me the course")
    expect(page.get_by_role("alert")).to_be_visible()
    look_at(page)
    sign_up(page, house, "anna@example.com")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    look_at(page)
    asking = house.mail("anna@example.com", lambda each: not is_letter(each))
    assert asking["List-Unsubscribe"] is None
    go(page, link(asking, "confirm"))
    look_at(page)
    assert list((house.folder / "maildir" / "new").glob("*")) != []
    press(page, "Yes, start the course")
    look_at(page)
    welcome = house.mail("anna@example.com", is_letter)
    go(page, link(welcome, "v"))
    look_at(page)
    go(page, link(asking, "confirm"))
    look_at(page)


def test_one_s_own_way_through_the_course(page: Page, house: House) -> None:
    welcome = join(page, house, "bea@example.com")
    own = link(welcome, "p")
    go(page, own)
    look_at(page)
    assert "bea" not in page.content().lower()
    press(page, "Pause the course")
    look_at(page)
    expect(page.get_by_role("status")).to_have_text("Your course is paused.")
    press(page, "Go on with the course")
    page.get_by_label("Time of day").fill("19:30")
    page.get_by_label("By the clocks of").select_option("Asia/Tokyo")
    press(page, "Save the time")
    expect(page.get_by_label("Time of day")).to_have_value("19:30")
    press(page, "Send me the next letter now")
    goals = house.mail("bea@example.com", lambda each: each["Subject"] == "North is not a goal")
    page.reload()
    expect(page.get_by_role("link", name="Choose a goal you can finish")).to_be_visible()
    look_at(page)

    answer = EmailMessage()
    answer["From"], answer["To"] = "bea@example.com", goals["Reply-To"]
    answer["Subject"], answer["Message-ID"] = f"Re: {goals['Subject']}", "<1@example.com>"
    answer.set_content(WORDS)
    house.lettercourse("receive", mail=answer.as_bytes())
    page.reload()
    expect(page.get_by_text("You answered")).to_be_visible()
    assert "somebody" not in page.content()

    press(page, "Mail me the link")
    look_at(page)
    mailed = house.mail(
        "bea@example.com", lambda each: not is_letter(each) and "/mine/" in each.as_string()
    )
    go(page, link(mailed, "mine"))
    look_at(page)
    expect(page.locator("blockquote")).to_have_text(WORDS)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the file").click()
    told = json.loads(Path(waiting.value.path()).read_text("utf-8"))
    assert "bea@example.com" in json.dumps(told)
    assert "Three benches" in json.dumps(told)
    page.get_by_role("link", name="Erase everything …").click()
    look_at(page)
    page.get_by_role("link", name="No, go back").click()
    page.get_by_role("link", name="Erase everything …").click()
    press(page, "Erase everything")
    look_at(page)
    go(page, own)
    look_at(page)
    expect(page.locator("form")).to_have_count(0)


def test_leaving(page: Page, house: House) -> None:
    welcome = join(page, house, "cleo@example.com")
    leave = link(welcome, "u")
    go(page, leave)
    look_at(page)
    press(page, "Stop the letters")
    look_at(page)
    go(page, leave)
    look_at(page)
    go(page, link(welcome, "p"))
    look_at(page)
    shown = json.loads(house.lettercourse("subscribers", "show", "cleo@example.com", "--json"))
    assert shown["state"] == "unsubscribed"


def test_leaving_one_course_of_two(page: Page, house: House, tmp_path: Path) -> None:
    folder = tmp_path / "garten"
    house.lettercourse("new", str(GERMAN), str(folder))
    manifest = folder / "course.toml"
    written = manifest.read_text("utf-8")
    for key, value in (("name", "Mira"), ("email", "m@example.org"), ("postal_address", "Weg 1")):
        written = written.replace(f'{key} = ""', f'{key} = "{value}"')
    manifest.write_text(written, "utf-8")
    slug = json.loads(house.lettercourse("publish", str(folder), "--json"))["course"]
    people = tmp_path / "people.csv"
    people.write_text("email\ndora@example.com\n")
    house.lettercourse("enroll", "stay-motivated", str(people))
    house.lettercourse("enroll", slug, str(people))
    german = house.mail("dora@example.com", lambda each: "garten" in str(each["List-Id"]).lower())
    go(page, link(german, "p"))
    expect(page.get_by_role("button", name="Kurs anhalten")).to_be_visible()
    look_at(page)
    go(page, link(german, "u"))
    assert page.locator("html").get_attribute("lang") == "de"
    look_at(page)
    page.locator("button[value=course]").click()
    look_at(page)
    shown = json.loads(house.lettercourse("subscribers", "show", "dora@example.com", "--json"))
    assert shown["state"] == "active"
    assert {each["course"]: each["state"] for each in shown["enrollments"]} == {
        "stay-motivated": "active",
        slug: "stopped",
    }
    go(page, f"{house.url}/subscribe/{slug}")
    assert page.locator("html").get_attribute("lang") == "de"
    look_at(page)


def test_links_that_lead_nowhere_any_more(page: Page, house: House) -> None:
    go(page, f"{house.url}/p/made-up", 404)
    look_at(page)
    go(page, f"{house.url}/subscribe/no-such-course", 404)
    look_at(page)
    key = (house.folder / "secret_key").read_text().strip()
    join(page, house, "emma@example.com")
    expired = Links(house.url, [key]).mine(1, datetime.now(UTC) - timedelta(seconds=1))
    answer = page.goto(expired)
    assert answer is not None
    assert answer.status in (403, 404, 410)
    look_at(page)
