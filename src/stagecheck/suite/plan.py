"""What a run is asked to do: which things it may use, how far it goes, which requirements it is to judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

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
class Extent:
    """What one walk of the deep tour goes over: all sequences of `depth` transitions of so many services and stages."""

    depth: int
    stages: int
    services: int


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile: at most `requests`; how many `stages` and `services` the tour goes over; how long the machine walks.

    `walks`: what the deep tour goes over, the first one first. It walks only if `every`; what the other parts happened
    to cover is counted all the same. The machine takes `examples` walks of `steps` steps; Schemathesis makes `cases`
    per operation and mode; `every` means that all directed cases are tried and not only the first ones of each
    requirement; `races`: how many of the requests are kept for clients that ask at once; `telling_first`: what shows
    the most in the fewest requests comes first, else all as it is listed.
    """

    name: ProfileName
    requests: int
    stages: int
    services: int
    examples: int
    steps: int
    cases: int
    every: bool
    walks: tuple[Extent, ...]
    races: int = 0
    telling_first: bool = True


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            ProfileName.QUICK,
            requests=260,
            stages=3,
            services=2,
            examples=1,
            steps=12,
            cases=2,
            every=False,
            walks=(Extent(1, stages=3, services=1),),
            races=40,
        ),
        Profile(
            ProfileName.NIGHTLY,
            requests=4000,
            stages=5,
            services=4,
            examples=36,
            steps=40,
            cases=20,
            every=True,
            walks=(Extent(2, stages=3, services=1), Extent(1, stages=3, services=2)),
            races=400,
        ),
        Profile(
            ProfileName.EXHAUSTIVE,
            requests=1_000_000,
            stages=6,
            services=4,
            examples=200,
            steps=60,
            cases=100,
            every=True,
            walks=(Extent(3, stages=3, services=1), Extent(2, stages=3, services=2)),
            races=6000,
        ),
    )
}


def nothing(requirement: str, cause: str) -> bool:
    """Expects no violation."""
    del requirement, cause
    return False


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run needs to know besides how to reach the target.

    `expects`: whether a violation (requirement, cause) is known already; what is must not keep a run from finding more.
    `kept`: the directory in which failing random walks are kept from run to run. `manage`: whether stages may be made.
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
    kept: Path | None = None
    manage: bool = True
