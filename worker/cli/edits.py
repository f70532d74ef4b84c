"""How ``publish`` tells what an edit changes, and for whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from worker.cli.output import count, instant, say, say_table
from worker.model import (
    Change,
    Cohort,
    Coming,
    EnrollmentState,
    LetterEdit,
    PublishPlan,
    SettingEdit,
)

_SIGNS = {Change.INSERTED: ("+", "green"), Change.REMOVED: ("−", "red")}


def summed_up(plan: PublishPlan, done: str) -> str:
    """Return what was done as one line, with what was edited and who goes on with it."""
    if not plan.changed:
        return "nothing changed."
    tally = Counter(change for each in plan.letters for change in each.changes)
    edits = [f"{tally[change]} {change}" for change in Change if tally[change]]
    if plan.settings:
        edits.append(count(len(plan.settings), "setting"))
    changes = f" ({', '.join(edits)})" if plan.newest else " (its first edition)"
    people = f"; {_people(plan.people)} {'goes' if plan.people == 1 else 'go'} on with it"
    return f"{done}{changes}{people if plan.people else ''}."


def show_plan(plan: PublishPlan) -> None:
    """Write a plan for a person: what is edited, what is refused, who gets what."""
    if not plan.changed:
        say(f"{plan.course}: nothing would change: this is the published edition.")
        return
    say(Text(f"{plan.course}: {summed_up(plan, 'would be published')}", "bold"))
    for each in plan.letters:
        if plan.newest and each.changes != (Change.RESHAPED,):
            say(_letter(each))
    reshaped = [each.letter for each in plan.letters if each.changes == (Change.RESHAPED,)]
    if plan.newest and reshaped:
        say(Text(f"  ~ {', '.join(reshaped)}: reshaped (number, question or design)", "dim"))
    for setting in plan.settings:
        say(_setting(setting))
    for refusal in plan.refused:
        line = Text("refused: ", "red")
        say(line.append(f"{refusal.what} ({refusal.remedy})", "default"))
    if plan.cohorts:
        say("")
        say_table(
            ("people", "they have", "next letter now", "with this edit", "besides", "finale"),
            map(_row, plan.cohorts),
        )
        say("")
    rest = [f"{number} {state}" for number, state in _over(plan) if number]
    if rest:
        say(f"Nothing changes for those whose course is over: {', '.join(rest)}.")
    if not plan.refused:
        say("Times are UTC, if nobody replies or asks for anything. Nothing was written.")


def _over(plan: PublishPlan) -> Iterator[tuple[int, str]]:
    yield plan.completed, EnrollmentState.COMPLETED.value
    yield plan.stopped, EnrollmentState.STOPPED.value


def _letter(edit: LetterEdit) -> Text:
    sign, colour = _SIGNS.get(edit.changes[0], ("~", "yellow"))
    said = [f"renamed from {edit.was}" if c is Change.RENAMED else c.value for c in edit.changes]
    return Text(f"  {sign} {edit.letter}: ", colour).append(", ".join(said), "default")


def _setting(edit: SettingEdit) -> Text:
    line = Text(f"  ~ {edit.name}: ", "yellow")
    return line.append(f"{edit.before or 'none'} → {edit.after or 'none'}", "default")


def _row(cohort: Cohort) -> tuple[str, ...]:
    return (
        str(cohort.people),
        _stand(cohort),
        _next(cohort.before),
        _unless_same(_next(cohort.before), _next(cohort.after)),
        _besides(cohort),
        _unless_same(_span(cohort.before[-1:]), _span(cohort.after[-1:]), arrow=True),
    )


def _stand(cohort: Cohort) -> str:
    said = [cohort.had[-1] if cohort.had else "nothing yet"]
    if len(cohort.had) > 1:
        said[0] += f" ({len(cohort.had)} letters)"
    if cohort.state is not EnrollmentState.ACTIVE:
        said.append(cohort.state.value)
    if cohort.under_way:
        said.append(f"{cohort.under_way} under way")
    if cohort.waits_on:
        said.append("waits for a reflection")
    return ", ".join(said)


def _next(coming: tuple[Coming, ...]) -> str:
    if not coming:
        return "none"
    when = _span(coming[:1])
    return f"{coming[0].letter}, {when}" if when else coming[0].letter


def _span(coming: tuple[Coming, ...]) -> str:
    """Return when the first and the last get a letter; empty where nobody can know."""
    for each in coming:
        if each.earliest and each.latest:
            return _from_to(each.earliest, each.latest)
    return ""


def _from_to(earliest: datetime, latest: datetime) -> str:
    first, last = instant(earliest), instant(latest)
    if first == last:
        return first
    return f"{first} – {last[11:] if last[:10] == first[:10] else last}"


def _besides(cohort: Cohort) -> str:
    changes = [f"+ {key}" for key in cohort.gained] + [f"− {key}" for key in cohort.lost]
    changes += [f"not {each.letter}: too late" for each in cohort.passed]
    return ", ".join(changes) or "–"


def _unless_same(before: str, after: str, *, arrow: bool = False) -> str:
    if not (before or after):
        return "–"
    if before == after:
        return "the same"
    return f"{before} → {after}" if arrow else after


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"
