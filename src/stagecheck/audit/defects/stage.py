"""Defects of the management of stages: creating and editing them (STAGE-1, STAGE-2)."""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stagecheck.audit.defect import seeded
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import CREATED_AT, stable_id
from stagecheck.model.requests import CreateStage, EditStage, Manage, Request
from stagecheck.model.state import Stage, World
from stagecheck.model.step import Outcome


class Arranges(Mock):
    """Every management request that is carried out passes `arranged`, which says what the world is then.

    Nothing is wrong here yet: a class that overrides no hook is a conforming target.
    """

    def arrange(self, request: Manage, world: World) -> None:
        """Let `arranged` have the last word."""
        before = self.world
        super().arrange(request, world)
        self.world = self.arranged(request, before, self.world)

    def arranged(self, request: Manage, before: World, right: World) -> World:
        """The world after a request: `before` it, and as it is `right`."""
        return right

    def ours(self, world: World) -> list[Stage]:
        """The stages of the environment under test, in their order."""
        return list(world.stages_of(self.scenario.environment))


def with_stage(world: World, stage: Stage) -> World:
    """The world with one stage as it is given."""
    return replace(world, stages={**world.stages, stage.id: stage})


def numbered(world: World, order: list[str]) -> World:
    """The world with these stages numbered in this order."""
    numbers = {key: number for number, key in enumerate(order, start=1)}
    stages = {key: replace(stage, order=numbers.get(key, stage.order)) for key, stage in world.stages.items()}
    return replace(world, stages=stages)


def all_unskipped(world: World, stages: set[str]) -> World:
    """The world with no service skipped in any of the stages."""
    places = {
        key: replace(place, skipped=place.skipped and place.stage not in stages)
        for key, place in world.placements.items()
    }
    return replace(world, placements=places)


# ---------------------------------------------------------------------- creating, STAGE-1


class _Creates(Arranges):
    def arranged(self, request: Manage, before: World, right: World) -> World:
        if isinstance(request, CreateStage) and request.new is not None:
            return self.created(right.stages[request.new], before, right)
        return right

    def created(self, stage: Stage, before: World, right: World) -> World:
        """The world after a stage was created."""
        return right


@seeded("created-stage-takes-a-service", "STAGE-1", "A new stage gets the first service of the first stage at once.")
class _CreatedTakesAService(_Creates):
    def created(self, stage: Stage, before: World, right: World) -> World:
        held = [key for other in self.ours(before) for key in before.services_in(other.id)]
        return right.placed(held[0], stage.id, skipped=False)


@seeded("create-makes-two", "STAGE-1", "Creating a stage makes a second one of the same name.")
class _CreateMakesTwo(_Creates):
    def created(self, stage: Stage, before: World, right: World) -> World:
        return with_stage(right, replace(stage, id=stable_id(f"twin of {stage.id}"), order=(stage.order or 0) + 1))


@seeded("create-is-not-stored", "STAGE-1", "Creating a stage is answered rightly, and nothing is stored.")
class _CreateIsNotStored(_Creates):
    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        before = self.world
        right = super().answer(call, request, outcome)
        if isinstance(request, CreateStage):
            self.world = before
        return right


@seeded("create-cuts-the-name", "STAGE-1", "The name of a new stage is cut after ten characters.")
class _CreateCutsTheName(_Creates):
    def created(self, stage: Stage, before: World, right: World) -> World:
        return with_stage(right, replace(stage, name=(stage.name or "")[:10]))


@seeded("create-drops-the-description", "STAGE-1", "A new stage is stored without its description.")
class _CreateDropsTheDescription(_Creates):
    def created(self, stage: Stage, before: World, right: World) -> World:
        return with_stage(right, replace(stage, description=""))


@seeded(
    "created-id-by-number",
    "STAGE-1",
    "A new stage gets an id by how many stages there are, so that ids come again once one was deleted.",
)
class _CreatedIdByNumber(Arranges):
    def stage_id(self) -> str:
        return stable_id(f"stage number {len(self.world.stages)}")


@seeded("create-turns-the-order", "STAGE-1", "Whenever a stage is created, the others are numbered backwards.")
class _CreateTurnsTheOrder(_Creates):
    def created(self, stage: Stage, before: World, right: World) -> World:
        others = [other.id for other in self.ours(before)]
        return numbered(right, [*reversed(others), stage.id])


@seeded("create-unskips", "STAGE-1", "Creating a stage un-skips every service of the environment.")
class _CreateUnskips(_Creates):
    def created(self, stage: Stage, before: World, right: World) -> World:
        return all_unskipped(right, {other.id for other in self.ours(right)})


@seeded(
    "create-in-the-wrong-environment",
    "STAGE-1",
    "A new stage goes to the environment of the organization that was made last.",
)
class _CreateInTheWrongEnvironment(_Creates):
    def created(self, stage: Stage, before: World, right: World) -> World:
        return with_stage(right, replace(stage, environment=self.scenario.second_environment))


@seeded("create-empties-descriptions", "STAGE-1", "Creating a stage empties the description of the last one before it.")
class _CreateEmptiesDescriptions(_Creates):
    def created(self, stage: Stage, before: World, right: World) -> World:
        return with_stage(right, replace(self.ours(before)[-1], description=""))


# ---------------------------------------------------------------------- editing, STAGE-2


class _Edits(Arranges):
    def arranged(self, request: Manage, before: World, right: World) -> World:
        return self.edited_to(request, before, right) if isinstance(request, EditStage) else right

    def edited_to(self, request: EditStage, before: World, right: World) -> World:
        """The world after a stage was edited."""
        return right


@seeded("edit-unskips", "STAGE-2", "Editing a stage un-skips the services in it.")
class _EditUnskips(_Edits):
    def edited_to(self, request: EditStage, before: World, right: World) -> World:
        return all_unskipped(right, {request.stage})


@seeded("edit-goes-last", "STAGE-2", "An edited stage is written anew and comes last.")
class _EditGoesLast(_Edits):
    def edited_to(self, request: EditStage, before: World, right: World) -> World:
        last = max(stage.order or 0 for stage in self.ours(right))
        stage = right.stages[request.stage]
        return right if stage.order == last else with_stage(right, replace(stage, order=last + 1))


@seeded("edit-keeps-the-description", "STAGE-2", "A description that is given in an edit is not stored.")
class _EditKeepsTheDescription(_Edits):
    def edited_to(self, request: EditStage, before: World, right: World) -> World:
        stage = right.stages[request.stage]
        return with_stage(right, replace(stage, description=before.stages[request.stage].description))


@seeded("edit-is-not-stored", "STAGE-2", "An edit is answered rightly, and nothing is stored.")
class _EditIsNotStored(_Edits):
    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        before = self.world
        right = super().answer(call, request, outcome)
        if isinstance(request, EditStage):
            self.world = before
        return right


@seeded("edit-renames-the-neighbour", "STAGE-2", "An edit gives its name to the stage behind as well.")
class _EditRenamesTheNeighbour(_Edits):
    def edited_to(self, request: EditStage, before: World, right: World) -> World:
        order = [stage.id for stage in self.ours(right)]
        at = order.index(request.stage)
        behind = right.stages[order[(at + 1) % len(order)]]
        return with_stage(right, replace(behind, name=request.name))


@seeded("edit-makes-it-new", "STAGE-2", "An edited stage gets a new created_at.", accepts=("STATE-9",))
class _EditMakesItNew(_Edits):
    def edited_to(self, request: EditStage, before: World, right: World) -> World:
        return with_stage(right, replace(right.stages[request.stage], created_at=self.now()))


@seeded("edit-moves-services-out", "STAGE-2", "Editing a stage moves its services back to the first stage.")
class _EditMovesServicesOut(_Edits):
    def edited_to(self, request: EditStage, before: World, right: World) -> World:
        first = self.ours(right)[0].id
        for service in right.services_in(request.stage):
            right = right.placed(service, first, skipped=right.placements[service].skipped)
        return right


@seeded(
    "edit-shown-old-in-lists",
    "STATE-5",
    "Lists show a stage by the name it was created with, whatever it was edited to.",
)
class _EditShownOldInLists(Arranges):
    def listing(self, environment: str) -> dict[str, Any]:
        listed = super().listing(environment)
        for stage in listed["results"]:
            stage["name"] = self.first_names.setdefault(stage["id"], stage["name"])
        return listed

    @property
    def first_names(self) -> dict[str, str]:
        """The names by which stages were listed first."""
        names: dict[str, str] = self.__dict__.setdefault("_first_names", {})
        return names


@seeded(
    "create-makes-it-old", "STATE-9", "A new stage has a created_at of years ago that changes when it is read again."
)
class _CreateMakesItOld(Arranges):
    reads = 0

    def stage(self, stage_id: str) -> dict[str, Any]:
        shown = super().stage(stage_id)
        if stage_id not in self.scenario.world.stages:
            type(self).reads += 1
            shown["created_at"] = f"2019-01-01T00:00:{type(self).reads % 60:02d}Z"
            shown["updated_at"] = CREATED_AT
        return shown
