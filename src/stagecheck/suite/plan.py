"""What a run is asked to do: which things it may use, how far it goes, which requirements it is to judge."""

from __future__ import annotations

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

    `examples` × `steps` are the machine's walks; `cases` the Schemathesis cases per operation and mode; `every` means
    that all directed cases are tried and not only the first ones of each requirement.
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
    ProfileName.QUICK: Profile(ProfileName.QUICK, 150, 3, 2, 1, 12, 2, False),
    ProfileName.NIGHTLY: Profile(ProfileName.NIGHTLY, 3000, 4, 3, 36, 40, 20, True),
    ProfileName.EXHAUSTIVE: Profile(ProfileName.EXHAUSTIVE, 1_000_000, 6, 4, 200, 60, 100, True),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run needs to know besides how to reach the target."""

    environment: str | None = None
    stages: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    second: Things = field(default_factory=Things)
    foreign: Things = field(default_factory=Things)
    profile: Profile = PROFILES[ProfileName.NIGHTLY]
    selected: frozenset[str] = frozenset(CATALOGUE)
    seed: int = 0
    reading: Reading | None = None
