"""Service mail: its reader learns why it came, and no mail program takes it for a list's."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.fill import fill_html, fill_mime, fill_subject, fill_text
from course.letters.notices import ANSWERS, NOTICES
from course.letters.service import service_letter
from course.model import Letter, Sender
from course.segments import Values

SENDER = Sender("Nora Field", "nora@letters.example", "Field Notes\n1 Mill Lane, Ely")
GIVEN = Values(
    name="Ada",
    address="ada@example.org",
    message_id="<1@letters.example>",
    action_url="https://letters.example/confirm/abc",
    page_url="https://letters.example/p/abc",
)
EVERY = [(purpose, "") for purpose in NOTICES] + [("answer", detail) for detail in ANSWERS]
LANGUAGES = ("en", "de", "ar", "ja", "fa")


def letter(
    purpose: str, detail: str = "", *, language: str = "en", title: str = "Learning to see"
) -> Letter:
    return service_letter(
        purpose, course_title=title, language=language, sender=SENDER, detail=detail
    )


def parsed(made: Letter, values: Values = GIVEN) -> EmailMessage:
    message = message_from_bytes(fill_mime(made, values), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("purpose", "detail"), EVERY)
def test_service_mail_says_why_it_came_and_who_sent_it(
    purpose: str, detail: str, language: str
) -> None:
    made = letter(purpose, detail, language=language)
    for part in (fill_text(made, GIVEN), unescape(fill_html(made, GIVEN))):
        assert "Learning to see" in part
        assert "Nora Field" in part
        assert "1 Mill Lane, Ely" in part
        assert "{course}" not in part
    why = {
        "en": "You get this",
        "de": "Du bekommst diesen",
        "ar": "وصلتك هذه الرسالة",
        "ja": "お送りしています",
        "fa": "You get this",
    }[language]
    assert "".join(why.split()) in "".join(fill_text(made, GIVEN).split())


@pytest.mark.parametrize(("purpose", "detail"), EVERY)
def test_service_mail_is_no_lists_and_says_that_a_machine_wrote_it(
    purpose: str, detail: str
) -> None:
    message = parsed(letter(purpose, detail))
    assert [name for name in message if name.startswith("List-") or "Unsub" in name] == []
    assert message["Auto-Submitted"] == ("auto-replied" if detail else "auto-generated")
    assert message["From"] == "Nora Field <nora@letters.example>"
    assert message["Reply-To"] == "nora@letters.example"
    assert message["Message-ID"] == "<1@letters.example>"
    assert message["Subject"] == letter(purpose, detail).subject
    assert not message.defects


@pytest.mark.parametrize(
    ("purpose", "detail", "address"),
    [
        ("confirm", "", GIVEN.action_url),
        ("link", "", GIVEN.action_url),
        ("already", "", GIVEN.page_url),
        *[("answer", detail, GIVEN.page_url) for detail in ANSWERS if detail != "stop"],
    ],
)
def test_its_button_leads_where_it_should_and_is_not_there_without_an_address(
    purpose: str, detail: str, address: str
) -> None:
    made = letter(purpose, detail)
    for part in (fill_html(made, GIVEN), fill_text(made, GIVEN)):
        assert address in part
        other = {GIVEN.action_url, GIVEN.page_url} - {address}
        assert not any(one in part for one in other)
    bare = fill_html(made, Values(name="Ada"))
    assert "https://letters.example" not in bare
    assert 'href=""' not in bare


def test_whoever_left_gets_no_further_link() -> None:
    assert "letters.example/" not in fill_text(letter("answer", "stop"), GIVEN)


@pytest.mark.parametrize("purpose", ["confirm", "already"])
def test_a_name_that_a_stranger_may_have_typed_reaches_nobody(purpose: str) -> None:
    typed = Values(name="Win money at bad.example", address="ada@example.org")
    for part in (fill_html(letter(purpose), typed), fill_text(letter(purpose), typed)):
        assert "bad.example" not in part
    assert "Hello Ada," in fill_text(letter("link"), GIVEN)


@pytest.mark.parametrize(("purpose", "detail"), [("answer", ""), ("answer", "jump"), ("spam", "")])
def test_mail_that_nobody_wrote_is_a_fault_of_ours(purpose: str, detail: str) -> None:
    with pytest.raises(ValueError, match="no service mail"):
        letter(purpose, detail)


def test_it_speaks_the_courses_language() -> None:
    assert letter("confirm", language="de-CH").subject == "Bitte bestätige: „Learning to see“"
    assert parsed(letter("confirm", language="de-CH"))["Content-Language"] == "de-CH"
    assert '<html lang="ar" dir="rtl"' in fill_html(letter("confirm", language="ar"), GIVEN)


def test_the_same_letter_is_made_once() -> None:
    assert letter("confirm") is letter("confirm")


@given(
    title=st.text(alphabet="ab{}%<>&\"'\r\n\u202e é日🎉=?_", min_size=1, max_size=80),
    name=st.text(max_size=60),
)
@settings(max_examples=60, deadline=None)
def test_any_title_and_any_name_stay_words(title: str, name: str) -> None:
    made = letter("confirm", title=title)
    values = Values(name=name, address="ada@example.org", action_url=GIVEN.action_url)
    message = parsed(made, values)
    for subtype, filled in (("plain", fill_text), ("html", fill_html)):
        body = message.get_body((subtype,))
        assert body is not None
        said = filled(made, values).replace("\r\n", "\n").replace("\r", "\n")
        assert body.get_content().replace("\r\n", "\n") == said
    plain = fill_html(letter("confirm", title="x"), Values(action_url=GIVEN.action_url))
    assert fill_html(made, values).count("<") == plain.count("<")
    assert set(message) == set(parsed(letter("confirm"), values))
    assert "\n" not in fill_subject(made, values)
