"""The result values of a run: grades, verdicts, violations. Frozen; nothing here decides anything.

Levels and grades are those of CONTRACT.md and `report.json` (DESIGN.md, pinned).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stagecheck.exchange import Exchange


class Level(StrEnum):
    """How binding a requirement is."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    OPEN = "OPEN"


class Grade(StrEnum):
    """What a run says of one requirement."""

    PASS = "pass"
    FAIL = "fail"
    NON_STRICT = "non-strict"
    OPEN = "open"
    NOT_OFFERED = "not-offered"
    NOT_TESTED = "not-tested"
    INCONCLUSIVE = "inconclusive"
    KNOWN = "known"


class Verdict(StrEnum):
    """What a run says of the target."""

    CONFORMING = "conforming"
    NON_STRICT = "non-strict"
    NON_CONFORMING = "non-conforming"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Breach:
    """One promise seen broken by one answer, in words, before it is put beside others of its cause.

    `cause` tells two defects of one requirement apart (and makes one defect seen twice the same). `level` is the
    requirement's own, but for the few that weigh more in one case (ERR-3 answered 2xx, SKIP-2 inconsistent).
    """

    requirement: str
    cause: str
    message: str
    expected: str
    actual: str
    level: Level


@dataclass(frozen=True, slots=True)
class Violation:
    """A breach with the exchanges that show it; the last step is the one that broke the promise."""

    breach: Breach
    at_request: int
    steps: tuple[Exchange, ...]
    seen: int = 1


@dataclass(frozen=True, slots=True)
class RequirementResult:
    """The grade of one requirement; `exercised` counts how often it could have failed."""

    id: str
    level: Level
    grade: Grade
    exercised: int
    violations: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class WalkCoverage:
    """How many of the sequences of `depth` transitions of so many services over so many stages were tried.

    `requests`: what the deep tour sent for them, after what it had sent for the shorter ones; what the other parts of
    the run sent counts for `covered`, too. `stopped`: why not all were tried, None if they were.
    """

    depth: int
    stages: int
    services: int
    covered: int
    total: int
    requests: int
    stopped: str | None = None

    @property
    def complete(self) -> bool:
        """Whether all were tried."""
        return self.covered == self.total


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the deep tour went over: a `WalkCoverage` for each walk and each depth up to its own.

    `forms`: the names of the bodies that transitions are made of.
    """

    forms: tuple[str, ...]
    walks: tuple[WalkCoverage, ...]

    @property
    def main(self) -> WalkCoverage:
        """The first walk at its full depth."""
        first = self.walks[0]
        same = (walk for walk in self.walks if (walk.stages, walk.services) == (first.stages, first.services))
        return max(same, key=lambda walk: walk.depth)


@dataclass(frozen=True, slots=True)
class RunResult:
    """Everything a run found out, ready to be recorded."""

    url: str
    mocked: bool
    offers: tuple[str, ...]
    verdict: Verdict
    reading: Mapping[str, str | None]
    requirements: tuple[RequirementResult, ...]
    violations: tuple[Violation, ...]
    requests: int
    duration_s: float
    seed: int
    profile: str
    phases: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    coverage: Coverage | None = None
