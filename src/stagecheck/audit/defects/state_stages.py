"""Defects of stages that do not stay as they are (STATE-3), and of repeats that are not harmless (STATE-4)."""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stagecheck.audit.defect import seeded
from stagecheck.audit.defects.wrong import Denies, Misplaces, in_place
from stagecheck.mock.scenario import CREATED_AT, stable_id
from stagecheck.model.requests import Attach, Form
from stagecheck.model.state import Placement, Stage, World

# ---------------------------------------------------------------------- stages stay as they are, STATE-3


class _Rewrites(Misplaces):
    """Every attach request that is carried out passes the addressed stage through `rewritten`."""

    def commit(self, request: Attach, world: World) -> None:
        super().commit(request, world)
        stage = self.rewritten(request, self.world.stages[request.stage])
        self.world = replace(self.world, stages={**self.world.stages, stage.id: stage})

    def rewritten(self, request: Attach, stage: Stage) -> Stage:
        """The stage after the request."""
        return stage


@seeded(
    "description-cleared",
    "STATE-3",
    "A move saves the whole stage without its description, which is empty from then on.",
)
class _DescriptionCleared(_Rewrites):
    def rewritten(self, request: Attach, stage: Stage) -> Stage:
        return replace(stage, description="")


@seeded(
    "name-tidied-on-write",
    "STATE-3",
    "A stage is saved with its name in title case whenever a service is skipped in it.",
)
class _NameTidiedOnWrite(_Rewrites):
    def rewritten(self, request: Attach, stage: Stage) -> Stage:
        return replace(stage, name=(stage.name or "").title()) if request.form is Form.TRUE else stage


@seeded("addressed-stage-goes-last", "STATE-3", "A move into a stage gives it the highest deployment_order.")
class _AddressedStageGoesLast(_Rewrites):
    def rewritten(self, request: Attach, stage: Stage) -> Stage:
        highest = max(self.order(key) for key in self.sisters(stage.id))
        return stage if self.order(stage.id) == highest else replace(stage, order=highest + 1)


@seeded(
    "empty-stage-removed",
    "STATE-3",
    "A stage whose last service leaves is not shown any more until it gets one again.",
    accepts=("SHAPE-3",),
)
class _EmptyStageRemoved(Misplaces):
    def listing(self, environment: str) -> dict[str, Any]:
        used = {self.scenario.world.placements[request.service].stage for request in self.past}
        used |= {request.stage for request in self.past}
        stages = super().listing(environment)["results"]
        return {"results": [stage for stage in stages if stage["services"] or stage["id"] not in used]}


@seeded("skipping-makes-a-stage", "STATE-3", "The first skip creates a stage named SKIPPED in the environment.")
class _SkippingMakesAStage(_Rewrites):
    def rewritten(self, request: Attach, stage: Stage) -> Stage:
        if request.form is not Form.TRUE:
            return stage
        made = Stage(stable_id("made"), stage.environment, "SKIPPED", "", 99, CREATED_AT)
        self.world = replace(self.world, stages={**self.world.stages, made.id: made})
        return stage


# ---------------------------------------------------------------------- repeating is harmless, STATE-4


class _Repeats(Misplaces):
    """`times` counts how often the very same attach request has been carried out in a row, the present one included."""

    times = 1

    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        self.times = self.times + 1 if self.past and self.past[-1] == request else 1
        return self.repeated(request, right) if self.times > 1 else right

    def repeated(self, request: Attach, right: Placement) -> Placement:
        """Where the service goes when the request is a repeat."""
        return right


@seeded("skip-toggles", "STATE-4", "True sent again un-skips: the flag is toggled instead of set.", accepts=("SKIP-1",))
class _SkipToggles(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        if in_place(request, was) and request.form is Form.TRUE:
            return Placement(was.stage, not was.skipped)
        return right


@seeded(
    "repeated-move-is-undone",
    "STATE-4",
    "A move that is repeated at once is undone: the service goes back where it came from.",
)
class _RepeatedMoveIsUndone(_Repeats):
    def repeated(self, request: Attach, right: Placement) -> Placement:
        earlier = [stage for stage in self.addressed(request.service) if stage != right.stage]
        return Placement(earlier[-1], right.skipped) if earlier and self.times == 2 else right


@seeded(
    "third-of-a-kind-moves-on", "STATE-4", "The third equal request in a row moves the service on to the next stage."
)
class _ThirdOfAKindMovesOn(_Repeats):
    def repeated(self, request: Attach, right: Placement) -> Placement:
        stages = self.sisters(right.stage)
        following = stages[(stages.index(right.stage) + 1) % len(stages)]
        return Placement(following, right.skipped) if self.times == 3 else right


@seeded("repeat-skips", "STATE-4", "A repeated move without a body is taken for a click on the skip button.")
class _RepeatSkips(_Repeats):
    def repeated(self, request: Attach, right: Placement) -> Placement:
        return Placement(right.stage, skipped=True) if request.form is Form.ABSENT else right


@seeded(
    "repeat-is-a-conflict",
    "STATE-4",
    "A request that would change nothing is answered 409.",
    accepts=("MOVE-1", "MOVE-2", "MOVE-3", "SKIP-1"),
)
class _RepeatIsAConflict(Denies):
    def denied(self, request: Attach, was: Placement) -> int | None:
        right = Placement(request.stage, skipped=request.form is Form.TRUE)
        return 409 if was == right else None


@seeded(
    "repeated-skip-is-a-conflict",
    "STATE-4",
    "Skipping a service that is skipped already is answered 400.",
    accepts=("SKIP-1",),
)
class _RepeatedSkipIsAConflict(Denies):
    def denied(self, request: Attach, was: Placement) -> int | None:
        return 400 if was.skipped and in_place(request, was) and request.form is Form.TRUE else None
