"""The world that the embedded target starts with: two organizations, two environments of the first, stable ids.

Everything a full config can name is there, so a run against it leaves nothing untested for want of a thing to try on.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from stagecheck.model.requests import FOREIGN, OWN
from stagecheck.model.state import Placement, Reading, Service, Stage, World

_NAMESPACE = uuid.UUID("5f1d7c1e-6a0c-4a37-9a55-2f4f4d3c9b10")

TOKEN = "stagecheck-embedded-token-8c1f0a52"
FOREIGN_TOKEN = "stagecheck-embedded-foreign-3b77d9e4"
JWT_SECRET = "stagecheck-embedded-secret-with-256-bits-or-more-of-length"
CREATED_AT = "2023-11-07T05:31:56Z"


def stable_id(name: str) -> str:
    """The id of a thing of the scenario: a UUID that depends on its name alone."""
    return str(uuid.uuid5(_NAMESPACE, name))


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world to start from, and the ids that a config for it names; no second or foreign environment: None.

    `tokens`: API token → organization. `names`: the names of environments and services by their ids (a stage has its
    own in the world).
    """

    world: World
    environment: str
    second_environment: str | None = None
    foreign_environment: str | None = None
    tokens: Mapping[str, str] = field(default_factory=lambda: {TOKEN: OWN, FOREIGN_TOKEN: FOREIGN})
    names: Mapping[str, str] = field(default_factory=dict)

    def stages(self, environment: str | None) -> list[str]:
        """The stage ids of an environment, in order; none of None."""
        return [stage.id for stage in self.world.stages_of(environment)] if environment else []

    def services(self, environment: str | None) -> list[str]:
        """The service ids of an environment; none of None."""
        return [service.id for service in self.world.services.values() if service.environment == environment]


_MAIN = {
    "DATABASE DEFAULT": (("postgres", "DATABASE", False), ("cache", "CONTAINER", False)),
    "JOB DEFAULT": (("migrate", "JOB", True),),
    "APPLICATION DEFAULT": (("api", "APPLICATION", False), ("web", "CONTAINER", False)),
    "LAST": (),
}
_SECOND = {"SECOND FIRST": (("second-api", "APPLICATION", False),), "SECOND LAST": ()}
_FOREIGN = {"FOREIGN FIRST": (("foreign-api", "APPLICATION", False),), "FOREIGN LAST": ()}

_Layout = dict[str, tuple[tuple[str, str, bool], ...]]


def embedded(reading: Reading = Reading.MOVE_AND_SKIP) -> Scenario:
    """The scenario of the embedded target: four stages and five services, one of them skipped beforehand."""
    return scenario({"main": _MAIN, "second": _SECOND, "foreign": _FOREIGN}, reading)


def scenario(environments: dict[str, _Layout], reading: Reading) -> Scenario:
    """A scenario of three environments (main and second of our organization, foreign of another)."""
    organizations, stages, services, placements, names = {}, {}, {}, {}, {}
    for environment, layout in environments.items():
        environment_id = stable_id(environment)
        names[environment_id] = environment
        organizations[environment_id] = FOREIGN if environment == "foreign" else OWN
        for order, (name, members) in enumerate(layout.items(), start=1):
            stage = Stage(stable_id(name), environment_id, name, f"The stage {name}", order, CREATED_AT)
            stages[stage.id] = stage
            for service_name, service_type, skipped in members:
                service = Service(stable_id(service_name), environment_id, service_type)
                services[service.id] = service
                placements[service.id] = Placement(stage.id, skipped)
                names[service.id] = service_name
    world = World(organizations, stages, services, placements, frozenset(organizations), reading)
    return Scenario(world, stable_id("main"), stable_id("second"), stable_id("foreign"), names=names)
