"""Defects of ownership: another organization (AUTH-3), another environment (AUTH-4)."""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

from dataclasses import replace

from stagecheck.audit.defect import seeded
from stagecheck.audit.defects.wrong import Waves
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.model.requests import (
    FOREIGN,
    OWN,
    Attach,
    Form,
    ReadList,
    ReadService,
    ReadStage,
    Request,
    is_read,
)
from stagecheck.model.state import World
from stagecheck.model.step import Accepted, Outcome, Refused

# ---------------------------------------------------------------------- another organization, AUTH-3


class _TakesForOwn(Waves):
    """Requests of another organization that `mistaken` are taken for the owner's."""

    def waved(self, request: Request) -> Request:
        return replace(request, caller=OWN) if request.caller == FOREIGN and self.mistaken(request) else request

    def mistaken(self, request: Request) -> bool:
        """Whether nobody asks for the organization."""
        things = (getattr(request, name, None) for name in ("stage", "service", "environment"))
        return any(thing and self.world.organization_of(thing) == OWN for thing in things)


@seeded("organization-not-checked", "AUTH-3", "A valid credential of any organization may do everything.")
class _OrganizationNotChecked(_TakesForOwn):
    pass


@seeded("organization-not-checked-in-lists", "AUTH-3", "The list of an environment is shown to any organization.")
class _OrganizationNotCheckedInLists(_TakesForOwn):
    def mistaken(self, request: Request) -> bool:
        return isinstance(request, ReadList) and super().mistaken(request)


@seeded(
    "organization-not-checked-in-reads",
    "AUTH-3",
    "One stage, and the stage of a service, are shown to any organization.",
)
class _OrganizationNotCheckedInReads(_TakesForOwn):
    def mistaken(self, request: Request) -> bool:
        return isinstance(request, ReadStage | ReadService) and super().mistaken(request)


@seeded("anyone-may-skip", "AUTH-3", "Another organization may not move, but it may skip.")
class _AnyoneMaySkip(_TakesForOwn):
    def mistaken(self, request: Request) -> bool:
        return isinstance(request, Attach) and request.form is Form.TRUE and super().mistaken(request)


@seeded(
    "foreign-service-abducted",
    "AUTH-3",
    "The organization is checked for the stage alone, so another one's service can be moved to ours.",
    accepts=("STATE-2",),
)
class _ForeignServiceAbducted(Mock):
    def decide(self, request: Request) -> Outcome:
        right = super().decide(request)
        if not isinstance(request, Attach) or not isinstance(right.answer, Refused) or request.caller != OWN:
            return right
        theirs = self.world.organization_of(request.service) == FOREIGN
        if not theirs or self.world.organization_of(request.stage) != OWN:
            return right
        moved = self.world.placed(request.service, request.stage, skipped=request.form is Form.TRUE)
        return Outcome(moved, Accepted(environment=self.world.environment_of(request.stage)))


@seeded("refusal-names-the-stage", "AUTH-3", "The refusal to another organization names the stage it may not see.")
class _RefusalNamesTheStage(Mock):
    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        answer = super().answer(call, request, outcome)
        stage = request.stage if isinstance(request, Attach | ReadStage) else ""
        if request.caller == FOREIGN and answer.status == 404 and self.world.organization_of(stage) == OWN:
            answer.payload = {"message": "not your stage", "stage": self.world.stages[stage].name}
        return answer


@seeded(
    "refusal-shows-the-services",
    "AUTH-3",
    "The 403 to another organization's move carries the stages of ours as context.",
)
class _RefusalShowsTheServices(Mock):
    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        answer = super().answer(call, request, outcome)
        if request.caller == FOREIGN and isinstance(request, Attach) and answer.status == 404:
            return Answer(403, {"message": "forbidden", "context": self.listing(self.scenario.environment)})
        return answer


@seeded("foreign-read-is-a-bad-request", "AUTH-3", "A read of another organization's things is answered 400.")
class _ForeignReadIsABadRequest(Mock):
    def decide(self, request: Request) -> Outcome:
        right = super().decide(request)
        foreign = isinstance(right.answer, Refused) and right.answer.requirement == "AUTH-3"
        return Outcome(self.world, Refused((), None, 400)) if foreign and is_read(request) else right


# ---------------------------------------------------------------------- another environment, AUTH-4


class _Crosses(Mock):
    """Moves across environments that `crosses` are carried out."""

    def decide(self, request: Request) -> Outcome:
        right = super().decide(request)
        if not isinstance(right.answer, Refused) or right.answer.requirement != "AUTH-4":
            return right
        assert isinstance(request, Attach)
        return self.crossed(request) or right

    def crossed(self, request: Attach) -> Outcome | None:
        """What happens instead of the refusal; None to refuse."""
        moved = self.world.placed(request.service, request.stage, skipped=request.form is Form.TRUE)
        return Outcome(moved, Accepted(environment=self.world.environment_of(request.stage)))


@seeded(
    "environments-not-compared",
    "AUTH-4",
    "A service can be moved to a stage of another environment of the organization.",
    accepts=("STATE-1", "STATE-2"),
)
class _EnvironmentsNotCompared(_Crosses):
    pass


@seeded("crossing-is-ignored", "AUTH-4", "A move to a stage of another environment is answered 200 and does nothing.")
class _CrossingIsIgnored(_Crosses):
    def crossed(self, request: Attach) -> Outcome | None:
        return Outcome(self.world, Accepted(environment=self.world.environment_of(request.service)))


@seeded(
    "services-abducted-skipped",
    "AUTH-4",
    "The environments are compared for a move, and not when is_skipped is true.",
    accepts=("STATE-1", "STATE-2"),
)
class _ServicesAbductedSkipped(_Crosses):
    def crossed(self, request: Attach) -> Outcome | None:
        return super().crossed(request) if request.form is Form.TRUE else None


class _CrossesAndRefuses(_Crosses):
    """Refuses, but carries out what `committed` says."""

    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        crossing = isinstance(outcome.answer, Refused) and outcome.answer.requirement == "AUTH-4"
        if crossing and isinstance(request, Attach):
            self.world = self.committed(request)
        return super().answer(call, request, outcome)

    def crossed(self, request: Attach) -> Outcome | None:
        return None

    def committed(self, request: Attach) -> World:
        """The world behind the refusal."""
        return self.world.placed(request.service, request.stage, skipped=False)


@seeded(
    "crossing-refused-after-the-move",
    "AUTH-4",
    "A move across environments is refused when it has been made already.",
    accepts=("STATE-6", "STATE-1", "STATE-5"),
)
class _CrossingRefusedAfterTheMove(_CrossesAndRefuses):
    pass


@seeded(
    "crossing-unskips-the-other-side",
    "AUTH-4",
    "A refused move of another environment's service has set its flag there.",
    accepts=("STATE-6",),
)
class _CrossingUnskipsTheOtherSide(_CrossesAndRefuses):
    def committed(self, request: Attach) -> World:
        here = self.world.placements[request.service]
        if self.world.environment_of(request.service) != self.scenario.second_environment:
            return self.world
        return self.world.placed(request.service, here.stage, skipped=not here.skipped)
