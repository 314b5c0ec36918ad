"""Defects of the flag in a move: it travels along (MOVE-4), or stays where it should go (MOVE-5)."""

# a hook has one signature, whatever an override makes of it

from __future__ import annotations

from stagecheck.audit.defect import seeded
from stagecheck.audit.defects.wrong import Misplaces, in_place, properties
from stagecheck.mock.app import Call
from stagecheck.mock.scenario import Scenario
from stagecheck.model.requests import Attach, Form, Request
from stagecheck.model.state import Placement, World

ANY_MOVE = ("MOVE-1", "MOVE-2", "MOVE-3")
_CROWD = 3
_MOST_MOVES = 60


# ---------------------------------------------------------------------- the flag travels along, MOVE-4


@seeded(
    "absent-body-is-a-patch",
    "MOVE-4",
    "An absent body is read as a PATCH that does not mention the flag, so the service stays skipped.",
    accepts=("MOVE-5",),
)
class _AbsentBodyIsAPatch(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        return Placement(right.stage, was.skipped) if request.form is Form.ABSENT else right


@seeded(
    "omitted-flag-is-a-patch",
    "MOVE-4",
    "A body without is_skipped leaves the flag as it was.",
    accepts=("MOVE-5",),
)
class _OmittedFlagIsAPatch(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        return Placement(right.stage, was.skipped) if request.form is Form.OMITTED else right


@seeded(
    "move-keeps-the-row",
    "MOVE-4",
    "A move updates the stage column alone, so the flag travels along, even if it is sent as false.",
)
class _MoveKeepsTheRow(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        return right if in_place(request, was) else Placement(right.stage, was.skipped)


@seeded(
    "unskip-forgotten-at-the-last-stage", "MOVE-4", "A skipped service that is moved to the last stage stays skipped."
)
class _UnskipForgottenAtTheLastStage(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        last = right.stage == self.sisters(right.stage)[-1]
        return Placement(right.stage, was.skipped) if last and not in_place(request, was) else right


@seeded("unskip-forgotten-on-the-way-back", "MOVE-4", "A skipped service that moves to an earlier stage stays skipped.")
class _UnskipForgottenOnTheWayBack(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        back = self.order(right.stage) < self.order(was.stage)
        return Placement(right.stage, was.skipped) if back and request.form.moves else right


class _Restores(Misplaces):
    """Rows are kept per service and stage; a return finds the old one and does not reset its flag."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.left: dict[tuple[str, str], bool] = {}

    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        if in_place(request, was) or not self.concerns(request):
            return right
        return Placement(right.stage, right.skipped or self.left.get((request.service, right.stage), False))

    def concerns(self, request: Attach) -> bool:
        return request.form.moves

    def commit(self, request: Attach, world: World) -> None:
        was = self.world.placements[request.service]
        self.left[request.service, was.stage] = was.skipped
        super().commit(request, world)


@seeded(
    "flag-restored-on-return",
    "MOVE-4",
    "A return to a stage in which the service was skipped restores the flag it had there.",
)
class _FlagRestoredOnReturn(_Restores):
    pass


@seeded(
    "flag-restored-on-return-with-false",
    "MOVE-4",
    "Only a move with an explicit false restores the flag that the service had in that stage before.",
)
class _FlagRestoredOnReturnWithFalse(_Restores):
    def concerns(self, request: Attach) -> bool:
        return request.form is Form.FALSE


@seeded(
    "flag-comes-back-with-the-third-move",
    "MOVE-4",
    "Being skipped is kept for two moves and comes back with the second move after the one that un-skipped.",
)
class _FlagComesBackWithTheThirdMove(Misplaces):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.since: dict[str, int] = {}

    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        if in_place(request, was) or not request.form.moves:
            self.since.pop(request.service, None)
            return right
        moves = self.since[request.service] = 1 if was.skipped else self.since.get(request.service, 9) + 1
        return Placement(right.stage, skipped=moves == 3)


# ---------------------------------------------------------------------- un-skipping in place, MOVE-5


@seeded(
    "same-stage-is-nothing-to-do", "MOVE-5", "A move to the current stage returns early, before the flag is looked at."
)
class _SameStageIsNothingToDo(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        return was if in_place(request, was) and request.form.moves else right


@seeded(
    "no-body-in-place-keeps-the-flag",
    "MOVE-5",
    "Without a body, a service addressed to its current stage stays skipped.",
)
class _NoBodyInPlaceKeepsTheFlag(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        return was if in_place(request, was) and request.form is Form.ABSENT else right


@seeded(
    "unskipped-once",
    "MOVE-5",
    "A service can be un-skipped in place once; after that its flag sticks until it is moved.",
)
class _UnskippedOnce(Misplaces):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.unskipped: set[str] = set()

    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        if not in_place(request, was):
            self.unskipped.discard(request.service)
        elif was.skipped and request.form.moves:
            if request.service in self.unskipped:
                return was
            self.unskipped.add(request.service)
        return right


@seeded("unskip-goes-home", "MOVE-5", "Un-skipping in place puts the service back into the stage that it came from.")
class _UnskipGoesHome(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        earlier = [stage for stage in self.addressed(request.service) if stage != was.stage]
        if not (in_place(request, was) and was.skipped and request.form.moves and earlier):
            return right
        return Placement(earlier[-1], skipped=False)


@seeded(
    "extra-property-hides-false",
    "MOVE-5",
    "A body with an unknown property is read as a PATCH without the flag, even if false stands beside it.",
    accepts=("MOVE-4",),
)
class _ExtraPropertyHidesFalse(Misplaces):
    extra = False

    def understand(self, call: Call) -> Request | None:
        self.extra = bool(properties(call.body) - {"is_skipped"})
        return super().understand(call)

    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        return Placement(right.stage, was.skipped) if self.extra and request.form.moves else right
