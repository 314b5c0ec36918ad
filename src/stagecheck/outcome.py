"""The result values of a run: grades, verdicts, violations. Frozen; nothing here decides anything.

Levels and grades are those of CONTRACT.md and `report.json` (DESIGN.md, pinned).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stagecheck.exchange import Exchange, HttpRequest
from stagecheck.witness import Witness

_FOR_GOOD = ("same", "same-set", "same-places", "stage")
"""Witnesses of things that nothing changes back."""


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
class Replays:
    """How often a violation was seen again when its steps were sent again."""

    again: int
    of: int

    def __str__(self) -> str:
        """`always`, `sometimes (1 of 3)`, or `once`: the first time, and never again."""
        if self.again == 0:
            return "once"
        return "always" if self.again == self.of else f"sometimes ({self.again} of {self.of})"


@dataclass(frozen=True, slots=True)
class RaceOperation:
    """One request of a race, in words. `begin_s`, `end_s`: seconds since the run began; `end_s` None: never answered.

    `number`: of the exchange. `wrong`: whether it is the answer that cannot be.
    """

    client: int
    number: int
    request: HttpRequest
    words: str
    begin_s: float
    end_s: float | None
    status: int | None
    shows: str
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Race:
    """What several clients asked at once: why it is wrong in a sentence, the requests that show it, and all of them.

    `began`: where each service was before (service, stage, flag); `reading`: of SKIP-2, None where it is not known.
    """

    explanation: str
    operations: tuple[RaceOperation, ...]
    all: tuple[RaceOperation, ...]
    began: tuple[tuple[str, str, bool], ...] = ()
    reading: str | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """A breach with the exchanges that show it.

    The first `set_up` of the `steps` bring the services to where the story begins; `wrong` is the position of the
    answer that broke the promise, `witness` what a right one shows. `replays`: None where it was not tried again.
    `known`: the user expects it (expect.toml), so it fails nothing. `race`: of a race, who asked what when; then the
    steps were under way together.
    """

    breach: Breach
    at_request: int
    steps: tuple[Exchange, ...]
    seen: int = 1
    set_up: int = 0
    wrong: int = -1
    witness: Witness | None = None
    replays: Replays | None = None
    known: bool = False
    race: Race | None = None

    @property
    def doubtful(self) -> bool:
        """Whether it was seen a single time, and not when it was tried again in earnest: no ground for a verdict.

        Not so for races, which are never certain, and for what was changed for good and cannot change twice.
        """
        once = self.seen == 1 and self.replays is not None and self.replays.again == 0
        for_good = self.witness is not None and self.witness["kind"] in _FOR_GOOD
        return once and not for_good and not self.breach.requirement.startswith("RACE")


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing that requests may name: what it is (`stage`, `second.service`, …), its id, and a name if it has one."""

    kind: str
    id: str
    name: str | None = None


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
class Latency:
    """How long so many answers took, in milliseconds: percentiles by nearest rank, and the longest."""

    count: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class RunResult:
    """Everything a run found out, ready to be recorded.

    `cut_short`: why it did not try all that its profile has. `broken_off`: it did not even come to a verdict.
    `expectations`: None where the user expects nothing. `stateless`: how the target was seen to remember nothing.
    `latency`: of all answers (`all`), of each operation, and of other requests (`other`).
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
    things: tuple[Thing, ...] = ()
    cut_short: str | None = None
    broken_off: bool = False
    expectations: Reckoning | None = None
    coverage: Coverage | None = None
    stateless: str | None = None
    latency: Mapping[str, Latency] = field(default_factory=dict)
