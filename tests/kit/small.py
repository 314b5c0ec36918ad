"""Small worlds by name, and the answers that show them. `{"A": ["one*", "two"], "B": []}` is a layout; `*` is a flag.

Independent of the model's own rendering: what an answer should look like is written here once more, from CONTRACT S8.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from stagecheck.model.observation import Observation
from stagecheck.model.requests import FOREIGN, OWN
from stagecheck.model.state import Placement, Reading, Service, Stage, World
from stagecheck.operations import OperationKey
from stagecheck.wire.answers import Habits, read_answer

Layout = Mapping[str, Sequence[str]]
Attributes = Mapping[str, Mapping[str, Any]]

_NAMESPACE = uuid.UUID("9c2f0c44-7a0e-4a83-8d0e-6f7a51b1c0de")
CREATED_AT = "2023-11-07T05:31:56Z"
MALFORMED = "not-a-uuid"
SECOND: Layout = MappingProxyType({"second-stage": ("second-service",)})
FOREIGN_LAYOUT: Layout = MappingProxyType({"foreign-stage": ("foreign-service",)})
START: Layout = MappingProxyType({"A": ("one", "two"), "B": ("three*",), "C": ()})
"""Three stages, one of them empty; three services, one of them skipped."""


def uid(name: str) -> str:
    """The id of a thing by its name; `malformed` is none, and names that are UUIDs already stay."""
    if name == "malformed":
        return MALFORMED
    try:
        return str(uuid.UUID(name))
    except ValueError:
        return str(uuid.uuid5(_NAMESPACE, name))


ENVIRONMENT, SECOND_ENVIRONMENT, FOREIGN_ENVIRONMENT = uid("environment"), uid("second"), uid("foreign")


def bare(member: str) -> str:
    """The name of a service without its flag."""
    return member.removesuffix("*")


def attributes(stage: str, order: int, environment: str) -> dict[str, Any]:
    """What a stage is, besides its services."""
    return {
        "id": uid(stage),
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
        "environment": {"id": environment},
        "name": stage,
        "description": f"The stage {stage}",
        "deployment_order": order,
    }


def orders(layout: Layout) -> dict[str, int]:
    """The place of each stage in the order: as written, from 1."""
    return {stage: position for position, stage in enumerate(layout, start=1)}


def entry(member: str, service_type: str = "APPLICATION") -> dict[str, Any]:
    """The entry of a service in its stage (S8)."""
    return {
        "id": uid(f"entry of {bare(member)}"),
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
        "service_id": uid(bare(member)),
        "service_type": service_type,
        "is_skipped": member.endswith("*"),
    }


def stage_payload(
    stage: str,
    members: Iterable[str],
    order: int,
    *,
    environment: str = ENVIRONMENT,
    changed: Mapping[str, Any] | None = None,
    types: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """One stage as JSON. `changed`: attributes shown otherwise; `types`: service types shown otherwise."""
    shown = attributes(stage, order, environment)
    for name, value in (changed or {}).items():
        shown[name] = {"id": value} if name == "environment" else value
    kinds = types or {}
    shown["services"] = [entry(member, kinds.get(bare(member), "APPLICATION")) for member in members]
    return shown


def listing(layout: Layout, *, like: Layout | None = None, environment: str = ENVIRONMENT) -> dict[str, Any]:
    """Every stage as JSON; `like`: the layout whose order the stages keep."""
    places = orders(like if like is not None else layout)
    stages = [
        stage_payload(stage, members, places.get(stage, len(places) + 1), environment=environment)
        for stage, members in layout.items()
    ]
    return {"results": stages}


def seen(layout: Layout, *, like: Layout = START) -> Observation:
    """A 200 answer that lists the layout, as it is understood."""
    understood = read_answer(OperationKey.ATTACH, listing(layout, like=like), Habits())
    assert understood is not None
    return understood


def seen_stage(stage: str, members: Iterable[str], *, like: Layout = START) -> Observation:
    """A 200 answer that shows one stage, as it is understood."""
    payload = stage_payload(stage, members, orders(like)[stage])
    understood = read_answer(OperationKey.GET_STAGE, payload, Habits())
    assert understood is not None
    return understood


def world_of(layout: Layout = START, reading: Reading | None = None) -> World:
    """The world in which everything is known: the layout, and beside it a second and a foreign environment.

    Its mappings are read-only: whatever changes a world in place raises.
    """
    stages: dict[str, Stage] = {}
    services: dict[str, Service] = {}
    placements: dict[str, Placement] = {}
    homes = ((ENVIRONMENT, layout), (SECOND_ENVIRONMENT, SECOND), (FOREIGN_ENVIRONMENT, FOREIGN_LAYOUT))
    for environment, shown in homes:
        for stage, order in orders(shown).items():
            stages[uid(stage)] = Stage(uid(stage), environment, stage, f"The stage {stage}", order, CREATED_AT)
            for member in shown[stage]:
                service = uid(bare(member))
                services[service] = Service(service, environment, "APPLICATION")
                placements[service] = Placement(uid(stage), member.endswith("*"))
    organizations = {ENVIRONMENT: OWN, SECOND_ENVIRONMENT: OWN, FOREIGN_ENVIRONMENT: FOREIGN}
    return World(
        MappingProxyType(organizations),
        MappingProxyType(stages),
        MappingProxyType(services),
        MappingProxyType(placements),
        frozenset(organizations),
        reading,
    )


def moved(layout: Layout, service: str, stage: str, *, skipped: bool = False) -> dict[str, list[str]]:
    """The layout after one service was put somewhere."""
    left = {name: [member for member in members if bare(member) != service] for name, members in layout.items()}
    left[stage].append(service + ("*" if skipped else ""))
    return left


def places(world: World, layout: Layout = START) -> dict[str, set[str]]:
    """Which services each of the layout's stages holds in that world, by name."""
    names = {uid(bare(member)): bare(member) for members in layout.values() for member in members}
    shown: dict[str, set[str]] = {stage: set() for stage in layout}
    for stage in layout:
        for service, placement in world.placements.items():
            if placement.stage == uid(stage):
                shown[stage].add(names.get(service, service) + ("*" if placement.skipped else ""))
    return shown


def as_sets(layout: Layout) -> dict[str, set[str]]:
    """The layout without the order within stages."""
    return {stage: set(members) for stage, members in layout.items()}
