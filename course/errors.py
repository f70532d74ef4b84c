"""Faults that a person can mend, each as one line: where, what, and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course.model import Finding


class LettercourseError(Exception):
    """A fault in what somebody gave us, never in our own code.

    Args:
        what: what is wrong, in one clause.
        where: the file, line, row or setting at fault, as the person knows it.
        remedy: what to do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = one_line(what)
        self.where = one_line(where)
        self.remedy = one_line(remedy)
        super().__init__(self.what)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.remedy})" if self.remedy else ""
        return f"{place}{self.what}{advice}"


class SourceError(LettercourseError):
    """The article, its folder or its front matter cannot be read as a course."""


class ManifestError(LettercourseError):
    """``course.toml`` says something that cannot be done; ``str()`` is one line a fault.

    Attributes:
        findings: every fault that was found, with its line.
    """

    def __init__(
        self, what: str, *, where: str = "", remedy: str = "", findings: tuple[Finding, ...] = ()
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.findings = findings

    @classmethod
    def of(cls, findings: tuple[Finding, ...]) -> ManifestError:
        """Return one error that carries all of ``findings``, of which there is at least one."""
        first = findings[0]
        where = f"{first.file}:{first.line}"
        return cls(first.message, where=where, remedy=first.remedy, findings=findings)

    def __str__(self) -> str:
        if not self.findings:
            return super().__str__()
        return "\n".join(
            str(LettercourseError(f.message, where=f"{f.file}:{f.line}", remedy=f.remedy))
            for f in self.findings
        )


def one_line(text: str) -> str:
    """Return ``text`` with every run of white space and control characters as one space."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())
