"""Defects of deleting stages and of their order (STAGE-3, STAGE-4)."""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

from dataclasses import replace

from stagecheck.audit.defect import seeded
from stagecheck.audit.defects.stage import Arranges, all_unskipped, numbered
from stagecheck.mock.app import Answer, Call
from stagecheck.model.management import deleted
from stagecheck.model.requests import Attach, DeleteStage, Manage, MoveStage, ReadStage, Request
from stagecheck.model.state import Placement, World
from stagecheck.model.step import Accepted, Outcome, Refused

# ---------------------------------------------------------------------- deleting, STAGE-3


class _Deletes(Arranges):
    """Stages are deleted with what is in them; `stranded` says where their services go."""

    def decide(self, request: Request) -> Outcome:
        right = super().decide(request)
        if not isinstance(request, DeleteStage) or not isinstance(right.answer, Refused):
            return right
        if right.answer.requirement is not None or not self.unguarded(request):
            return right
        return Outcome(deleted(self.world, request.stage), Accepted())

    def unguarded(self, request: DeleteStage) -> bool:
        """Whether the stage is deleted although it holds services."""
        return True

    def arranged(self, request: Manage, before: World, right: World) -> World:
        if not isinstance(request, DeleteStage):
            return right
        for service in before.services_in(request.stage):
            place = self.stranded(before, right, before.placements[service])
            if place is not None:
                right = right.placed(service, place.stage, skipped=place.skipped)
        return right

    def stranded(self, before: World, right: World, was: Placement) -> Placement | None:
        """Where a service of a deleted stage goes: to the first one."""
        return Placement(self.ours(right)[0].id, was.skipped)


@seeded("delete-takes-the-services", "STAGE-3", "Deleting a stage removes the services that are in it.")
class _DeleteTakesTheServices(_Deletes):
    def stranded(self, before: World, right: World, was: Placement) -> Placement | None:
        return None


@seeded(
    "delete-loses-the-skipped", "STAGE-3", "Deleting a stage moves its services to the first one, but for skipped ones."
)
class _DeleteLosesTheSkipped(_Deletes):
    def stranded(self, before: World, right: World, was: Placement) -> Placement | None:
        return None if was.skipped else super().stranded(before, right, was)


@seeded(
    "delete-guard-ignores-the-skipped",
    "STAGE-3",
    "A stage may not be deleted while services are in it; those that are skipped do not count, and are lost.",
)
class _DeleteGuardIgnoresTheSkipped(_Deletes):
    def unguarded(self, request: DeleteStage) -> bool:
        return all(self.world.placements[key].skipped for key in self.world.services_in(request.stage))

    def stranded(self, before: World, right: World, was: Placement) -> Placement | None:
        return None


@seeded("delete-is-not-stored", "STAGE-3", "Deleting a stage is answered 204, and the stage is still there.")
class _DeleteIsNotStored(Arranges):
    def arranged(self, request: Manage, before: World, right: World) -> World:
        return before if isinstance(request, DeleteStage) else right


@seeded("deleted-stage-can-be-read", "STAGE-3", "A deleted stage is still answered when it is read alone.")
class _DeletedStageCanBeRead(Arranges):
    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        if isinstance(request, ReadStage) and request.stage in self.buried and isinstance(outcome.answer, Refused):
            return Answer(200, self.buried[request.stage])
        if isinstance(request, DeleteStage) and isinstance(outcome.answer, Accepted):
            self.buried[request.stage] = self.stage(request.stage)
        return super().answer(call, request, outcome)

    @property
    def buried(self) -> dict[str, dict[str, object]]:
        """What was last shown of each deleted stage."""
        kept: dict[str, dict[str, object]] = self.__dict__.setdefault("_buried", {})
        return kept


@seeded("deleted-stage-takes-services", "STAGE-3", "A move to a deleted stage is answered 200, with nothing done.")
class _DeletedStageTakesServices(Arranges):
    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        gone = isinstance(request, Attach) and request.stage in self.world.gone
        if gone and isinstance(outcome.answer, Refused) and outcome.answer.requirement == "STAGE-3":
            return Answer(200, self.listing(self.scenario.environment))
        return super().answer(call, request, outcome)


@seeded(
    "delete-takes-the-next-one",
    "STATE-3",
    "Deleting a stage deletes the one behind it as well, if that is empty.",
    accepts=("STAGE-3",),
)
class _DeleteTakesTheNextOne(_Deletes):
    def unguarded(self, request: DeleteStage) -> bool:
        return False

    def arranged(self, request: Manage, before: World, right: World) -> World:
        if not isinstance(request, DeleteStage):
            return right
        order = [stage.id for stage in self.ours(before)]
        behind = order[order.index(request.stage) + 1 :][:1]
        return deleted(right, behind[0]) if behind and not right.services_in(behind[0]) else right


@seeded(
    "delete-turns-the-order",
    "STATE-3",
    "After a deletion the other stages are numbered backwards.",
    accepts=("STAGE-3",),
)
class _DeleteTurnsTheOrder(Arranges):
    def arranged(self, request: Manage, before: World, right: World) -> World:
        if not isinstance(request, DeleteStage):
            return right
        return numbered(right, [stage.id for stage in reversed(self.ours(right))])


@seeded("delete-unskips-the-others", "STATE-2", "Deleting a stage un-skips all services.", accepts=("STAGE-3",))
class _DeleteUnskipsTheOthers(Arranges):
    def arranged(self, request: Manage, before: World, right: World) -> World:
        if not isinstance(request, DeleteStage):
            return right
        return all_unskipped(right, {stage.id for stage in self.ours(right)})


# ---------------------------------------------------------------------- moving, STAGE-4


class _Moves(Arranges):
    def arranged(self, request: Manage, before: World, right: World) -> World:
        if not isinstance(request, MoveStage) or request.stage == request.anchor:
            return right
        was = [stage.id for stage in self.ours(before)]
        return self.moved(request, was, right)

    def moved(self, request: MoveStage, was: list[str], right: World) -> World:
        """The world after a stage was moved; `was`: the order before."""
        return numbered(right, self.order_after(request, was))

    def order_after(self, request: MoveStage, was: list[str]) -> list[str]:
        """The order after a stage was moved."""
        rest = [key for key in was if key != request.stage]
        at = rest.index(request.anchor) + request.after
        return [*rest[:at], request.stage, *rest[at:]]


@seeded("before-is-after", "STAGE-4", "moveBefore puts a stage behind the other one.")
class _BeforeIsAfter(_Moves):
    def order_after(self, request: MoveStage, was: list[str]) -> list[str]:
        return super().order_after(replace(request, after=True), was)


@seeded("after-goes-last", "STAGE-4", "moveAfter puts a stage behind all others.")
class _AfterGoesLast(_Moves):
    def order_after(self, request: MoveStage, was: list[str]) -> list[str]:
        right = super().order_after(request, was)
        return [*(key for key in right if key != request.stage), request.stage] if request.after else right


@seeded(
    "move-down-is-one-off",
    "STAGE-4",
    "A stage that is moved down comes one place too far, for the place is taken before the stage is taken out.",
)
class _MoveDownIsOneOff(_Moves):
    def order_after(self, request: MoveStage, was: list[str]) -> list[str]:
        at = was.index(request.anchor) + request.after
        rest = [key for key in was if key != request.stage]
        return [*rest[:at], request.stage, *rest[at:]]


@seeded("stage-move-swaps", "STAGE-4", "A stage that is moved changes places with the other one.")
class _MoveSwaps(_Moves):
    def order_after(self, request: MoveStage, was: list[str]) -> list[str]:
        swapped = {request.stage: request.anchor, request.anchor: request.stage}
        return [swapped.get(key, key) for key in was]


@seeded("move-ties", "STAGE-4", "A stage that is moved gets the number of the other one.", accepts=("STATE-8",))
class _MoveTies(_Moves):
    def moved(self, request: MoveStage, was: list[str], right: World) -> World:
        order = right.stages[request.anchor].order
        return replace(right, stages={**right.stages, request.stage: replace(right.stages[request.stage], order=order)})


@seeded("move-is-not-stored", "STAGE-4", "Moving a stage is answered rightly, and nothing is stored.")
class _MoveIsNotStored(Arranges):
    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        before = self.world
        right = super().answer(call, request, outcome)
        if isinstance(request, MoveStage):
            self.world = before
        return right


@seeded("stage-move-unskips", "STAGE-4", "Moving a stage un-skips the services in it.")
class _StageMoveUnskips(_Moves):
    def moved(self, request: MoveStage, was: list[str], right: World) -> World:
        return all_unskipped(right, {request.stage})


@seeded("stage-move-takes-services", "STAGE-4", "Moving a stage brings the services of the other one into it.")
class _StageMoveTakesServices(_Moves):
    def moved(self, request: MoveStage, was: list[str], right: World) -> World:
        for service in right.services_in(request.anchor):
            right = right.placed(service, request.stage, skipped=right.placements[service].skipped)
        return right


@seeded("move-to-the-front-is-lost", "STAGE-4", "A stage that is moved before the first one stays where it is.")
class _MoveToTheFrontIsLost(_Moves):
    def order_after(self, request: MoveStage, was: list[str]) -> list[str]:
        return was if request.anchor == was[0] and not request.after else super().order_after(request, was)
