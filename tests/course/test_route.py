from __future__ import annotations

from course.article.parse import parse_article
from course.splitting.entries import Entry, questions
from course.splitting.route import Theme, route, stems

THEMES = [
    Theme("Finding mentors", "Where to look", "Ask people whose work you admire."),
    Theme("Planning time", "A weekly plan", "Put an hour into the calendar and keep the hour."),
    Theme("Small wins", "Keep a list", "Write down what you admire in your own week."),
]


def question(asked: str, answer: str = "") -> Entry:
    return Entry(asked, answer, ())


def indexes(*entries: Entry) -> list[int | None]:
    return [found.index for found in route(entries, THEMES)]


def test_shared_words_decide_whatever_their_endings() -> None:
    assert indexes(
        question("How do I find a mentor?", "By asking."),
        question("When shall I plan?", "In the calendar."),
        question("Winning feels good"),
    ) == [0, 1, 2]


def test_a_tie_and_a_misfit_go_nowhere() -> None:
    assert indexes(question("admire"), question("Is there cake?", "Yes, on Fridays.")) == [None] * 2
    assert [found.reason for found in route([question("admire")], THEMES)] == [
        'it fits "Finding mentors" and "Small wins" alike'
    ]


def test_one_word_in_passing_is_no_reason_for_a_question() -> None:
    assert indexes(question("Whose cat?", "Mine.")) == [None]


def test_without_rare_words_nothing_is_routed() -> None:
    assert route([question("time")], [THEMES[1]])[0].index is None
    assert route([], THEMES) == []


def test_stems_join_forms_and_pair_unspaced_characters() -> None:
    assert stems("celebrating").keys() == stems("celebrates").keys()
    assert stems("communities").keys() == stems("community").keys()
    assert set(stems("散歩道")) == {"散歩", "歩道"}
    assert stems("How do I?") == {}


def asked(text: str) -> list[str]:
    article = parse_article(text.encode(), "a.md")
    found = questions(article.runs, article.body_line)
    return [entry.question for entry in found.entries] if found else []


def test_questions_are_headings_bold_labelled_or_listed() -> None:
    assert asked("# FAQ\n\n## One?\n\na\n\n### More\n\n## Two?\n\nb\n") == ["One?", "Two?"]
    assert asked("# FAQ\n\n## Money\n\n### One?\n\na\n\n## Time\n\n### Two?\n\nb\n") == [
        "One?",
        "Two?",
    ]
    assert asked("# FAQ\n\n**One**\n\na\n\n**Two?** b\n\n**Not** one\n") == ["One", "Two?"]
    assert asked("# FAQ\n\nQ: One\n\nA: a\n\nQ: Two\n\nA: b\n") == ["Q: One", "Q: Two"]
    assert asked("# FAQ\n\n- **One?** a\n- **Two?** b\n") == ["One?", "Two?"]
    assert asked("# FAQ\n\nNobody asked.\n") == []
