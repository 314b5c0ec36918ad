"""The findings of a check as plain data: JSON of our own, and SARIF 2.1.0 for what shows findings beside the code.

Source of the latter: OASIS SARIF 2.1.0, sections 3.13 and following.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from stagecheck import __version__
from stagecheck.spec.lint.check import Checked
from stagecheck.spec.lint.findings import RULES, Finding, Rule, Severity

SARIF_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


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
    rules = list(RULES.values())
    places = {rule.id: position for position, rule in enumerate(rules)}
    driver = {"name": "stagecheck", "version": __version__, "rules": [_rule(rule) for rule in rules]}
    results = [_result(checked.path, finding, places[finding.rule.id]) for finding in checked.findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "help": {"text": f"To mend it: {rule.mend}."},
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {"tags": list(rule.requirements)},
    }


def _result(path: Path, finding: Finding, position: int) -> dict[str, Any]:
    region = {"startLine": finding.place.line, "startColumn": finding.place.column}
    physical = {"artifactLocation": {"uri": uri(path)}, "region": region}
    # What stays the same when lines are added above: the rule and the part, and what is said of it.
    same = hashlib.sha256(f"{finding.rule.id}\n{finding.pointer}\n{finding.message}".encode()).hexdigest()[:32]
    return {
        "ruleId": finding.rule.id,
        "ruleIndex": position,
        "level": finding.severity.value,
        "message": {"text": f"{finding.message}; {finding.mend}"},
        "locations": [
            {"physicalLocation": physical, "logicalLocations": [{"fullyQualifiedName": finding.pointer or "/"}]}
        ],
        "partialFingerprints": {"stagecheck/v1": same},
    }


def uri(path: Path) -> str:
    """A file as SARIF names it: relative where it can be, so that a log of one machine fits the checkout of another."""
    whole = path.absolute()
    here = Path.cwd()
    return quote(whole.relative_to(here).as_posix()) if whole.is_relative_to(here) else whole.as_uri()
