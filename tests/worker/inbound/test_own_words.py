"""Own words: everything a person wrote is kept, and nothing of what they quote."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.inbound.mails import documents, mail, parsed
from worker.inbound import REPLY_MARKER, MailKind, parse_mail

PLAIN = list(documents("plain.txt"))
HTML = list(documents("html.txt"))
TYPE_HTML = "Content-Type: text/html; charset=utf-8"


@pytest.mark.parametrize(("body", "own"), [each[1:] for each in PLAIN], ids=[d[0] for d in PLAIN])
def test_the_own_words_of_a_text_are_told_from_what_it_quotes(body: str, own: str) -> None:
    found = parsed(body)
    assert found.own_words == own
    assert found.kind is MailKind.PERSON
    assert not found.in_full


@pytest.mark.parametrize(("body", "own"), [each[1:] for each in HTML], ids=[d[0] for d in HTML])
def test_the_own_words_of_markup_are_told_from_what_it_quotes(body: str, own: str) -> None:
    found = parsed(body, TYPE_HTML)
    assert found.own_words == own
    assert not found.in_full


@pytest.mark.parametrize(("body", "own"), [each[1:] for each in PLAIN], ids=[d[0] for d in PLAIN])
def test_line_ends_make_no_difference(body: str, own: str) -> None:
    assert parsed(body.replace("\n", "\r\n")).own_words == own


QUOTED = "What did you do today?\n\nJust reply.\n- one\n- two\n"
MARKED = "".join(f"> {line}".rstrip() + "\n" for line in QUOTED.splitlines())
BLOCK = "From: C <c@example.net>\nSent: 3 March 2025 08:00\nTo: Ada\nSubject: Day 1\n\n"
SHAPES = {
    "gmail": "\n\nOn Mon, Mar 3, 2025 at 8:00 AM C <c@example.net> wrote:\n\n" + MARKED,
    "wrapped": "\n\nOn Mon, Mar 3, 2025 at 8:00 AM C\n<c@example.net> wrote:\n\n" + MARKED,
    "german": "\n\nAm 03.03.25 um 08:00 schrieb C:\n" + MARKED,
    "french": "\n\nLe 3 mars 2025 à 08:00, C <c@example.net> a écrit :\n\n" + MARKED,
    "unmarked": "\n\nOn 3/3/25, 8:00 AM, C <c@example.net> wrote:\n\n" + QUOTED,
    "outlook": "\n\n" + BLOCK + QUOTED,
    "ruled": "\n\n" + "_" * 32 + "\n" + BLOCK + QUOTED,
    "original": "\n\n-----Original Message-----\n" + BLOCK + QUOTED,
    "marker": f"\n\n{REPLY_MARKER} Above this line {REPLY_MARKER}\n\n" + QUOTED,
    "only marks": "\n\n" + MARKED,
    "none": "\n",
}

WORD = st.text("abcdefghijklmnopqrstuvwxyzäéßжあ中", min_size=1, max_size=9)
ODD = st.sampled_from(
    [
        "- a bullet", "* another", "1. first", "Thanks,", "Best regards,", "On Monday I wrote it.",
        "On Sunday, early:", "___", "____________", "---", "=====", "Dear diary,", "P.S. more",
        "I wrote: yes", "From: me", "To: you", "a@example.org wrote that", "http://example.org/?a",
        "Sent to my sister", "(sic)", "3 > 2", "100%", "“quoted” words", "Date: today", "...", "?!",
        "original message of mine", "Get off the phone", "am 3. März", "Le soir je marche.",
    ]
)  # fmt: skip
LINE = st.one_of(st.lists(WORD, min_size=1, max_size=12).map(" ".join), ODD, st.just(""))
OWN = (
    st.lists(LINE, min_size=1, max_size=12)
    .map(lambda lines: "\n".join(lines).strip())
    .filter(lambda text: any(each.isalnum() for each in text))
    .filter(lambda text: not text.endswith(("---", "___", "===")))  # the quotation's own rule
)


@given(own=OWN, shape=st.sampled_from(sorted(SHAPES)))
@settings(max_examples=200, deadline=None)
def test_any_words_above_any_quotation_come_back_exactly(own: str, shape: str) -> None:
    assert parsed(own + SHAPES[shape]).own_words == own


@given(above=OWN, below=OWN)
@settings(max_examples=100, deadline=None)
def test_words_above_and_below_marked_lines_come_back_in_order(above: str, below: str) -> None:
    body = f"{above}{SHAPES['gmail']}\n{below}\n"
    assert parsed(body).own_words == f"{above}\n\n{below}"


@given(answers=st.lists(OWN, min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_answers_between_quoted_lines_are_all_kept(answers: list[str]) -> None:
    body = "".join(f"> Question {n}?\n\n{each}\n\n" for n, each in enumerate(answers))
    assert parsed(body + "> The end.\n").own_words == "\n\n".join(answers)


@given(own=OWN)
@settings(max_examples=100, deadline=None)
def test_a_mail_without_a_quotation_is_own_words_from_end_to_end(own: str) -> None:
    found = parsed(own)
    assert found.own_words == own == found.text
    assert not found.in_full


@given(own=OWN)
@settings(max_examples=50, deadline=None)
def test_flowed_paragraphs_come_back_whole(own: str) -> None:
    words = [line.replace(" ", " \n").split("\n") for line in own.split("\n")]
    flowed = "\n".join(" " + word for line in words for word in line)  # stuffed (RFC 3676, 4.4)
    found = parsed(flowed + SHAPES["gmail"], "Content-Type: text/plain; format=flowed")
    assert found.own_words.split() == own.split()


def test_where_nothing_remains_the_full_text_is_kept() -> None:
    only = "> What did you do?\n> I swam inside your quotation.\n"
    found = parsed(only)
    assert found.own_words == found.text == only.strip()
    assert found.in_full


def test_an_emoji_alone_is_an_answer() -> None:
    assert parsed("👍" + SHAPES["gmail"]).own_words == "👍"


def test_an_empty_answer_is_shown_in_full() -> None:
    found = parsed(SHAPES["gmail"].lstrip())
    assert found.in_full
    assert "Just reply." in found.own_words


def test_markup_says_where_the_quotation_is_if_the_text_does_not() -> None:
    body = (
        "--b\nContent-Type: text/plain\n\nQapla'!\n\nDaHjaj C jatlhpu'\n\nWhat did you do?\n"
        "--b\nContent-Type: text/html\n\n<p>Qapla'!</p><div class=\"gmail_quote\">DaHjaj C jatlhpu'"
        "<blockquote>What did you do?</blockquote></div>\n--b--\n"
    )
    found = parsed(body, "Content-Type: multipart/alternative; boundary=b")
    assert found.own_words == "Qapla'!"
    assert "What did you do?" in found.text


def test_a_flowed_quotation_and_a_stuffed_line() -> None:
    body = "I did \nit.\n >From here\n-- \nAda\n>> Did \n>> you?\n> Yes.\n"
    found = parse_mail(mail(body, "Content-Type: text/plain; format=flowed"))
    assert found.text == "I did it.\n>From here\n-- \nAda\n>> Did you?\n> Yes."
    assert found.own_words == "I did it.\n>From here"
