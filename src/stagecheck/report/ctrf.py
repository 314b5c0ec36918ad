"""`ctrf.json`: a record in the Common Test Report Format, one test a requirement.

What JUnit calls an error, CTRF has no word for: it is `other`, with the grade as its `rawStatus`.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from stagecheck.contract import CATALOGUE
from stagecheck.report.cases import Case, Outcome, cases_of
from stagecheck.report.html.text import shown
from stagecheck.report.ladder import ladder_of, standing
from stagecheck.report.places import Promise, promises_in
from stagecheck.report.record import Record, moment_of, moment_text, version_of

SPEC_VERSION = "0.0.0"
"""The version of the format: that of the published schema, ctrf-schema-0.0.json."""
_STATUS = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.ERROR: "other",
    Outcome.SKIPPED: "skipped",
}
_STATUSES = (*_STATUS.values(), "pending")


def ctrf_of(record: Record) -> bytes:
    """The record as a CTRF document in UTF-8; times in milliseconds, 0 where the record does not say when it was."""
    promises = promises_in(record)
    tests = [_test(case, promises.get(case.name)) for case in cases_of(record)]
    counts = Counter(test["status"] for test in tests)
    begun = moment_of(record.get("started"))
    start, took = int(begun.timestamp() * 1000) if begun else 0, int(record["duration_s"] * 1000)
    document = {
        "reportFormat": "CTRF",
        "specVersion": SPEC_VERSION,
        **({"timestamp": moment_text(begun)} if begun else {}),
        "generatedBy": "stagecheck",
        "results": {
            "tool": {"name": "stagecheck", "version": shown(record["tool"]["version"], 200)},
            "summary": {
                "tests": len(tests),
                **{status: counts[status] for status in _STATUSES},
                "start": start,
                "stop": start + took,
                "duration": took,
                "extra": _extra(record),
            },
            "tests": tests,
            "environment": _environment(record),
        },
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _test(case: Case, promise: Promise | None) -> dict[str, Any]:
    name = shown(case.name) or "requirement"
    known = CATALOGUE.get(case.name)
    test: dict[str, Any] = {
        "testId": name,
        "name": f"{name}: {known.text}" if known else name,
        "status": _STATUS[case.outcome],
        "duration": 0,
        "suite": ["stagecheck", shown(case.family)],
        "rawStatus": case.grade or case.outcome.value,
        "type": "conformance",
    }
    if case.message:
        test["message"] = shown(case.message)
    if case.text:
        test["trace"] = shown(case.text, 40_000)
    if case.level:
        test["tags"] = [case.level]
    if promise is not None:
        test |= {"filePath": shown(promise.file), "line": promise.line}
    if known:
        test["extra"] = {"source": known.source}
    return test


def _extra(record: Record) -> dict[str, Any]:
    return {
        "verdict": record["verdict"],
        "requests": record["requests"],
        "seed": record["seed"],
        "fidelity": shown(standing(record.get("ladder") or ladder_of(record["requirements"]))),
        "reading": {shown(what): None if how is None else shown(str(how)) for what, how in record["reading"].items()},
    }


def _environment(record: Record) -> dict[str, Any]:
    version = version_of(record)
    return {
        "appName": shown(record["target"]["url"]),
        **({"appVersion": shown(version)} if version else {}),
        "healthy": record["verdict"] in ("conforming", "non-strict"),
    }
