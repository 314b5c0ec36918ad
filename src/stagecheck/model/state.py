"""The state a target keeps, as values. No HTTP, no clock, no randomness.

Ids are held in lower case: UUIDs are matched without regard to case (ERR-9, RFC 9562 4). A world is immutable;
`step` returns new ones. A fact that nobody has shown yet is None: unknown, and never the same as "absent".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Reading(StrEnum):
    """The four defensible meanings of `is_skipped: true` sent to another stage (SKIP-2)."""

    MOVE_AND_SKIP = "move-and-skip"
    """S4 and the Terraform provider: moved, and skipped there."""
    MOVE_UNSKIPS = "move-unskips"
    """S3: a move always un-skips."""
    SKIP_IN_PLACE = "skip-in-place"
    """S2: skipping speaks of the current stage; the service stays."""
    REFUSE = "refuse"
    """A clean 4xx, and nothing changes."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a service is, and whether it is left out of bulk deployments."""

    stage: str
    skipped: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage; every attribute but the id may be unknown (None) until an answer shows it."""

    id: str
    environment: str | None = None
    name: str | None = None
    description: str | None = None
    order: int | None = None
    created_at: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service; `type` is a free string such as APPLICATION, None while unknown."""

    id: str
    environment: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class World:
    """One possible state of everything a run may address.

    `organizations`: environment id → organization; `complete`: the environments whose stages and services are all
    known (the others may still show more); `reading`: None while the target has not shown which it follows;
    `pending`: requests of unknown outcome that may still take effect. `gone`: stages that were deleted; `adrift`:
    services of theirs that must have been moved, nobody knows yet where to; `ranking`: stages whose order is known
    while their deployment_order, after stages were moved, is not.
    """

    organizations: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, Stage] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    placements: Mapping[str, Placement] = field(default_factory=dict)
    complete: frozenset[str] = frozenset()
    reading: Reading | None = None
    pending: tuple[object, ...] = ()
    gone: frozenset[str] = frozenset()
    adrift: frozenset[str] = frozenset()
    ranking: tuple[str, ...] = ()

    def placed(self, service: str, stage: str, *, skipped: bool) -> World:
        """The same world with one service put somewhere."""
        if self.placements.get(service) == Placement(stage, skipped):
            return self
        placements = {**self.placements, service: Placement(stage, skipped)}
        return World(
            self.organizations, self.stages, self.services, placements, self.complete, self.reading, self.pending,
            self.gone, self.adrift, self.ranking,
        )  # fmt: skip

    def unplaced(self, service: str) -> World:
        """The same world with nobody knowing where one service is."""
        return replace(self, placements={key: place for key, place in self.placements.items() if key != service})

    def environment_of(self, thing: str) -> str | None:
        """The environment of a stage or service id; None if it is unknown."""
        known = self.stages.get(thing) or self.services.get(thing)
        return known.environment if known else None

    def organization_of(self, thing: str) -> str | None:
        """The organization that owns an environment, stage or service id; None if it is unknown."""
        environment = thing if thing in self.organizations else self.environment_of(thing)
        return self.organizations.get(environment) if environment else None

    def stages_of(self, environment: str) -> tuple[Stage, ...]:
        """The stages of an environment, in deployment order where it is known."""
        found = [stage for stage in self.stages.values() if stage.environment == environment]
        return tuple(sorted(found, key=lambda stage: stage.order if stage.order is not None else 0))

    def services_in(self, stage: str) -> tuple[str, ...]:
        """The ids of the services in a stage."""
        return tuple([key for key, placement in self.placements.items() if placement.stage == stage])


def canonical(identifier: str) -> str:
    """The one form in which ids are compared: lower case (CONTRACT: UUIDs are compared without regard to case)."""
    return identifier.lower()


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID in the usual notation of RFC 9562 (8-4-4-4-12 hexadecimal digits)."""
    return _UUID.fullmatch(text) is not None
