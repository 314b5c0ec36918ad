"""Where things were before the run, and the steps that put them back. Does no I/O: it says what to send.

Order matters: a service is first moved home un-skipped and then skipped there if it was, which is right under every
reading of SKIP-2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from stagecheck.model.state import Placement


@dataclass(frozen=True, slots=True)
class PutBack:
    """One PUT of the way home: the service, its home stage, and whether the flag is sent as true."""

    service: str
    stage: str
    skip: bool


@dataclass(slots=True)
class Journal:
    """The first placement that was seen of each service."""

    homes: dict[str, Placement] = field(default_factory=dict)

    def note(self, placements: Mapping[str, Placement]) -> None:
        """Remember where services are, unless it is known already."""
        for service, placement in placements.items():
            self.homes.setdefault(service, placement)

    def way_home(self, now: Mapping[str, Placement], writable: frozenset[str]) -> Iterator[PutBack]:
        """The PUTs that bring every writable service back from where it is now; none for what is home already."""
        for service, home in self.homes.items():
            if service not in writable or now.get(service) == home:
                continue
            yield PutBack(service, home.stage, skip=False)
            if home.skipped:
                yield PutBack(service, home.stage, skip=True)

    def astray(self, now: Mapping[str, Placement], writable: frozenset[str]) -> dict[str, Placement]:
        """Services that are not where they were and that the run may not write to, with their home."""
        return {
            service: home
            for service, home in self.homes.items()
            if service not in writable and service in now and now[service] != home
        }
