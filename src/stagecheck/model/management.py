"""Creating, editing, deleting and moving stages (STAGE-1 to STAGE-4; P), as a part of `step`.

Numbers are the target's own: what is promised is the order, so `loosened` forgets every deployment_order after a stage
was created, deleted or moved, and keeps in which order the stages stand.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import replace
from typing import Any

from stagecheck.model.observation import Reply
from stagecheck.model.outcomes import Accepted, Outcome, Refused
from stagecheck.model.requests import OWN, CreateStage, DeleteStage, EditStage, Manage, MoveStage, Request
from stagecheck.model.state import Stage, World

Step = Callable[[World, Any], tuple[Outcome, ...]]

NEW = "new-stage"
"""Stands for the id of a created stage until an answer has shown it."""

DELETING = "deleting a stage that holds services"
EDITING = "editing a stage without a description"
_OWN_CHOICE = Refused((), None, 409)
_TWICE = {CreateStage: Refused((409,), None, 409), DeleteStage: Refused((404,), None, 404)}
"""How the second delivery of one request is answered, where the first one was carried out and its answer lost.

Not every network delivers once. Whether it was carried out, the next look at the state shows.
"""


def managed(world: World, request: Manage) -> Iterator[Outcome]:
    """Everything that may come of a request that is let in and whose ids are known."""
    if isinstance(request, CreateStage):
        yield from _created(world, request)
    elif isinstance(request, EditStage):
        yield from _edited(world, request)
    elif isinstance(request, DeleteStage):
        yield from _deleted(world, request)
    else:
        yield from _moved(world, request)


def _created(world: World, request: CreateStage) -> Iterator[Outcome]:
    """STAGE-1: one empty stage more. Where it comes in the order is the target's choice."""
    if request.flaw is not None:
        # No name: what is made of it is not said.
        yield Outcome(world, replace(_OWN_CHOICE, preferred=422))
    known = world.stages_of(request.environment)
    taken = any(stage.name == request.name for stage in known)
    identifier = request.new or NEW
    last = max((stage.order for stage in known if stage.order is not None), default=0)
    name = None if request.flaw is not None else request.name
    made = Stage(identifier, request.environment, name, request.description, last + 1)
    after = replace(world, stages={**world.stages, identifier: made})
    if taken:
        yield Outcome(world, _OWN_CHOICE)
    yield Outcome(after, Accepted(stage=identifier))


def _edited(world: World, request: EditStage) -> Iterator[Outcome]:
    """STAGE-2: another name, and another description if one is given; left out, it is kept or emptied."""
    if request.flaw is not None:
        yield Outcome(world, replace(_OWN_CHOICE, preferred=422))
    was = world.stages[request.stage]
    taken = any(
        other.name == request.name and other.id != was.id and other.environment == was.environment
        for other in world.stages.values()
    )
    if taken:
        yield Outcome(world, _OWN_CHOICE)
    name = was.name if request.flaw is not None else request.name
    answer = Accepted(stage=was.id)
    if request.description is not None:
        yield Outcome(_with(world, replace(was, name=name, description=request.description)), answer)
        return
    yield Outcome(_with(world, replace(was, name=name)), answer, (EDITING, "keeps it"))
    yield Outcome(_with(world, replace(was, name=name, description="")), answer, (EDITING, "empties it"))


def _with(world: World, stage: Stage) -> World:
    return replace(world, stages={**world.stages, stage.id: stage})


def _deleted(world: World, request: DeleteStage) -> Iterator[Outcome]:
    """STAGE-3: the stage is gone; its services are moved, or it is refused for their sake."""
    held = world.services_in(request.stage)
    environment = world.stages[request.stage].environment
    alone = sum(stage.environment == environment for stage in world.stages.values()) == 1
    if held or alone:
        yield Outcome(world, _OWN_CHOICE, (DELETING, "refused") if held else None)
    unsure = any(
        service.environment == environment and key not in world.placements for key, service in world.services.items()
    )
    if unsure and not held:
        # What is nowhere to be seen may be in it.
        yield Outcome(world, _OWN_CHOICE)
    choice = (DELETING, "moves its services") if held else None
    yield Outcome(deleted(world, request.stage), Accepted(), choice)


def deleted(world: World, stage: str) -> World:
    """The world without a stage, nobody knows yet where its services are."""
    held = world.services_in(stage)
    return replace(
        world,
        stages={key: other for key, other in world.stages.items() if key != stage},
        placements={key: place for key, place in world.placements.items() if key not in held},
        gone=world.gone | {stage},
        adrift=world.adrift | set(held),
    )


def _moved(world: World, request: MoveStage) -> Iterator[Outcome]:
    """STAGE-4: the stage stands right before or right behind the other one, all others as they stood."""
    environment = world.stages[request.stage].environment
    if environment != world.stages[request.anchor].environment:
        yield Outcome(world, Refused((), "STAGE-4", 404))
        return
    answer = Accepted(environment=environment)
    if request.stage == request.anchor:
        yield Outcome(world, answer)
        yield Outcome(world, _OWN_CHOICE)
        return
    standing = [key for key in ranking(world, environment) if key != request.stage]
    if request.anchor in standing:
        at = standing.index(request.anchor) + request.after
        standing[at:at] = [request.stage]
    numbered = {key: number for number, key in enumerate(standing, start=1)}
    stages = {key: replace(s, order=numbered.get(key, s.order)) for key, s in world.stages.items()}
    yield Outcome(replace(world, stages=stages, ranking=tuple(standing)), answer)


def without(world: World, stages: set[str]) -> World:
    """The world as if these stages had never been made."""
    if not stages:
        return world
    return replace(world, stages={key: stage for key, stage in world.stages.items() if key not in stages})


def unnumbered(world: World, stages: Container[str], stands: tuple[str, ...] = ()) -> World:
    """The world with the deployment_order of those stages unknown; `stands`: in which order some are known to stand."""
    told = {key: replace(stage, order=None) if key in stages else stage for key, stage in world.stages.items()}
    return replace(world, stages=told, ranking=stands)


def ranking(world: World, environment: str | None) -> tuple[str, ...]:
    """The stages of an environment in their order, as far as it is known: all of them, some, or none."""
    stages = [stage for stage in world.stages.values() if stage.environment == environment]
    orders = [stage.order for stage in stages]
    if None not in orders and len(set(orders)) == len(orders):
        return tuple(stage.id for stage in sorted(stages, key=lambda stage: stage.order or 0))
    return tuple(key for key in world.ranking if key in world.stages)


def outcomes(world: World, request: Request, step: Step) -> Iterator[Outcome]:
    """Everything that may happen, as far as an answer can tell: of stages the order, and not the numbers."""
    for outcome in step(world, request):
        if not isinstance(request, CreateStage | EditStage | DeleteStage | MoveStage):
            yield outcome
            continue
        yield replace(outcome, world=loosened(world, request, outcome.world))
        if isinstance(outcome.answer, Accepted) and type(request) in _TWICE:
            done = unread(world, request) if isinstance(request, CreateStage) else outcome.world
            yield Outcome(loosened(world, request, done), _TWICE[type(request)])


def carried_out(world: World, request: object, step: Step) -> list[World]:
    """The worlds in which the request was carried out, for whomever it was sent."""
    if isinstance(request, CreateStage):
        return [unread(world, request)]
    if isinstance(request, EditStage | DeleteStage | MoveStage):
        request = replace(request, caller=OWN)
    done = outcomes(world, request, step)  # type: ignore[arg-type]
    return [outcome.world for outcome in done if isinstance(outcome.answer, Accepted)]


def bound(request: Request, reply: Reply) -> Request:
    """The request with the id that the answer shows, where it created a stage."""
    if isinstance(request, CreateStage) and reply.accepted and reply.shows is not None and reply.shows.stages:
        return replace(request, new=reply.shows.stages[0].id)
    return request


def unread(world: World, request: CreateStage) -> World:
    """The world after a stage was created, perhaps, of which no answer has shown the id."""
    return replace(world, complete=world.complete - {request.environment})


def loosened(before: World, request: Manage, after: World) -> World:
    """The world as it may be told: what was created, deleted or moved may have numbered all stages anew."""
    if isinstance(request, EditStage) or after is before:
        return after
    environment = request.environment if isinstance(request, CreateStage) else before.environment_of(request.stage)
    if isinstance(request, MoveStage):
        stands = after.ranking if request.anchor in after.ranking else ()
    else:
        # Where a new stage comes is open.
        stands = tuple(key for key in ranking(before, environment) if key in after.stages)
    return unnumbered(after, {key for key, stage in after.stages.items() if stage.environment == environment}, stands)
