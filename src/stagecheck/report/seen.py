"""What a run says, cut down to what another run can be compared by. From a record, or from a row of the history.

A violation is the same one if its requirement and its cause are. That one is gone is said only of a run that would have
shown it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stagecheck.outcome import Grade, Verdict

BROKEN = frozenset({Grade.FAIL, Grade.NON_STRICT, Grade.KNOWN})
HELD = frozenset({Grade.PASS, Grade.OPEN})
JUDGED = BROKEN | HELD
"""Grades that say something of the target; the others say that nothing could be said."""

PROFILES = ("quick", "nightly", "exhaustive")
"""From the one that sees least to the one that sees most."""

_LONGEST = 200
_MARK = 16

Key = tuple[str, str]
"""A requirement and a cause."""


@dataclass(frozen=True, slots=True)
class Found:
    """One violation: its sentence, and whether expect.toml knows it."""

    message: str
    known: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run saw. `grades`, `tried` (how often it could have failed) and `reasons` by requirement.

    `causes`: whether its violations name their causes; records of old do not.
    """

    verdict: str
    profile: str | None
    cut_short: str | None
    grades: Mapping[str, str]
    tried: Mapping[str, int]
    reasons: Mapping[str, str | None] = field(default_factory=dict)
    found: Mapping[Key, Found] = field(default_factory=dict)
    causes: bool = True

    def judges(self, requirement: str) -> bool:
        """Whether it says something of the target there."""
        return self.grades.get(requirement) in JUDGED

    def silence(self, requirement: str) -> str:
        """Why it says nothing of a requirement, in words."""
        grade = self.grades.get(requirement)
        if grade is None:
            return "the run does not know the requirement"
        return self.reasons.get(requirement) or grade

    def doubt(self, requirement: str, profile: str | None) -> str:
        """Why what a run of that profile saw there may be there although this run did not see it; '' if it is not."""
        if not self.judges(requirement) or not self.tried.get(requirement):
            return self.silence(requirement)
        if self.cut_short:
            return self.cut_short
        if self.verdict == Verdict.INCONCLUSIVE:
            return "the run is inconclusive"
        if smaller(self.profile, profile):
            return f"a run of profile {self.profile} sees less than one of profile {profile}"
        return ""


def smaller(one: str | None, other: str | None) -> bool:
    """Whether the first profile sees less than the second; nobody knows of those that are not named."""
    return one in PROFILES and other in PROFILES and PROFILES.index(str(one)) < PROFILES.index(str(other))


def seen_in(record: Mapping[str, Any]) -> Seen:
    """What a record says. A broken requirement without a violation counts as one whose cause nobody knows."""
    entries = record["requirements"]
    causes = all(isinstance(violation.get("cause"), str) for violation in record["violations"])
    found: dict[Key, Found] = {}
    for violation in record["violations"]:
        key = violation["requirement"], cause_of(violation)
        found.setdefault(key, Found(violation["message"], bool(violation.get("known"))))
    shown = {requirement for requirement, _ in found}
    for entry in entries:
        if entry["grade"] in BROKEN and entry["id"] not in shown:
            found[entry["id"], ""] = Found(f"graded {entry['grade']}", entry["grade"] == Grade.KNOWN)
    return Seen(
        record["verdict"],
        record.get("profile"),
        record.get("cut_short"),
        {entry["id"]: entry["grade"] for entry in entries},
        {entry["id"]: entry["exercised"] for entry in entries},
        {entry["id"]: entry["reason"] for entry in entries},
        found,
        causes,
    )


def cause_of(violation: Mapping[str, Any]) -> str:
    """The cause as it is compared and kept: whole, or where it is long its beginning and a fingerprint."""
    cause = violation.get("cause")
    text = (cause if isinstance(cause, str) else violation["message"]).encode("utf-8", "backslashreplace")
    if len(text) <= _LONGEST:
        return text.decode()
    return f"{text[:_LONGEST].decode('utf-8', 'ignore')}…{hashlib.sha256(text).hexdigest()[:_MARK]}"


def without_causes(seen: Seen) -> Mapping[Key, Found]:
    """The violations by their requirement alone, for a comparison with a record that names no causes."""
    merged: dict[Key, Found] = {}
    for (requirement, _), found in seen.found.items():
        before = merged.get((requirement, ""), found)
        merged[requirement, ""] = Found(before.message, before.known and found.known)
    return merged
