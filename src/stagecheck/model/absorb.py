"""Taking over what an answer shows: unknown facts become known, and after a violation the truth is what was seen.

No judgement here. `learn` fills in what nobody had shown; `resynchronise` believes the answer even where it differs.
"""

from __future__ import annotations

from dataclasses import replace

from stagecheck.model.compare import places_of
from stagecheck.model.observation import Observation, SeenStage
from stagecheck.model.state import Placement, Service, Stage, World


def learn(world: World, seen: Observation, environment: str) -> World:
    """The world with what was unknown filled in; nothing that was known changes. Cheap when nothing is new."""
    stages, services, placements = dict(world.stages), dict(world.services), dict(world.placements)
    changed = False
    for shown in seen.stages:
        known = stages.get(shown.id)
        if known is None and shown.environment not in (None, environment):
            continue
        merged = _merged(known, shown, environment)
        if merged is not known:
            stages[shown.id] = merged
            changed = True
        changed |= _learn_entries(shown, environment, services, placements)
    complete = world.complete
    if seen.of_list and environment not in complete and seen.names_services:
        complete = complete | {environment}
        changed = True
    if not changed:
        return world
    known_now = replace(world, stages=stages, services=services, placements=placements, complete=complete)
    return _settled(known_now)


def _settled(world: World) -> World:
    """The world without what is not needed any more: where everything stands by now is known."""
    adrift = frozenset(key for key in world.adrift if key not in world.placements)
    numbered = all(world.stages[key].order is not None for key in world.ranking if key in world.stages)
    return replace(world, adrift=adrift, ranking=() if numbered else world.ranking)


def _learn_entries(
    shown: SeenStage, environment: str, services: dict[str, Service], placements: dict[str, Placement]
) -> bool:
    changed = False
    for entry in shown.entries or ():
        if entry.service is None:
            continue
        service = services.get(entry.service) or Service(entry.service, environment)
        if service.type is None and entry.type is not None:
            service = replace(service, type=entry.type)
        if services.get(entry.service) is not service:
            services[entry.service] = service
            changed = True
        if entry.service not in placements and service.environment == environment:
            placements[entry.service] = Placement(shown.id, entry.skipped)
            changed = True
    return changed


def _merged(known: Stage | None, shown: SeenStage, environment: str) -> Stage:
    if known is None:
        return Stage(shown.id, environment, shown.name, shown.description, shown.order, shown.created_at)
    if known.environment is not None and all(
        was is not None or now is None
        for was, now in (
            (known.name, shown.name),
            (known.description, shown.description),
            (known.order, shown.order),
            (known.created_at, shown.created_at),
        )
    ):
        return known
    return Stage(
        known.id,
        known.environment or environment,
        known.name if known.name is not None else shown.name,
        known.description if known.description is not None else shown.description,
        known.order if known.order is not None else shown.order,
        known.created_at or shown.created_at,
    )


def resynchronise(world: World, seen: Observation, environment: str) -> World:
    """The world as the answer shows it. What the answer does not speak of stays as `world` has it."""
    stages, services, placements = dict(world.stages), dict(world.services), dict(world.placements)
    places, entries = places_of(seen)
    shown_stages = {stage.id for stage in seen.stages}
    for shown in seen.stages:
        known = stages.get(shown.id)
        if (known.environment if known else shown.environment) in (None, environment):
            stages[shown.id] = _believed(known, shown, environment)
    for service, where in places.items():
        services.setdefault(service, Service(service, environment))
        if services[service].environment == environment:
            was = placements.get(service)
            placements[service] = was if was in where and was is not None else where[0]
    for entry in entries:
        if entry.service in services and entry.type is not None:
            services[entry.service] = replace(services[entry.service], type=entry.type)
    if seen.names_services:
        _forget_vanished(placements, places, shown_stages, complete=seen.of_list)
    complete = world.complete | {environment} if seen.of_list and seen.names_services else world.complete
    believed = replace(world, stages=stages, services=services, placements=placements, complete=complete)
    if seen.of_list and seen.names_services:
        # What was to be somewhere and is nowhere was reported; a stage that is shown is not gone.
        believed = replace(believed, adrift=frozenset())
    return _settled(replace(believed, gone=believed.gone - shown_stages))


def _forget_vanished(
    placements: dict[str, Placement],
    places: dict[str, tuple[Placement, ...]],
    shown_stages: set[str],
    *,
    complete: bool,
) -> None:
    """Services that should stand in a shown stage and do not are somewhere unknown from now on."""
    for service, placement in list(placements.items()):
        if placement.stage in shown_stages and service not in places and (complete or len(shown_stages) == 1):
            del placements[service]


def _believed(known: Stage | None, shown: SeenStage, environment: str) -> Stage:
    base = known or Stage(shown.id)
    return Stage(
        shown.id,
        environment,
        shown.name if shown.name is not None else base.name,
        shown.description if shown.description is not None else base.description,
        shown.order if shown.order is not None else base.order,
        shown.created_at or base.created_at,
    )
