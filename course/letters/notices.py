"""What service mail says: one piece of mail, one function, in the list ``NOTICES``.

The phrases stand in the catalogues; braces name what is put in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Say = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Notice:
    """The phrases of one piece of service mail.

    Attributes:
        title: stands over it, and is its subject where ``subject`` is empty.
        paragraphs: what it says, in a few sentences.
        reason: why its reader gets it, and what to do if it is none of theirs.
        button: the words on its button; empty without one.
        target: the slot of the address behind the button.
        by_name: whether its reader is called by name. Not where somebody else may have typed the
            name, or strangers could have us deliver a message of theirs.
        answers: whether it answers a mail (RFC 3834, 5).
    """

    title: str
    paragraphs: tuple[str, ...]
    reason: str
    subject: str = ""
    button: str = ""
    target: Literal["action_url", "page_url"] = "page_url"
    by_name: bool = True
    answers: bool = False


def confirm(_: Say) -> Notice:
    """Somebody signed this address up: was it its owner?"""
    return Notice(
        subject=_("Please confirm: “{course}”"),
        title=_("One more step, and you are in"),
        paragraphs=(
            _("Somebody, most likely you, asked us to send “{course}” to this address."),
            _(
                "Say yes here and once more on the page that opens, and the first letter comes "
                "right away. You can leave at any time."
            ),
        ),
        button=_("Yes, send me the course"),
        target="action_url",
        reason=_(
            "You get this one letter because this address was entered for “{course}”. If it was "
            "not you, ignore it: nothing more will come."
        ),
        by_name=False,
    )


def already(_: Say) -> Notice:
    """Somebody signed up an address that is in the course."""
    return Notice(
        subject=_("You are in already: “{course}”"),
        title=_("You are in already"),
        paragraphs=(
            _(
                "This address was entered for “{course}” once more. It has been in the course all "
                "along, so there is nothing to confirm and nothing has changed."
            ),
            _("Your page shows how far you are. There you can pause, go on or change the hour."),
        ),
        button=_("Open my page"),
        reason=_(
            "You get this letter because this address was entered for “{course}”. If it was not "
            "you, ignore it."
        ),
        by_name=False,
    )


def link(_: Say) -> Notice:
    """The way to a person's own words and data."""
    return Notice(
        subject=_("Your words in “{course}”"),
        title=_("Your words and your data"),
        paragraphs=(
            _(
                "Behind this link is everything you wrote in “{course}”. You can also download all "
                "we know about you there, or have it erased."
            ),
            _(
                "It opens for 15 minutes, and it is for you alone: please do not forward this "
                "letter."
            ),
        ),
        button=_("Open my words and data"),
        target="action_url",
        reason=_(
            "You get this letter because its link was asked for on your page of “{course}”. If it "
            "was not you, ignore it: the link has come to nobody but you."
        ),
    )


def stop(_: Say) -> Notice:
    """They have left, as they wished."""
    return _answer(
        _,
        title=_("You have left"),
        paragraphs=(
            _("No further letter will be sent to you. One that was on its way may still arrive."),
            _("Thank you for reading so far."),
        ),
        button="",
    )


def pause(_: Say) -> Notice:
    """Their course stands still."""
    return _answer(
        _,
        title=_("Your course is paused"),
        paragraphs=(
            _("No letter of “{course}” comes until you want the next one. Nothing gets lost."),
            _("To go on, reply to one of its letters with the word “resume”, or use your page."),
        ),
    )


def resume(_: Say) -> Notice:
    """Their course goes on."""
    return _answer(
        _,
        title=_("Your course goes on"),
        paragraphs=(_("The next letter of “{course}” comes at your usual hour."),),
    )


def next_letter(_: Say) -> Notice:
    """The next letter comes now."""
    return _answer(
        _,
        title=_("Your next letter is on its way"),
        paragraphs=(
            _("It will be with you in a few minutes. After it, “{course}” keeps your usual hour."),
        ),
    )


def nothing_to_pause(_: Say) -> Notice:
    """They asked for a pause of what stands still."""
    return _answer(
        _,
        title=_("There is nothing to pause"),
        paragraphs=(
            _("You asked us to pause “{course}”, but it is standing still already, or is over."),
        ),
    )


def nothing_to_resume(_: Say) -> Notice:
    """They asked to go on with what goes on, or is over."""
    return _answer(
        _,
        title=_("There is nothing to resume"),
        paragraphs=(_("You asked us to go on with “{course}”, but it is not paused."),),
    )


def nothing_to_send(_: Say) -> Notice:
    """They asked for the next letter, and there is none to send."""
    return _answer(
        _,
        title=_("There is no letter to send now"),
        paragraphs=(
            _(
                "You asked for the next letter of “{course}”, but one is on its way already, the "
                "course is paused, or it is over."
            ),
        ),
    )


def not_verified(_: Say) -> Notice:
    """A command that may be somebody else's."""
    return _answer(
        _,
        title=_("One more click, please"),
        paragraphs=(
            _(
                "A reply in your name asked us to change something about “{course}”. We could not "
                "make sure that you wrote it, so everything is as it was."
            ),
            _("If you did, you can do it on your page."),
        ),
    )


NOTICES: dict[str, Callable[[Say], Notice]] = {
    "confirm": confirm,
    "already": already,
    "link": link,
}

ANSWERS: dict[str, Callable[[Say], Notice]] = {
    "stop": stop,
    "pause": pause,
    "resume": resume,
    "next": next_letter,
    "nothing-to-pause": nothing_to_pause,
    "nothing-to-resume": nothing_to_resume,
    "nothing-to-send": nothing_to_send,
    "not-verified": not_verified,
}
"""What a reply that is a command is answered with."""


def _answer(_: Say, title: str, paragraphs: tuple[str, ...], button: str | None = None) -> Notice:
    return Notice(
        title=title,
        paragraphs=paragraphs,
        button=_("Open my page") if button is None else button,
        reason=_(
            "You get this letter because a reply from your address asked for it. If it was not "
            "you, reply to this letter and tell us."
        ),
        answers=True,
    )
