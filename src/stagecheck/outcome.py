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
    """A breach with the exchanges that show it; the last step is the one that broke the promise.

    `known`: the user expects it (expect.toml), so it fails nothing.
    """

    breach: Breach
    at_request: int
    steps: tuple[Exchange, ...]
    seen: int = 1
    known: bool = False


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
class Remark:
    """What a run says of one entry of expect.toml; `said` is when it expired, or why nothing can be said of it."""

    requirement: str
    cause: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What a run says of expect.toml as a whole.

    `known`: violations that an entry covers. `gone`: entries whose violation no longer occurs. `expired`: entries
    whose time is over, whether or not it still occurs. `unsure`: entries whose violation was not seen by a run that
    cannot tell whether it is gone.
    """

    file: str
    known: int = 0
    gone: tuple[Remark, ...] = ()
    expired: tuple[Remark, ...] = ()
    unsure: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class RunResult:
    """Everything a run found out, ready to be recorded.

    `cut_short`: why it did not try all that its profile has. `broken_off`: it did not even come to a verdict.
    `expectations`: None where the user expects nothing.
    """

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
    cut_short: str | None = None
    broken_off: bool = False
    expectations: Reckoning | None = None
