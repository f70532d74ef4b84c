"""What becomes of editions: kept, followed, and never confused with one another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from course.model import Asset, Sender
from course.segments import Encoding, Slot
from tests.worker.ledger import KEYS, MONDAY, SENDER, edition, letter
from worker.errors import Refused, UnknownCourse
from worker.store import Store


def test_the_newest_edition_is_the_one_that_counts(store: Store) -> None:
    assert store.publish(edition(), MONDAY)
    first = store.course("motivation")
    assert store.publish(edition(("welcome", "goals", "time", "finale")), MONDAY)
    newest = store.course("motivation")
    assert first.keys == KEYS
    assert newest.keys == ("welcome", "goals", "time", "finale")
    assert store.courses() == (newest,)
    assert store.letter(first.letter_ids[2]).letter == letter("support", 2, 3)


def test_the_same_edition_again_changes_nothing(store: Store) -> None:
    assert store.publish(edition(), MONDAY)
    before = store.course("motivation")
    assert not store.publish(edition(), MONDAY)
    assert store.course("motivation") == before


def test_an_earlier_edition_may_come_back(store: Store) -> None:
    store.publish(edition(), MONDAY)
    store.publish(edition(words={"goals": "Reworded."}), MONDAY)
    assert store.publish(edition(), MONDAY)
    course = store.course("motivation")
    assert store.letter(course.letter_ids[1]).letter == letter("goals", 1, 3)


def test_a_published_letter_is_read_back_as_it_was_made(store: Store) -> None:
    published = edition()
    store.publish(published, MONDAY)
    course = store.course("motivation")
    read = [store.letter(letter_id) for letter_id in course.letter_ids]
    assert tuple(each.letter for each in read) == published.letters
    assert {each.sender for each in read} == {SENDER}
    assert course.schedule == published.schedule


def test_a_stored_letter_knows_where_the_letters_are_that_it_links_to(store: Store) -> None:
    published = edition()
    linking = replace(published.letters[2], html=(Slot("letter:goals", Encoding.HTML),))
    letters = (*published.letters[:2], linking, *published.letters[3:])
    store.publish(replace(published, letters=letters), MONDAY)
    course = store.course("motivation")
    read = [store.letter(letter_id).linked for letter_id in course.letter_ids]
    assert read[2] == {"goals": course.letter_ids[1]}
    assert not any([*read[:2], *read[3:]])


def test_an_unknown_course_names_those_there_are(store: Store) -> None:
    with pytest.raises(UnknownCourse, match="publish"):
        store.course("patience")
    store.publish(edition(), MONDAY)
    with pytest.raises(UnknownCourse, match="motivation"):
        store.course("patience")


def test_an_unknown_letter_is_refused(store: Store) -> None:
    with pytest.raises(Refused):
        store.letter(4711)


@pytest.mark.parametrize("sender", [None, Sender("Ada", "ada@example.org", " ")])
def test_nothing_is_published_without_a_complete_sender(
    store: Store, sender: Sender | None
) -> None:
    with pytest.raises(Refused, match="postal_address"):
        store.publish(edition(sender=sender), MONDAY)
    assert store.courses() == ()


def test_the_same_content_under_a_new_key_is_refused(store: Store) -> None:
    store.publish(edition(words={"support": "Ask for help."}), MONDAY)
    renamed = ("welcome", "goals", "people", "finale")
    words = {"people": "Ask for help."}
    with pytest.raises(Refused, match=r'"people" was published before as "support".*renamed_from'):
        store.publish(edition(renamed, words=words), MONDAY)
    assert store.course("motivation").keys == KEYS
    assert store.publish(edition(renamed, words=words, renames=[("support", "people")]), MONDAY)
    assert store.course("motivation").renames == (("support", "people"),)


def test_content_that_was_away_for_an_edition_is_still_known(store: Store) -> None:
    store.publish(edition(words={"support": "Ask for help."}), MONDAY)
    store.publish(edition(("welcome", "goals", "finale")), MONDAY)
    back = edition(("welcome", "goals", "people", "finale"), words={"people": "Ask for help."})
    with pytest.raises(Refused, match="support"):
        store.publish(back, MONDAY)


def test_renames_add_up_over_editions(store: Store) -> None:
    words = {"a": "One.", "b": "One.", "c": "One."}
    for key, renames in (("a", ()), ("b", [("a", "b")]), ("c", [("b", "c")])):
        keys = ("welcome", key, "finale")
        store.publish(edition(keys, words=words, renames=renames), MONDAY)
    assert dict(store.course("motivation").renames) == {"a": "c", "b": "c"}


def test_a_rename_may_be_taken_back(store: Store) -> None:
    words = {"a": "One.", "b": "One."}
    for key, renames in (("a", ()), ("b", [("a", "b")]), ("a", [("b", "a")])):
        keys = ("welcome", key, "finale")
        store.publish(edition(keys, words=words, renames=renames), MONDAY)
    assert dict(store.course("motivation").renames) == {"b": "a"}


def test_a_key_never_names_another_lesson(store: Store) -> None:
    store.publish(edition(("welcome", "a", "finale")), MONDAY)
    store.publish(edition(("welcome", "b", "finale"), renames=[("a", "b")]), MONDAY)
    other = edition(("welcome", "a", "b", "finale"), words={"a": "Something new."})
    with pytest.raises(Refused, match="never used"):
        store.publish(other, MONDAY)


def test_two_lessons_cannot_both_be_the_former_one(store: Store) -> None:
    store.publish(edition(("welcome", "a", "finale")), MONDAY)
    torn = edition(("welcome", "b", "c", "finale"), renames=[("a", "b"), ("a", "c")])
    with pytest.raises(Refused, match="two lessons"):
        store.publish(torn, MONDAY)


def test_pictures_are_kept_once(store: Store) -> None:
    picture = Asset("ab" * 32, "ab" * 32 + ".png", "image/png", b"\x89PNG")
    store.publish(replace(edition(), assets=(picture,)), MONDAY)
    store.publish(replace(edition(), assets=(picture,), digest="other"), MONDAY)
    assert store.asset(picture.name) == picture
    assert store.asset("nothing.png") is None
