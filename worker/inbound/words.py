"""The words that act when a mail holds nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping

from worker.model import Command

WORDS: Mapping[str, Mapping[Command, tuple[str, ...]]] = {
    "en": {
        Command.STOP: ("stop", "unsubscribe"),
        Command.PAUSE: ("pause",),
        Command.RESUME: ("resume", "continue"),
        Command.NEXT: ("next",),
    },
    "de": {
        Command.STOP: ("stopp", "abmelden", "abbestellen"),
        Command.PAUSE: ("pause", "pausieren"),
        Command.RESUME: ("weiter", "fortsetzen"),
        Command.NEXT: ("nächste", "nächster", "naechste", "naechster"),
    },
    "ar": {
        Command.STOP: ("إلغاء الاشتراك", "توقف"),
        Command.PAUSE: ("إيقاف مؤقت",),
        Command.RESUME: ("استئناف", "متابعة"),
        Command.NEXT: ("التالي", "التالية"),
    },
    "ja": {
        Command.STOP: ("配信停止", "停止"),
        Command.PAUSE: ("一時停止", "休止"),
        Command.RESUME: ("再開",),
        Command.NEXT: ("次", "次へ"),
    },
}
"""By language; every language's words count in every course."""

_COMMANDS = {
    word: command
    for language in WORDS.values()
    for command, words in language.items()
    for word in words
}
_LONGEST = 64
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")


def command_in(own_words: str, subject: str) -> Command | None:
    """Return what a mail asks for; ``None`` for anything but one such word and nothing else.

    Case and whatever is no letter around the word do not matter. A subject counts only where the
    mail is otherwise empty, and only for leaving: mail programs write "unsubscribe" there.
    """
    if own_words.strip():
        return _command(own_words)
    return Command.STOP if _command(subject) is Command.STOP else None


def _command(text: str) -> Command | None:
    word = text.strip()
    if len(word) > _LONGEST:
        return None
    return _COMMANDS.get(_AROUND.sub("", word).casefold())
