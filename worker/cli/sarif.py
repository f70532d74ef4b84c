"""Findings as SARIF 2.1.0, the format in which code hosts take what programs found in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from course.lint.rule import Rule
from course.lint.rules import IDS, RULES
from course.model import Finding, Level

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
ROOT = "%SRCROOT%"
"""What relative addresses belong to, by the name that code hosts know."""

_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}


def sarif_log(
    findings: Sequence[Finding], sources: Mapping[str, Sequence[str]], root: Path
) -> dict[str, object]:
    """Return a log with one run: every rule with its help, every finding with its line.

    Args:
        findings: of rules in the list.
        sources: the lines of each file, by its name in the findings.
        root: the folder that the files' addresses are relative to; of files outside, the whole
            address is written.
    """
    driver = {
        "name": "lettercourse",
        "semanticVersion": version("lettercourse"),
        "rules": [_rule(each) for each in RULES],
    }
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "originalUriBaseIds": {ROOT: {"description": {"text": "where the check was run"}}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, sources, root) for each in findings],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, object]:
    levels = [level.value for level in (rule.level, *rule.also)]
    told = f"{rule.why} What to do: {rule.remedy}."
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "help": {"text": told, "markdown": f"{rule.why}\n\n**What to do:** {rule.remedy}."},
        "defaultConfiguration": {"level": _LEVELS[rule.level]},
        "properties": {"tags": ["email", *levels]},
    }


def _result(
    finding: Finding, sources: Mapping[str, Sequence[str]], root: Path
) -> dict[str, object]:
    lines = sources.get(finding.file, ())
    line = max(1, finding.line)
    written = lines[line - 1].strip() if line <= len(lines) and finding.line else ""
    region: dict[str, object] = {"startLine": line}
    if written:
        region["snippet"] = {"text": lines[line - 1]}
    remedy = f" ({finding.remedy})" if finding.remedy else ""
    place = {"artifactLocation": _address(finding.file, root), "region": region}
    return {
        "ruleId": finding.rule,
        "ruleIndex": IDS[finding.rule],
        "level": _LEVELS[finding.level],
        "message": {"text": f"{finding.message}{remedy}"},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"findingHash/v1": _fingerprint(finding, written)},
    }


def _address(file: str, root: Path) -> dict[str, str]:
    path, root = Path(file).resolve(), root.resolve()
    if path.is_relative_to(root):
        return {"uri": quote(path.relative_to(root).as_posix()), "uriBaseId": ROOT}
    return {"uri": path.as_uri()}


def _fingerprint(finding: Finding, written: str) -> str:
    """Return what stays the same while lines above the finding come and go."""
    name = Path(finding.file).name
    told = f"{finding.rule}\n{name}\n{written}\n{finding.message}"
    return sha256(told.encode("utf-8", "replace")).hexdigest()
