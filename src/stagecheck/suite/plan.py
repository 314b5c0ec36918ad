"""What a run is asked to do: which things it may use, how far it goes, which requirements it is to judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from stagecheck.contract import CATALOGUE
from stagecheck.model.state import Reading


@dataclass(frozen=True, slots=True)
class Things:
    """Ids of one environment, any of which may be missing."""

    environment: str | None = None
    stage: str | None = None
    service: str | None = None


class ProfileName(StrEnum):
    """How much a run does."""

    QUICK = "quick"
    NIGHTLY = "nightly"
    EXHAUSTIVE = "exhaustive"


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile: at most `requests`; how many `stages` and `services` the tour goes over; how long the machine walks.

    The machine takes `examples` walks of `steps` steps; Schemathesis makes `cases` per operation and mode; `every`
    means that all directed cases are tried and not only the first ones of each requirement.
    """

    name: ProfileName
    requests: int
    stages: int
    services: int
    examples: int
    steps: int
    cases: int
    every: bool


PROFILES = {
    ProfileName.QUICK: Profile(
        ProfileName.QUICK, requests=150, stages=3, services=2, examples=1, steps=12, cases=2, every=False
    ),
    ProfileName.NIGHTLY: Profile(
        ProfileName.NIGHTLY, requests=3000, stages=5, services=4, examples=36, steps=40, cases=20, every=True
    ),
    ProfileName.EXHAUSTIVE: Profile(
        ProfileName.EXHAUSTIVE, requests=1_000_000, stages=6, services=4, examples=200, steps=60, cases=100, every=True
    ),
}


def nothing(requirement: str, cause: str) -> bool:
    """Expects no violation."""
    del requirement, cause
    return False


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run needs to know besides how to reach the target.

    `expects`: whether a violation (requirement, cause) is known already; what is must not keep a run from finding more.
    """

    environment: str | None = None
    stages: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    second: Things = field(default_factory=Things)
    foreign: Things = field(default_factory=Things)
    profile: Profile = PROFILES[ProfileName.NIGHTLY]
    selected: frozenset[str] = frozenset(CATALOGUE)
    seed: int = 0
    reading: Reading | None = None
    expects: Callable[[str, str], bool] = nothing
