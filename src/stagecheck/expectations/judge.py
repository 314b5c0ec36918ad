"""What is expected, held against what was found: which violations are known, and which entries have to go. Pure.

An entry covers one cause of one requirement, so a known violation never hides another one. That an entry is dead is
said only where the run would have shown its violation; where it might not have, nothing is said but why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date

from stagecheck.expectations.entries import Entry, Expectations
from stagecheck.outcome import Grade, Reckoning, Remark, RequirementResult, RunResult, Verdict, Violation
from stagecheck.suite.grading import grade_of, verdict_of
from stagecheck.suite.plan import ProfileName


def storable(text: str) -> str:
    """The text as TOML can hold it: what no UTF-8 has (half of a surrogate pair) is written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode()


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides by one file, on one day. `redact`: what the record does to a cause before anybody can copy it."""

    expectations: Expectations
    today: date
    redact: Callable[[str], str] = str

    def knows(self, requirement: str, cause: str) -> bool:
        """Whether that violation is known today."""
        return self._covering(requirement, cause) is not None

    def judged(self, result: RunResult) -> RunResult:
        """The result with its known violations marked and not failing anything, and with the reckoning of the file."""
        violations = tuple(
            replace(violation, known=self.knows(violation.breach.requirement, violation.breach.cause))
            for violation in result.violations
        )
        requirements = tuple(self._graded(entry, violations) for entry in result.requirements)
        verdict = verdict_of(requirements, broken_off=result.broken_off)
        settled = replace(result, violations=violations, requirements=requirements, verdict=verdict)
        return replace(settled, expectations=self._reckoning(settled))

    # ------------------------------------------------------------------ violations

    def _key(self, requirement: str, cause: str) -> tuple[str, str]:
        return requirement, storable(self.redact(cause))

    def _expired(self, entry: Entry) -> bool:
        return entry.expires < self.today

    def _covering(self, requirement: str, cause: str) -> Entry | None:
        key = self._key(requirement, cause)
        found = (entry for entry in self.expectations.entries if entry.key == key and not self._expired(entry))
        return next(found, None)

    def _graded(self, entry: RequirementResult, violations: Iterable[Violation]) -> RequirementResult:
        """The grade by what is new alone; known where nothing is."""
        mine = [violation for violation in violations if violation.breach.requirement == entry.id]
        new = [violation for violation in mine if not violation.known]
        if len(new) == len(mine):
            return entry
        if not new:
            return replace(entry, grade=Grade.KNOWN, reason=self._reason(mine))
        grade, doubt = grade_of(new)
        return replace(entry, grade=grade, reason=doubt)

    def _reason(self, known: Iterable[Violation]) -> str:
        entries = (self._covering(violation.breach.requirement, violation.breach.cause) for violation in known)
        said = [f"{entry.reason} ({entry.owner}, until {entry.expires})" for entry in entries if entry is not None]
        return "; ".join(dict.fromkeys(said))

    # ------------------------------------------------------------------ entries

    def _reckoning(self, result: RunResult) -> Reckoning:
        seen = {self._key(violation.breach.requirement, violation.breach.cause) for violation in result.violations}
        gone: list[Remark] = []
        unsure: list[Remark] = []
        for entry in self.expectations.entries:
            if entry.key in seen:
                continue
            doubt = _doubt(entry, result)
            (unsure if doubt else gone).append(Remark(*entry.key, doubt))
        expired = [
            Remark(*entry.key, entry.expires.isoformat()) for entry in self.expectations.entries if self._expired(entry)
        ]
        known = sum(violation.known for violation in result.violations)
        return Reckoning(self.expectations.file, known, tuple(gone), tuple(expired), tuple(unsure))


def _doubt(entry: Entry, result: RunResult) -> str:
    """Why a violation that was not seen may still be there; empty where nothing speaks for that."""
    mine = next((found for found in result.requirements if found.id == entry.requirement), None)
    if mine is None or not mine.exercised:
        return (mine.reason if mine else None) or "the run did not come to a case of it"
    if result.cut_short:
        return result.cut_short
    if result.verdict is Verdict.INCONCLUSIVE:
        return "the run is inconclusive"
    profiles = list(ProfileName)
    if profiles.index(ProfileName(result.profile)) < profiles.index(entry.profile):
        return f"it was seen in a run of profile {entry.profile}, and this one is {result.profile}"
    return ""
