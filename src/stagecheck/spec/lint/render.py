"""The findings of a check as plain data: JSON of our own, and SARIF 2.1.0 for what shows findings beside the code."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from stagecheck.sarif import SarifResult, SarifRule, log_of
from stagecheck.spec.lint.check import Checked
from stagecheck.spec.lint.findings import RULES, Finding, Severity


def as_json(checked: Checked) -> dict[str, Any]:
    """The result of `spec check --json`; keys are only ever added."""
    return {
        "document": str(checked.path),
        "openapi": checked.version,
        "operations": {key.value: pointer for key, pointer in checked.operations.items()},
        "other_operations": checked.others,
        "counts": {severity.value: checked.count(severity) for severity in Severity},
        "findings": [_finding(checked.path, finding) for finding in checked.findings],
    }


def _finding(path: Path, finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.rule.id,
        "level": finding.severity.value,
        "message": finding.message,
        "pointer": finding.pointer,
        "file": str(path),
        "line": finding.place.line,
        "column": finding.place.column,
        "mend": finding.mend,
        "requirements": list(finding.rule.requirements),
    }


def as_sarif(checked: Checked) -> dict[str, Any]:
    """The result as a SARIF log of one run; every rule is in it, found or not."""
    rules = [
        SarifRule(rule.id, rule.title, f"To mend it: {rule.mend}.", rule.severity.value, rule.requirements)
        for rule in RULES.values()
    ]
    return log_of(rules, [_result(checked.path, finding) for finding in checked.findings])


def _result(path: Path, finding: Finding) -> SarifResult:
    return SarifResult(
        finding.rule.id,
        finding.severity.value,
        f"{finding.message}; {finding.mend}",
        uri(path),
        finding.place.line,
        finding.place.column,
        finding.pointer,
        # What stays the same when lines are added above: the rule and the part, and what is said of it.
        f"{finding.rule.id}\n{finding.pointer}\n{finding.message}",
    )


def uri(path: Path) -> str:
    """A file as SARIF names it: relative where it can be, so that a log of one machine fits the checkout of another."""
    whole = path.absolute()
    here = Path.cwd()
    return quote(whole.relative_to(here).as_posix()) if whole.is_relative_to(here) else whole.as_uri()
