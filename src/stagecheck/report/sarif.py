"""`report.sarif`: the violations of a record as SARIF 2.1.0, each at the line of the document that was not kept."""

from __future__ import annotations

import json
from typing import Any

from stagecheck.contract import CATALOGUE
from stagecheck.outcome import Level, Verdict
from stagecheck.report.html.text import shown
from stagecheck.report.places import Promise, promises_in
from stagecheck.report.record import Record, moment_of, moment_text, version_of
from stagecheck.sarif import SarifResult, SarifRule, Severity, log_of

_SEVERITY: dict[str, Severity] = {Level.MUST: "error", Level.SHOULD: "warning", Level.OPEN: "note"}


def sarif_of(record: Record) -> bytes:
    """The record as a SARIF log in UTF-8: a rule for each requirement, a result for each violation.

    What is known is in it as well, suppressed with the reason that expect.toml gives.
    """
    levels = {entry["id"]: entry["level"] for entry in record["requirements"]}
    reasons = {entry["id"]: entry["reason"] for entry in record["requirements"]}
    promises = promises_in(record)
    rules = [_rule(identifier, level) for identifier, level in levels.items()]
    results = [
        _result(violation, levels, promises[violation["requirement"]], reasons) for violation in record["violations"]
    ]
    log = log_of(rules, results, {"invocations": [_invocation(record)], "properties": _properties(record)})
    return (json.dumps(log, indent=2, ensure_ascii=False) + "\n").encode()


def _rule(identifier: str, level: str) -> SarifRule:
    known = CATALOGUE.get(identifier)
    name = shown(identifier)
    if known is None:
        return SarifRule(name, name, "This version of stagecheck does not know it.", _SEVERITY[level], (level,))
    said = f"{known.text} ({known.level.value}; source: {known.source})"
    return SarifRule(name, known.text, said, _SEVERITY[level], (level, known.family), said)


def _result(
    violation: dict[str, Any], levels: dict[str, str], promise: Promise, reasons: dict[str, str | None]
) -> SarifResult:
    requirement = violation["requirement"]
    message = (
        f"{shown(violation['message'])}\nexpected: {shown(violation['expected'])}\n"
        f"actual: {shown(violation['actual'])}\nto see it again:\n{shown(violation['curl'])}"
    )
    known = (shown(reasons[requirement] or "") or "expected by expect.toml") if violation.get("known") else None
    cause = violation.get("cause")
    return SarifResult(
        shown(requirement),
        _SEVERITY[levels[requirement]],
        message,
        promise.uri,
        promise.line,
        promise.column,
        shown(promise.part),
        f"{requirement}\n{cause if isinstance(cause, str) else violation['message']}",
        known,
        {"at_request": violation["at_request"], "reproduced": shown(str(violation.get("reproduced")))},
    )


def _invocation(record: Record) -> dict[str, Any]:
    """How the run went; it succeeded as a run whatever it found, unless it came to no verdict."""
    started = moment_text(moment_of(record.get("started")))
    begun = {"startTimeUtc": started} if started else {}
    return {"executionSuccessful": record["verdict"] != Verdict.INCONCLUSIVE, **begun}


def _properties(record: Record) -> dict[str, Any]:
    version = version_of(record)
    return {
        "target": shown(record["target"]["url"]),
        "version": None if version is None else shown(version),
        "verdict": record["verdict"],
        "grades": {shown(entry["id"]): entry["grade"] for entry in record["requirements"]},
    }
