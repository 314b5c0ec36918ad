"""A record as test cases, for formats that know of tests: one case a requirement, and what else fails a run.

How grades become outcomes: a broken MUST has failed, a broken SHOULD only when strict, what stayed open for want of an
answer or of budget is an error, what was not tried or is known is skipped. Nothing that was not seen passes. Entries of
expect.toml that have to go are one more case, which fails; a run that came to no verdict without any requirement to
blame is one more, an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stagecheck.contract import CATALOGUE
from stagecheck.outcome import Grade, Verdict
from stagecheck.report.expectations import PRUNE, complaints, prunable
from stagecheck.report.record import Record


class Outcome(StrEnum):
    """What became of a case."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `kind`: of a failure or an error, in a word. `message`: one sentence; `text`: all there is to say."""

    family: str
    name: str
    outcome: Outcome
    level: str | None = None
    grade: str | None = None
    kind: str = ""
    message: str = ""
    text: str = ""
    found: tuple[dict[str, Any], ...] = ()

    @property
    def title(self) -> str:
        """What the requirement promises, in a sentence; empty for what is no requirement."""
        known = CATALOGUE.get(self.name)
        return known.text if known else ""


def cases_of(record: Record) -> list[Case]:
    """The cases of a record, in its order. A strict run is one whose record says so."""
    strict = bool(record.get("strict"))
    cases = [_case(entry, record, strict=strict) for entry in record["requirements"]]
    return [*cases, *_expectations(record), *_no_verdict(record, cases)]


def _case(entry: dict[str, Any], record: Record, *, strict: bool) -> Case:
    identifier, grade, reason = entry["id"], Grade(entry["grade"]), entry["reason"] or ""
    known = CATALOGUE.get(identifier)
    sentence = known.text if known else identifier
    broken = grade is Grade.FAIL or (strict and grade is Grade.NON_STRICT)
    outcome, kind, message, text = Outcome.PASSED, "", "", ""
    found: list[dict[str, Any]] = []
    if broken or grade in (Grade.NON_STRICT, Grade.KNOWN):
        found = [violation for violation in record["violations"] if violation["requirement"] == identifier]
        found.sort(key=lambda violation: bool(violation.get("known")))
    if broken:
        outcome, kind, message = Outcome.FAILED, entry["level"], found[0]["message"] if found else sentence
        text = _violations_text(sentence, found)
    elif grade is Grade.NON_STRICT:
        text = f"not strictly conforming\n{_violations_text(sentence, found)}"
    elif grade is Grade.INCONCLUSIVE:
        outcome, kind, message, text = Outcome.ERROR, "inconclusive", reason or "inconclusive", reason
    elif grade in (Grade.NOT_TESTED, Grade.NOT_OFFERED, Grade.KNOWN):
        outcome, message = Outcome.SKIPPED, f"{grade.value}: {reason}" if reason else grade.value
    elif grade is Grade.OPEN:
        text = f"{sentence}\nfound: {reason or 'nothing'}"
    family = identifier.split("-")[0]
    return Case(family, identifier, outcome, entry["level"], grade.value, kind, message, text, tuple(found))


def _expectations(record: Record) -> Iterator[Case]:
    lines = [line for _, line in complaints(record)]
    if lines:
        text = "\n".join([*lines, *([PRUNE] if prunable(record) else [])])
        yield Case("expectations", "expectations", Outcome.FAILED, kind="expectations", message=lines[0], text=text)


def _no_verdict(record: Record, cases: list[Case]) -> Iterator[Case]:
    """What ended the run: it says so itself, if no requirement does."""
    if record["verdict"] == Verdict.INCONCLUSIVE and all(case.outcome is not Outcome.ERROR for case in cases):
        why = (
            record.get("cut_short") or "; ".join(record.get("notes") or []) or "too little could be seen for a verdict"
        )
        yield Case("verdict", "verdict", Outcome.ERROR, kind="inconclusive", message=why, text=why)


def _violations_text(sentence: str, found: list[dict[str, Any]]) -> str:
    parts = [sentence]
    parts += [
        f"{v['message']}{' (known)' if v.get('known') else ''}\n"
        f"  expected: {v['expected']}\n  actual:   {v['actual']}\n"
        f"  first seen at request {v['at_request']}\n{v['curl']}"
        for v in found
    ]
    return "\n\n".join(parts)
