from __future__ import annotations

import re
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from course.batch import Shared, share
from course.fill import fill_html, fill_text
from course.model import Kind, Letter
from course.segments import Encoding, Literal, Section, Segment, Slot, Values

_NAMES = ("name", "view_url", "unsubscribe_url", "test")
_WORDS = st.text(st.sampled_from("aé<&\"' -lcn01\n%{}[]"), max_size=6)


def _segments(encoding: Encoding) -> st.SearchStrategy[list[Segment]]:
    leaf = st.one_of(
        st.builds(lambda text: Literal(text.encode()), _WORDS),
        st.builds(Slot, st.sampled_from(_NAMES), st.just(encoding), _WORDS),
    )
    branch = st.recursive(
        leaf,
        lambda inner: st.builds(
            lambda name, present, parts: Section(name, present, tuple(parts)),
            st.sampled_from(_NAMES),
            st.booleans(),
            st.lists(inner, max_size=3),
        ),
        max_leaves=8,
    )
    return st.lists(branch, max_size=6)


def letter(html: list[Segment], text: list[Segment]) -> Letter:
    return Letter(
        "goals", Kind.LESSON, 1, "Goals", "Goals", 1, "digest", (), tuple(html), tuple(text), ()
    )


LETTERS = st.builds(letter, _segments(Encoding.HTML), _segments(Encoding.PLAIN))
PEOPLE = st.lists(st.builds(Values, **dict.fromkeys(_NAMES, _WORDS)), min_size=1, max_size=4)


def substituted(part: str, tags: dict[str, str]) -> str:
    """Replace each tag once, as a service does that looks at nothing twice."""
    any_tag = re.compile("|".join(map(re.escape, tags)) or "(?!)")
    return any_tag.sub(lambda tag: tags[tag[0]], part)


@given(LETTERS, PEOPLE)
@settings(max_examples=200, deadline=None)
def test_everybody_reads_what_they_would_have_read_alone(
    written: Letter, people: list[Values]
) -> None:
    shared = share(written, people)
    for values, tags in zip(people, shared.substitutions, strict=True):
        assert substituted(shared.html, tags) == fill_html(written, values)
        assert substituted(shared.text, tags) == fill_text(written, values)


@given(LETTERS, PEOPLE, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_in_which_tags_are_replaced_does_not_matter(
    written: Letter, people: list[Values], order: Random
) -> None:
    shared = share(written, people)
    for values, tags in zip(people, shared.substitutions, strict=True):
        html = shared.html
        for tag in order.sample(sorted(tags), len(tags)):
            html = html.replace(tag, tags[tag])
        assert html == fill_html(written, values)


def named(*names: str) -> Shared:
    hello: list[Segment] = [Literal(b"Dear "), Slot("name", Encoding.HTML, "friend"), Literal(b".")]
    return share(letter(hello, []), [Values(name=name) for name in names])


def test_what_is_the_same_for_all_needs_no_tag() -> None:
    assert named("Ada", "Ada") == Shared("Dear Ada.", "", ({}, {}))


def test_a_name_cannot_be_a_tag_or_markup() -> None:
    (tag,) = named("Ada", "Ben").substitutions[0]
    shared = named(tag, "<b>")
    assert [*shared.substitutions[0].values()] == [tag]
    assert tag not in shared.substitutions[0]
    assert [*shared.substitutions[1].values()] == ["&lt;b&gt;"]


def test_a_section_that_all_have_is_not_sent_once_for_each() -> None:
    inside = (Literal(b"x" * 1000), Slot("name", Encoding.PLAIN))
    everybody = letter([], [Section("name", present=True, segments=inside)])
    shared = share(everybody, [Values(name="Ada"), Values(name="Ben")])
    assert [[*each.values()] for each in shared.substitutions] == [["Ada"], ["Ben"]]
    some = share(everybody, [Values(name="Ada"), Values()])
    assert [[*each.values()] for each in some.substitutions] == [["x" * 1000 + "Ada"], [""]]


def test_the_same_words_have_one_tag_wherever_they_stand() -> None:
    html, text = Slot("name", Encoding.HTML), Slot("name", Encoding.PLAIN)
    twice = letter([html, html], [text])
    shared = share(twice, [Values(name="Ada"), Values(name="Ben")])
    assert [len(each) for each in shared.substitutions] == [1, 1]
