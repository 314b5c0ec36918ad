"""Defects of moving: the service does not arrive (MOVE-1, MOVE-2, MOVE-3)."""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

from stagecheck.audit.defect import seeded
from stagecheck.audit.defects.wrong import Denies, Misplaces, in_place, properties
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.model.requests import Attach, Form
from stagecheck.model.state import Placement
from stagecheck.model.step import Refused

ANY_MOVE = ("MOVE-1", "MOVE-2", "MOVE-3")
_CROWD = 3
_MOST_MOVES = 60


# ---------------------------------------------------------------------- the service does not arrive, MOVE-1, MOVE-2


@seeded("false-is-flag-only", "MOVE-1", "A body that carries is_skipped changes the flag alone, so false never moves.")
class _FalseIsFlagOnly(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        return Placement(was.stage, skipped=False) if request.form is Form.FALSE else right


@seeded(
    "last-stage-out-of-range",
    "MOVE-1",
    "The position of the stage is clamped one too low, so what is sent to the last stage lands in the one before it.",
    accepts=("MOVE-2", "MOVE-3"),
)
class _LastStageOutOfRange(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        stages = self.sisters(right.stage)
        if in_place(request, was) or right.stage != stages[-1] or len(stages) < 2:
            return right
        return Placement(stages[-2], right.skipped)


@seeded(
    "empty-stages-not-found",
    "MOVE-1",
    "The stage is looked up by joining its services, so a move into an empty stage goes to the first stage.",
    accepts=("MOVE-2", "MOVE-3"),
)
class _EmptyStagesNotFound(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        if self.world.services_in(right.stage):
            return right
        return Placement(self.sisters(right.stage)[0], right.skipped)


@seeded(
    "crowded-stage-overflows",
    "MOVE-1",
    "A stage takes three services; a fourth one is put into the next stage without a word.",
    accepts=("MOVE-2", "MOVE-3"),
)
class _CrowdedStageOverflows(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        if in_place(request, was) or len(self.world.services_in(right.stage)) < _CROWD:
            return right
        stages = self.sisters(right.stage)
        return Placement(stages[(stages.index(right.stage) + 1) % len(stages)], right.skipped)


@seeded(
    "jobs-stay-with-jobs",
    "MOVE-1",
    "Services of type JOB are always put into the job stage, whatever stage is addressed.",
    accepts=("MOVE-2", "MOVE-3"),
)
class _JobsStayWithJobs(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        if self.world.services[request.service].type != "JOB":
            return right
        jobs = next((s.id for s in self.world.stages.values() if s.name == "JOB DEFAULT"), right.stage)
        return Placement(jobs, right.skipped)


@seeded(
    "moves-run-out",
    "MOVE-1",
    f"After {_MOST_MOVES} moves the history table is full, and further moves are answered 200 without moving.",
    accepts=("MOVE-2", "MOVE-3"),
)
class _MovesRunOut(Misplaces):
    moves = 0

    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        if in_place(request, was):
            return right
        self.moves += 1
        return right if self.moves <= _MOST_MOVES else Placement(was.stage, right.skipped)


@seeded(
    "quota-of-moves-per-service",
    "MOVE-1",
    "A service that was moved forty times is answered 409 from then on, for good.",
    accepts=("MOVE-2", "MOVE-3"),
)
class _QuotaOfMovesPerService(Denies):
    def denied(self, request: Attach, was: Placement) -> int | None:
        moves = len(self.addressed(request.service))
        return 409 if moves >= 40 and not in_place(request, was) else None


@seeded(
    "third-stage-forgotten",
    "MOVE-1",
    "A service keeps two stages in its history, and a move on to a third one in a row is acknowledged but forgotten.",
    accepts=("MOVE-2", "MOVE-3"),
)
class _ThirdStageForgotten(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        recent = self.addressed(request.service)[-2:]
        if len(set(recent)) < 2 or right.stage in recent or was.stage != recent[-1]:
            return right
        return Placement(was.stage, right.skipped)


@seeded(
    "way-back-is-debounced",
    "MOVE-1",
    "A request equal to the last but one is taken for a double click, so going there and back again does nothing.",
    accepts=("MOVE-2", "MOVE-3"),
)
class _WayBackIsDebounced(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        double = len(self.past) > 1 and self.past[-2] == request and self.past[-1].service == request.service
        return was if double and not in_place(request, was) else right


@seeded(
    "skipped-services-cannot-move",
    "MOVE-1",
    "A move of a skipped service is answered 409: un-skip it first, says the message.",
    accepts=("MOVE-2", "MOVE-3", "MOVE-4"),
)
class _SkippedServicesCannotMove(Denies):
    def denied(self, request: Attach, was: Placement) -> int | None:
        return 409 if was.skipped and request.form.moves and not in_place(request, was) else None


@seeded("empty-object-changes-nothing", "MOVE-2", "An empty object has nothing to apply and is answered as it stands.")
class _EmptyObjectChangesNothing(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        return was if request.form is Form.OMITTED else right


@seeded(
    "empty-object-is-no-body",
    "MOVE-2",
    "An empty object is false in the language, so it is answered 400: body required.",
)
class _EmptyObjectIsNoBody(Mock):
    def handle(self, call: Call) -> Answer:
        if call.method == "PUT" and call.body.strip() == b"{}":
            return self.refusal(Refused((), None, 400))
        return super().handle(call)


@seeded(
    "unknown-properties-refused",
    "MOVE-2",
    "A body with a property that the server does not know is answered 400.",
    accepts=("MOVE-1", "SKIP-1"),
)
class _UnknownPropertiesRefused(Mock):
    def handle(self, call: Call) -> Answer:
        if call.method == "PUT" and properties(call.body) - {"is_skipped"}:
            return self.refusal(Refused((), None, 400))
        return super().handle(call)


# ---------------------------------------------------------------------- no body at all, MOVE-3


@seeded("body-required", "MOVE-3", "A request without a body is answered 400.")
class _BodyRequired(Denies):
    def denied(self, request: Attach, was: Placement) -> int | None:
        return 400 if request.form is Form.ABSENT else None


@seeded(
    "empty-json-is-malformed",
    "MOVE-3",
    "An empty body under application/json is parsed all the same, and answered 400.",
)
class _EmptyJsonIsMalformed(Mock):
    def handle(self, call: Call) -> Answer:
        if call.method == "PUT" and not call.body and "content-type" in call.headers:
            return self.refusal(Refused((), None, 400))
        return super().handle(call)


@seeded(
    "content-type-required", "MOVE-3", "A request without a content type is answered 415, even when it has no body."
)
class _ContentTypeRequired(Mock):
    def handle(self, call: Call) -> Answer:
        if call.method == "PUT" and "content-type" not in call.headers:
            return self.refusal(Refused((), None, 415))
        return super().handle(call)


@seeded(
    "no-body-returns-early", "MOVE-3", "Without a body the handler returns the present stages before it moves anything."
)
class _NoBodyReturnsEarly(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        return was if request.form is Form.ABSENT else right


@seeded(
    "no-body-goes-to-the-next-stage",
    "MOVE-3",
    "Without a body the stage is taken to be the next one behind the current stage.",
)
class _NoBodyGoesToTheNextStage(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        if request.form is not Form.ABSENT or in_place(request, was):
            return right
        stages = self.sisters(was.stage)
        return Placement(stages[(stages.index(was.stage) + 1) % len(stages)], right.skipped)
