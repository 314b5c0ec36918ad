"""Where things were before the run, and the steps that put them back. Does no I/O: it says what to send.

Order matters: a service is first moved home un-skipped and then skipped there if it was, which is right under every
reading of SKIP-2. A target that does not obey may still know another way: see `ROUTES`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from stagecheck.model.state import Placement


class Flag(Enum):
    """What a PUT of the way home says of the flag."""

    FALSE = "false"
    TRUE = "true"
    ABSENT = "no body"


@dataclass(frozen=True, slots=True)
class PutBack:
    """One PUT of the way home: the service, the stage it is sent to, and what is said of the flag."""

    service: str
    stage: str
    flag: Flag


_HOME, _AWAY = True, False
ROUTES: tuple[tuple[tuple[bool, Flag], ...], ...] = (
    ((_HOME, Flag.FALSE),),
    ((_HOME, Flag.FALSE),),
    ((_HOME, Flag.ABSENT),),
    ((_AWAY, Flag.FALSE), (_HOME, Flag.FALSE)),
    ((_AWAY, Flag.ABSENT), (_HOME, Flag.ABSENT)),
)
"""Ways home, the straight one first, and once more where it was lost on the way; then what a defect may leave open."""


@dataclass(slots=True)
class Journal:
    """The first placement that was seen of each service. `theirs`: what somebody else moves, which is left to them."""

    homes: dict[str, Placement] = field(default_factory=dict)
    theirs: dict[str, Placement] = field(default_factory=dict)

    def leave(self, service: str, place: Placement) -> None:
        """Leave a service where somebody else has put it."""
        self.theirs[service] = place

    def note(self, placements: Mapping[str, Placement]) -> None:
        """Remember where services are, unless it is known already."""
        for service, placement in placements.items():
            self.homes.setdefault(service, placement)

    def way_home(
        self, now: Mapping[str, Placement], writable: frozenset[str], stages: Sequence[str] = (), route: int = 0
    ) -> Iterator[PutBack]:
        """The PUTs that bring every writable service back from where it is now; none for what is home already.

        `stages` may be gone through; `route`: which of `ROUTES` is taken.
        """
        for service, home in self.homes.items():
            if service not in writable or service in self.theirs or now.get(service) == home:
                continue
            away = next((stage for stage in stages if stage != home.stage), home.stage)
            for to_home, flag in ROUTES[route]:
                yield PutBack(service, home.stage if to_home else away, flag)
            if home.skipped:
                yield PutBack(service, home.stage, Flag.TRUE)

    def astray(self, now: Mapping[str, Placement], writable: frozenset[str]) -> dict[str, Placement]:
        """Services that are not where they were and that the run may not write to, with their home."""
        return {
            service: home
            for service, home in self.homes.items()
            if service not in writable and service not in self.theirs and service in now and now[service] != home
        }
