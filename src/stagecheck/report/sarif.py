"""`report.sarif`: the violations of a record as SARIF 2.1.0, each at the line of the document that was not kept."""

from __future__ import annotations

import json
from typing import Any

from stagecheck.contract import CATALOGUE
from stagecheck.outcome import Grade, Level, Verdict
from stagecheck.report.html.text import shown
from stagecheck.report.places import Promise, promises_in
from stagecheck.report.record import Record, moment_of, moment_text, version_of
from stagecheck.sarif import SarifResult, SarifRule, Severity, log_of

_SEVERITY: dict[str, Severity] = {Level.MUST: "error", Level.SHOULD: "warning", Level.OPEN: "note"}


def sarif_of(record: Record) -> bytes:
    """The record as a SARIF log in UTF-8: a rule for each requirement, a result for each violation.

    What is known is in it as well, suppressed with the reason that expect.toml gives.
    """
    entries = {entry["id"]: entry for entry in record["requirements"]}
    promises = promises_in(record)
    rules = [_rule(identifier, entry["level"]) for identifier, entry in entries.items()]
    results = [
        _result(
            violation,
            promises[violation["requirement"]],
            _weight(entries[violation["requirement"]], strict=bool(record.get("strict"))),
            entries[violation["requirement"]]["reason"],
        )
        for violation in record["violations"]
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


def _weight(entry: dict[str, Any], *, strict: bool) -> Severity:
    """What a violation weighs: what it cost, which may be more than the level of its requirement says (ERR-3)."""
    if entry["grade"] == Grade.FAIL or (strict and entry["grade"] == Grade.NON_STRICT):
        return "error"
    return _SEVERITY[entry["level"]] if entry["grade"] == Grade.KNOWN else "warning"


def _result(violation: dict[str, Any], promise: Promise, severity: Severity, reason: str | None) -> SarifResult:
    requirement = violation["requirement"]
    message = (
        f"{shown(violation['message'])}\nexpected: {shown(violation['expected'])}\n"
        f"actual: {shown(violation['actual'])}\nto see it again:\n{shown(violation['curl'])}"
    )
    known = (shown(reason or "") or "expected by expect.toml") if violation.get("known") else None
    cause = violation.get("cause")
    return SarifResult(
        shown(requirement),
        severity,
        message,
        promise.uri,
        promise.line,
        promise.column,
        shown(promise.part),
        f"{requirement}\n{cause if isinstance(cause, str) else violation['message']}",
        known,
        properties={"at_request": violation["at_request"], "reproduced": shown(str(violation.get("reproduced")))},
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
