from __future__ import annotations

from pathlib import Path

import pytest

from course.article.parse import parse_article
from course.article.source import read_source
from course.errors import ManifestError
from course.manifest import read_manifest
from course.model import Course, Finding, Kind, Passage, Role
from course.plan import plan
from course.splitting.split import split
from course.words import plain
from tests.course.articles import FIXTURES


def course_of(text: str, manifest: str | None = None) -> tuple[Course, tuple[Finding, ...]]:
    read = None if manifest is None else read_manifest(manifest, "course.toml")
    return split(parse_article(text.encode(), "essay.md"), read)


def fixture(name: str) -> Course:
    return plan(read_source(FIXTURES / f"{name}.md"))[0]


def titles(course: Course) -> list[str]:
    return [lesson.title for lesson in course.lessons]


def words(passages: tuple[Passage, ...]) -> list[str]:
    return [plain(passage.tokens) for passage in passages]


SPLITS = {
    "by heading": ('by = "heading"\nlevel = 3', ["A", "Deep", "B", "C", "D"]),
    "by minutes": ('by = "minutes"\nminutes = 5', ["A"]),
}


@pytest.mark.parametrize("name", SPLITS)
def test_the_author_chooses_how_to_split(name: str) -> None:
    split_table, expected = SPLITS[name]
    course, findings = course_of(THREE, f"[split]\n{split_table}\n")
    assert titles(course)[1:-1] == expected
    assert course.splitting.startswith(f"course.toml splits {name}")
    assert findings == ()


def test_by_minutes_a_letter_takes_about_as_long_as_asked_for() -> None:
    text = "\n\n".join([minutes_of_text(1)] * 30)
    course, _ = course_of(text, '[split]\nby = "minutes"\nminutes = 6\n')
    assert [len(each.passages) for each in course.lessons[1:-1]] == [6, 6, 5, 6, 6]


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ('by = "chapter"', 'course.toml:2: by cannot be "chapter"'),
        ('by = "heading"', 'by = "heading" without level (add level = 2)'),
        ("level = 2", 'level means something only with by = "heading"'),
        ('by = "heading"\nlevel = 7', "level is no whole number from 1 to 6"),
        ('by = "explicit"', "no [[lesson]] says where to split"),
        ('by = "heading"\nlevel = 1', "(level = 2 gives 4)"),
        ('by = "minutes"\nminutes = 5\n' + '[[lesson]]\nkey = "a"\nsections = "A"', "take one"),
    ],
)
def test_a_split_that_means_nothing_is_refused(table: str, fault: str) -> None:
    with pytest.raises(ManifestError) as caught:
        course_of(THREE, f"[split]\n{table}\n")
    assert fault in str(caught.value)


def lesson(key: str, *sections: str) -> str:
    named = ", ".join(f'"{section}"' for section in sections)
    return f'[[lesson]]\nkey = "{key}"\nsections = [{named}]\n'


def minutes_of_text(count: float) -> str:
    return "Some words of text. " * round(count * 55)


def test_an_article_with_six_sections_is_eight_letters() -> None:
    course = fixture("bread")
    assert titles(course) == [
        "Bake bread you are proud of",
        "Weighing Ingredients",
        "Keeping a Starter",
        "Folding the Dough",
        "Resting in the Cold",
        "Scoring and Steam",
        "When Loaves Fail",
        "Conclusion",
    ]
    assert (course.takeaways_title, course.questions_title) == (
        "Key Takeaways",
        "Frequently Asked Questions",
    )
    welcome, weighing, *_, finale = course.lessons
    assert words(welcome.passages)[1].startswith("Good bread is not hard")
    assert welcome.preheader.startswith("Six small habits")
    assert words(finale.passages)[0].startswith("You now own")
    assert weighing.heading is not None
    assert (weighing.key, weighing.subject) == ("weighing-ingredients", "Weighing Ingredients")
    assert weighing.preheader == "A cup of flour may hold 110 or 160 grams."
    assert "Weighing Ingredients" in weighing.prompt


def test_each_takeaway_and_question_finds_its_lesson() -> None:
    _, *lessons, finale = fixture("bread").lessons
    first_words = [[plain(t.tokens).split()[0] for t in lesson.takeaways] for lesson in lessons]
    assert first_words == [["Weigh"], ["A"], ["Gentle"], ["A"], ["Steam"], []]
    starts = [[q.start_line for q in lesson.questions] for lesson in lessons]
    assert starts == [[82], [86], [90], [94], [98], [102]]
    assert words(finale.questions) == ["Which music goes with it? Whatever you like."]


def test_the_heading_of_routed_entries_goes_with_the_first_of_them() -> None:
    course = fixture("bread")
    block = next(block for block in course.blocks if block.start_line == 12)
    assert (block.letter, block.role) == ("weighing-ingredients", Role.TAKEAWAY)


def test_a_reason_names_the_shared_words() -> None:
    block = next(block for block in fixture("bread").blocks if block.start_line == 14)
    assert block.reason == "shares 'weigh', 'cups', 'scale' with Weighing Ingredients"


def test_a_footnote_goes_with_the_first_letter_that_refers_to_it() -> None:
    course = fixture("bread")
    block = next(block for block in course.blocks if "footnote" in block.reason)
    assert (block.letter, block.role) == ("weighing-ingredients", Role.BODY)
    assert plain(course.footnotes["percent"].tokens).startswith("So 70 %")


def test_an_unused_footnote_is_left_out_and_reported() -> None:
    course, findings = plan(read_source(FIXTURES / "reference.md"))
    assert [(f.rule, f.line) for f in findings] == [("unreferenced-footnote", 65)]
    left_out = [block.start_line for block in course.blocks if block.role is Role.LEFT_OUT]
    assert left_out == [1, 4, 65]


def test_bold_questions_make_a_faq_and_german_is_read() -> None:
    course = fixture("garten")
    _, place, pots, water, finale = course.lessons
    assert [len(lesson.takeaways) for lesson in (place, pots, water)] == [1, 1, 1]
    assert words(water.questions)[0].startswith("Wie oft")
    assert words(pots.questions)[0].startswith("Welche Erde")
    assert words(finale.questions)[0].startswith("Darf ich")
    assert place.prompt.startswith("„Den Standort wählen“")
    assert course.language == "de"


def test_titles_without_latin_letters_get_numbered_keys() -> None:
    keys = [lesson.key for lesson in fixture("sanpo").lessons]
    assert keys == ["welcome", "lesson-1", "lesson-2", "lesson-3", "finale"]


def test_a_document_title_is_the_welcomes_heading() -> None:
    course = fixture("reference")
    assert course.lessons[0].heading is not None
    assert titles(course)[0] == course.title == "The kettle command"
    assert titles(course)[1:-1] == ["Install", "Configure", "Run", "Extend"]


def test_sections_may_start_at_any_level() -> None:
    assert titles(fixture("small-steps"))[1:-1] == [
        "Clear one drawer",
        "Name a place",
        "Leave one gap",
    ]


def test_an_article_without_headings_is_cut_between_paragraphs() -> None:
    course = fixture("morning")
    assert [len(lesson.passages) for lesson in course.lessons] == [1, 2, 2, 2, 0]
    assert titles(course)[1] == "Then, one January, the thing broke"


def test_one_paragraph_is_one_lesson() -> None:
    course, _ = course_of("---\ntitle: Short\nexcerpt: It is short.\n---\nA single paragraph.")
    assert [lesson.kind for lesson in course.lessons] == [Kind.WELCOME, Kind.LESSON, Kind.FINALE]
    assert titles(course) == ["Short", "A single paragraph", "Short"]
    assert course.lessons[0].preheader == "It is short."


def test_one_long_section_is_cut_into_its_parts() -> None:
    body = "\n\n".join(f"### Part {n}\n\n{minutes_of_text(3)}" for n in range(2))
    course, _ = course_of(f"Intro.\n\n## Only\n\n{minutes_of_text(3)}\n\n{body}\n")
    assert titles(course)[1:-1] == ["Only", "Part 0", "Part 1"]


def test_many_short_sections_are_merged() -> None:
    text = "\n\n".join(f"## Section {n}\n\n{minutes_of_text(0.5)}" for n in range(24))
    lessons = course_of(text)[0].lessons[1:-1]
    assert len(lessons) == 3
    assert lessons[0].title == "Section 0"


def test_overlong_sections_are_cut_between_paragraphs_and_numbered() -> None:
    long = "\n\n".join([minutes_of_text(2)] * 7)
    text = "\n\n".join(f"## {name}\n\n{long}" for name in ("One", "Two", "Three"))
    assert titles(course_of(text)[0])[1:-1] == [
        "One", "One (2)", "Two", "Two (2)", "Three", "Three (2)",
    ]  # fmt: skip


@pytest.mark.parametrize(("count", "minutes"), [(3, 0.02), (6, 0.02), (7, 0.3), (12, 0.3), (12, 6)])
def test_three_to_twelve_sections_that_are_alike_are_lessons(count: int, minutes: float) -> None:
    part = f"{minutes_of_text(minutes)}\n\n### Deeper\n\nText."
    text = "\n\n".join(f"## Section {n}\n\n{part}" for n in range(count))
    assert len(course_of(text)[0].lessons) == count + 2


def test_three_hundred_words_under_ten_headings_are_no_ten_letters() -> None:
    text = "\n\n".join(f"## Section {n}\n\n{minutes_of_text(0.14)}" for n in range(10))
    course, _ = course_of(text)
    assert titles(course)[1:-1] == ["Section 0", "Section 3", "Section 7"]
    assert course.reasons["section-3"] == 'sections "Section 3" to "Section 6" (4)'


def test_a_section_that_is_tiny_beside_the_others_joins_a_neighbour() -> None:
    lengths = [3, 3, 0.1, 2, 3]
    text = "\n\n".join(f"## Part {n}\n\n{minutes_of_text(m)}" for n, m in enumerate(lengths))
    course, _ = course_of(text)
    assert titles(course)[1:-1] == ["Part 0", "Part 1", "Part 2", "Part 4"]
    assert course.reasons["part-2"].endswith('section "Part 2" alone is under a minute')
    assert "1 section under a minute put with a neighbour" in course.splitting


def test_a_tiny_section_is_not_put_under_the_next_greater_heading() -> None:
    lengths = [("##", 2), ("###", 3), ("###", 0.1), ("##", 1.9), ("###", 2), ("###", 3)]
    text = "# T\n\n" + "\n\n".join(
        f"{mark} Part {n}\n\n{minutes_of_text(m)}" for n, (mark, m) in enumerate(lengths)
    )
    assert "Part 3" in titles(course_of(text)[0])


def test_nothing_is_cut_between_the_tags_of_one_element() -> None:
    part = minutes_of_text(2)
    folded = f"<details>\n<summary>More</summary>\n\n{part}\n\n{part}\n\n{part}\n\n</details>"
    course, _ = course_of(f"{part}\n\n{part}\n\n{folded}\n\n{part}\n\n{part}")
    shown = [words(each.passages) for each in course.lessons]
    assert [said.count("words") for one in shown for said in one if "More" in said] == [330]


def test_code_is_read_by_its_lines() -> None:
    code = "```\n" + "x = 1\n" * 400 + "```"
    text = "\n\n".join(f"## Part {n}\n\nSee:\n\n{code}" for n in range(3))
    course, _ = course_of(text)
    assert course.splitting.startswith("headings of level 2 give 3 sections of 10 minutes")


def test_no_cut_parts_a_list_from_the_words_that_announce_it() -> None:
    part = minutes_of_text(2) + "like these:\n\n- one\n- two"
    lessons = course_of("\n\n".join([part] * 6))[0].lessons[1:-1]
    assert len(lessons) == 3
    for lesson in lessons:
        assert lesson.passages[-1].tokens[0].type == "bullet_list_open"


def test_dividing_lines_at_the_edge_of_a_letter_are_left_out() -> None:
    course, _ = course_of("## A\n\na\n\n---\n\n## B\n\nb\n\n***\n\nc\n\n## C\n\nd\n")
    divider = [block.start_line for block in course.blocks if block.role is Role.LEFT_OUT]
    assert divider == [5]


def test_a_summary_opens_or_closes_the_article() -> None:
    sections = "\n\n".join(f"## Part {n}\n\nText." for n in range(3))
    opening, _ = course_of(f"## Summary\n\n- Part 1 is about text\n\n{sections}")
    assert opening.takeaways_title == "Summary"
    closing, _ = course_of(f"{sections}\n\n## Summary\n\nAll in all.")
    assert titles(closing)[-1] == "Summary"


def test_what_follows_the_conclusion_goes_with_it() -> None:
    sections = "\n\n".join(f"## Part {n}\n\nText." for n in range(3))
    course, _ = course_of(f"{sections}\n\n## Conclusion\n\nEnd.\n\n## Subscribe\n\nPlease.")
    assert titles(course) == ["Essay", "Part 0", "Part 1", "Part 2", "Conclusion"]
    assert words(course.lessons[-1].passages) == ["End.", "Subscribe", "Please."]


THREE = "Intro.\n\n## A\n\na\n\n### Deep\n\nd\n\n## B\n\nb\n\n## C\n\nc\n\n## D\n\nd\n"


def test_a_manifest_orders_the_lessons() -> None:
    manifest = """
        [course]
        leave_out = ["D"]
        [finale]
        sections = ["C"]
        [[lesson]]
        key = "second"
        sections = [" b "]
        [[lesson]]
        key = "deep"
        title = "Own title"
        sections = ["Deep"]
        [[lesson]]
        key = "first"
        sections = ["A"]
        renamed_from = "one"
        subject = "Hello"
        preheader = "Soon"
        prompt = "Why?"
    """
    course, findings = course_of(THREE, manifest)
    assert [lesson.key for lesson in course.lessons] == [
        "welcome", "second", "deep", "first", "finale",
    ]  # fmt: skip
    deep, first = course.lessons[2:4]
    assert (deep.title, deep.heading, words(deep.passages)) == ("Own title", None, ["Deep", "d"])
    assert words(first.passages) == ["a"]
    assert (first.subject, first.preheader, first.prompt) == ("Hello", "Soon", "Why?")
    assert first.renamed_from == ("one",)
    assert titles(course)[-1] == "C"
    left_out = [block for block in course.blocks if block.role is Role.LEFT_OUT]
    assert {block.reason for block in left_out} == {'course.toml leaves "D" out'}
    assert findings == ()


def test_a_section_that_nobody_names_goes_with_the_lesson_before_it() -> None:
    manifest = lesson("b", "B") + lesson("d", "D")
    course, findings = course_of(THREE, manifest)
    welcome, b, d, _ = course.lessons
    assert words(welcome.passages) == ["Intro.", "A", "a", "Deep", "d"]
    assert words(b.passages) == ["b", "C", "c"]
    assert words(d.passages) == ["d"]
    assert [(f.rule, f.line) for f in findings] == [
        ("unplaced-section", 3),
        ("unplaced-section", 15),
    ]


def test_a_heading_right_above_a_named_section_goes_with_it() -> None:
    manifest = lesson("x", "One") + lesson("y", "Two")
    course, findings = course_of("## One\n\na\n\n# Part\n\n## Two\n\nb\n", manifest)
    assert words(course.lessons[2].passages) == ["Two", "b"]
    assert findings == ()


def test_a_lesson_may_start_with_a_paragraph() -> None:
    manifest = lesson("x", "A") + lesson("y", "Second thing…", "Same #2")
    text = "## A\n\nfirst\n\nSecond thing here.\n\n### Same\n\ns\n\n## Same\n\nt\n"
    course, _ = course_of(text, manifest)
    assert words(course.lessons[2].passages) == ["Second thing here.", "Same", "s", "Same", "t"]
    assert course.lessons[2].title == "A (2)"


@pytest.mark.parametrize("label", ["**Key takeaways:**", "Key takeaways:", "**TAKEAWAYS**"])
def test_takeaways_may_be_announced_by_a_paragraph(label: str) -> None:
    course, _ = course_of(
        f"# Bread\n\nHello.\n\n{label}\n\n- Feed the starter daily.\n- Bake with steam.\n\n"
        "## The starter\n\nFeed it.\n\n## Steam\n\nBake hot.\n\n## Resting\n\nWait.\n"
    )
    assert [len(one.takeaways) for one in course.lessons] == [0, 1, 1, 0, 0]
    assert course.takeaways_title == label.strip("*")


def test_titles_without_latin_letters_make_courses_of_their_own() -> None:
    articles = [
        parse_article(f"# {title}\n\nText.".encode(), "article.md")
        for title in ("機械学習", "Как учиться")
    ]
    first, second = (split(article, None)[0].slug for article in articles)
    assert first != second


def test_the_key_that_an_author_chose_is_a_word_of_its_lesson() -> None:
    text = (
        "## Fail well\n\nThings break.\n\n## Walk more\n\nShoes first.\n\n## Rest\n\nSleep.\n\n"
        "## FAQ\n\n### Which setbacks come early?\n\nAll of them.\n"
    )
    keyed = lesson("setbacks", "Fail well") + lesson("walk", "Walk more") + lesson("rest", "Rest")
    course, _ = course_of(text, keyed)
    assert [bool(one.questions) for one in course.lessons] == [False, True, False, False, False]
    plain_keys = keyed.replace("setbacks", "failing")
    assert course_of(text, plain_keys)[0].lessons[-1].questions


def test_the_author_may_overrule_a_route() -> None:
    text = (FIXTURES / "bread.md").read_text()
    manifest = """
        [[lesson]]
        key = "weigh"
        sections = ["Weighing Ingredients"]
        questions = ["Which music"]
        [[lesson]]
        key = "rest"
        sections = ["Keeping a Starter", "Folding the Dough", "Resting in the Cold",
                    "Scoring and Steam", "When Loaves Fail"]
        takeaways = ["weigh the flour"]
    """
    course, findings = course_of(text, manifest)
    _, weigh, rest, _ = course.lessons
    assert [len(lesson.takeaways) for lesson in (weigh, rest)] == [0, 5]
    assert words(weigh.questions)[-1].startswith("Which music")
    assert findings == ()


@pytest.mark.parametrize(
    ("manifest", "fault"),
    [
        (lesson("a", "A") + lesson("b", "Bee"), 'course.toml:6: no section is titled "Bee"'),
        (lesson("a", "Depe"), 'the nearest title is "Deep"'),
        ('[course]\nleave_out = ["A"]\n' + lesson("a", "A"), '"A" is named twice'),
        (lesson("a", "A") + 'questions = ["Why"]', 'no question starts with "Why"'),
        ('[welcome]\nsections = ["Intro…", "A", "B", "C", "D"]', "nothing is left for a lesson"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(manifest: str, fault: str) -> None:
    with pytest.raises(ManifestError) as caught:
        course_of(THREE, manifest)
    assert fault in str(caught.value)


def test_the_course_is_named_by_manifest_front_matter_title_or_file() -> None:
    head = "---\ntitle: Front\nslug: /blog/front/\nlang: pt_BR\nsite: https://x.example\n---\n"
    course, _ = course_of(head + "# Heading\n\nText.")
    assert (course.title, course.slug, course.language, course.site) == (
        "Front", "blog-front", "pt-BR", "https://x.example",
    )  # fmt: skip
    named, _ = course_of(head + "Text.", '[course]\ntitle = "Own"\nslug = "own"\nlanguage = "de"')
    assert (named.title, named.slug, named.language) == ("Own", "own", "de")
    assert course_of("# Heading\n\nText.")[0].title == "Heading"
    assert course_of("Text.")[0].title == "Essay"


def test_lines_count_the_front_matter(tmp_path: Path) -> None:
    file = tmp_path / "essay.md"
    file.write_bytes(b"---\r\ntitle: T\r\n---\r\n\r\n## A\r\n\r\nText.\r\n")
    course, _ = plan(read_source(file))
    assert [(block.start_line, block.end_line) for block in course.blocks] == [(4, 6), (7, 7)]
    assert course.body_line == 4


def test_takeaways_inside_a_section_are_routed_also_where_the_section_is_named() -> None:
    text = (
        "## Introduction\n\nHello.\n\n### Key points\n\n- Feed the starter daily.\n"
        "- Bake with steam.\n\n## The starter\n\nFeed it.\n\n"
        "## Steam\n\nBake hot.\n\n## Resting\n\nWait.\n"
    )
    named = lesson("a", "The starter") + lesson("b", "Steam") + lesson("c", "Resting")
    chosen = f'[welcome]\nsections = ["Introduction"]\n{named}'
    for manifest in (None, named, chosen):
        course, _ = course_of(text, manifest)
        assert [len(one.takeaways) for one in course.lessons] == [0, 1, 1, 0, 0]
    kept, _ = course_of(text, f'[welcome]\nsections = ["Key points"]\n{named}')
    assert [len(one.takeaways) for one in kept.lessons] == [0] * 5
    left, _ = course_of(text, f'[course]\nleave_out = ["Introduction"]\n{named}')
    assert [len(one.takeaways) for one in left.lessons] == [0] * 5


def test_takeaways_at_the_end_of_every_section_stay_there() -> None:
    text = "\n\n".join(f"## Part {n}\n\nText.\n\n### Takeaways\n\n- One.\n- Two." for n in range(3))
    assert [len(one.takeaways) for one in course_of(text)[0].lessons] == [0] * 5


@pytest.mark.parametrize(
    "faq",
    [
        "<details>\n<summary>Which starter?</summary>\n\nA lively one.\n\n</details>\n"
        "<details>\n<summary>How much steam?</summary>\n\nA tray of it.\n\n</details>",
        "<details><summary>Which starter?</summary>A lively one.</details>\n"
        "<details><summary>How much steam?</summary>A tray of it.</details>",
        "| Question | Answer |\n|---|---|\n| Which starter? | A lively one. |\n"
        "| How much steam? | A tray of it. |",
    ],
)
def test_each_question_in_details_or_a_table_goes_to_its_lesson(faq: str) -> None:
    text = (
        f"## The starter\n\nFeed it.\n\n## Steam\n\nHot.\n\n## Rest\n\nWait.\n\n## FAQ\n\n{faq}\n"
    )
    course, _ = course_of(text)
    said = [words(one.questions) for one in course.lessons]
    assert said == [[], ["Which starter? A lively one."], ["How much steam? A tray of it."], [], []]


def test_a_table_of_contents_is_left_out_and_a_section_called_contents_is_not() -> None:
    parts = "\n\n".join(f"## Part {n}\n\nText." for n in range(3))
    jumps = "- [Part 0](#part-0)\n  - [Part 1](#part-1)"
    course, _ = course_of(f"## Contents\n\n{jumps}\n\n{parts}")
    assert titles(course)[1:-1] == ["Part 0", "Part 1", "Part 2"]
    (left,) = {block.reason for block in course.blocks if block.role is Role.LEFT_OUT}
    assert left == "a table of contents: the welcome has the course's own"
    course, _ = course_of(f"## Contents\n\nOne bottle of glue.\n\n{parts}")
    assert titles(course)[1:-1] == ["Contents", "Part 0", "Part 1", "Part 2"]


def test_many_sections_are_put_together_without_an_overlong_lesson() -> None:
    text = "\n\n".join(f"## Part {n}\n\n{minutes_of_text(3.4)}" for n in range(40))
    course, _ = course_of(text)
    assert [len(each.passages) for each in course.lessons[1:-1]] == [3] * 20
