"""Defects of telling the truth: reads that disagree (STATE-5) and refusals that were carried out (STATE-6)."""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

from dataclasses import replace

from stagecheck.audit.defect import seeded
from stagecheck.audit.defects.wrong import Misplaces, Waves, in_place, obeyed
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import Scenario
from stagecheck.model.requests import (
    FOREIGN,
    OWN,
    Attach,
    Form,
    OtherMethod,
    ReadList,
    ReadService,
    ReadStage,
    Request,
    is_read,
)
from stagecheck.model.state import World
from stagecheck.model.step import Accepted, Outcome, Refused

# ---------------------------------------------------------------------- reads that disagree, STATE-5


class _SeesOtherwise(Misplaces):
    """`seen` says which world an accepted request shows; writes go on as they should."""

    def accepted(self, request: Request, answer: Accepted) -> Answer:
        now, seen = self.world, self.seen(request)
        if answer.stage is not None and answer.stage not in seen.stages:
            # What was made since is not there to be seen otherwise.
            seen = now
        self.world = seen
        try:
            if isinstance(request, ReadService):
                answer = Accepted(stage=self.world.placements[request.service].stage)
            return super().accepted(request, answer)
        finally:
            self.world = now

    def seen(self, request: Request) -> World:
        """The world that the answer shows."""
        return self.world


class _SeesThePast(_SeesOtherwise):
    """`before`: the world before the last write."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.before = self.world

    def commit(self, request: Attach, world: World) -> None:
        self.before = self.world
        super().commit(request, world)


@seeded("list-cached-for-good", "STATE-5", "The list is read once and answered from the cache ever after.")
class _ListCachedForGood(_SeesOtherwise):
    cached: World | None = None

    def seen(self, request: Request) -> World:
        if not isinstance(request, ReadList):
            return self.world
        self.cached = self.cached or self.world
        return self.cached


@seeded(
    "list-cache-survives-a-skip",
    "STATE-5",
    "The cached list is dropped when a service moves, and not when its flag changes.",
)
class _ListCacheSurvivesASkip(_SeesOtherwise):
    cached: World | None = None

    def commit(self, request: Attach, world: World) -> None:
        if self.world.placements[request.service].stage != world.placements[request.service].stage:
            self.cached = None
        super().commit(request, world)

    def seen(self, request: Request) -> World:
        if not isinstance(request, ReadList):
            return self.world
        self.cached = self.cached or self.world
        return self.cached


@seeded(
    "index-updated-on-the-first-move-only",
    "STATE-5",
    "The index from service to stage is written when a service is moved for the first time, and never again.",
)
class _IndexUpdatedOnTheFirstMoveOnly(_SeesOtherwise):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.index: dict[str, str] = {}

    def commit(self, request: Attach, world: World) -> None:
        if world.placements[request.service].stage != self.world.placements[request.service].stage:
            self.index.setdefault(request.service, world.placements[request.service].stage)
        super().commit(request, world)

    def accepted(self, request: Request, answer: Accepted) -> Answer:
        if isinstance(request, ReadService) and request.service in self.index:
            return Answer(200, self.stage(self.index[request.service]))
        return super().accepted(request, answer)


@seeded("stage-read-lags", "STATE-5", "One stage is read from a replica that is one write behind.")
class _StageReadLags(_SeesThePast):
    def seen(self, request: Request) -> World:
        return self.before if isinstance(request, ReadStage) else self.world


@seeded(
    "service-read-lags-after-a-skip",
    "STATE-5",
    "The stage of a service is shown as before the last write if that set a flag.",
)
class _ServiceReadLagsAfterASkip(_SeesThePast):
    def seen(self, request: Request) -> World:
        stale = isinstance(request, ReadService) and bool(self.past) and self.past[-1].form is Form.TRUE
        return self.before if stale else self.world


@seeded(
    "answer-built-before-the-write",
    "STATE-5",
    "The answer to the PUT is built before the write, so it shows the state as it was.",
    accepts=("MOVE-1", "MOVE-2", "MOVE-3", "SKIP-1"),
)
class _AnswerBuiltBeforeTheWrite(_SeesThePast):
    def seen(self, request: Request) -> World:
        return self.before if isinstance(request, Attach) else self.world


@seeded(
    "answer-shows-the-flag-that-was-sent",
    "STATE-5",
    "The answer to a true shows the flag as it was sent, but it is saved as false in the last stage.",
    accepts=("SKIP-1",),
)
class _AnswerShowsTheFlagThatWasSent(Misplaces):
    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        answer = super().answer(call, request, outcome)
        if isinstance(request, Attach) and request.form is Form.TRUE and answer.status == 200:
            now = self.world.placements[request.service]
            if now.stage == self.sisters(now.stage)[-1]:
                self.world = self.world.placed(request.service, now.stage, skipped=False)
        return answer


@seeded(
    "old-stage-read-keeps-the-service",
    "STATE-5",
    "Reading the stage that a service has just left still shows it there.",
)
class _OldStageReadKeepsTheService(_SeesThePast):
    def seen(self, request: Request) -> World:
        if not isinstance(request, ReadStage) or not self.past:
            return self.world
        left = self.before.placements[self.past[-1].service].stage
        return self.before if request.stage == left else self.world


@seeded("list-shows-nothing-skipped", "STATE-5", "The list leaves the flag out, so nothing looks skipped in it.")
class _ListShowsNothingSkipped(_SeesOtherwise):
    def seen(self, request: Request) -> World:
        if not isinstance(request, ReadList):
            return self.world
        placements = {key: replace(place, skipped=False) for key, place in self.world.placements.items()}
        return replace(self.world, placements=placements)


@seeded("skipped-services-cannot-be-asked-for", "STATE-5", "The stage of a skipped service is answered 404.")
class _SkippedServicesCannotBeAskedFor(Mock):
    def decide(self, request: Request) -> Outcome:
        place = self.world.placements.get(request.service) if isinstance(request, ReadService) else None
        if place is not None and place.skipped and request.caller == OWN:
            return Outcome(self.world, Refused((), None, 404))
        return super().decide(request)


@seeded(
    "read-moves-home",
    "STATE-5",
    "Reading the stage of a service puts it back into the stage where it began.",
    accepts=("STATE-2",),
)
class _ReadMovesHome(Mock):
    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        answer = super().answer(call, request, outcome)
        if isinstance(request, ReadService) and answer.status == 200:
            home = self.scenario.world.placements[request.service]
            now = self.world.placements[request.service]
            self.world = self.world.placed(request.service, home.stage, skipped=now.skipped)
        return answer


# ---------------------------------------------------------------------- refused, and yet done, STATE-6


class _ActsThenRefuses(Waves):
    """A refused request that `acts` is carried out all the same."""

    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        if isinstance(outcome.answer, Refused) and not is_read(request):
            self.act(request, outcome.answer)
        return super().answer(call, request, outcome)

    def act(self, request: Request, refused: Refused) -> None:
        """Do what is going to be refused, if it is of the kind that slips through."""
        if isinstance(request, OtherMethod):
            request = Attach(request.stage, request.service, Form.ABSENT)
        if isinstance(request, Attach) and self.acts(request, refused):
            self.carry_out(request)

    def carry_out(self, request: Attach) -> None:
        """Commit what the request asks for, as if it were a good one."""
        before, after = self.world, obeyed(self.world, request)
        if after is not before:
            self.commit(request, after)
            self.touch(request, before)

    def acts(self, request: Attach, refused: Refused) -> bool:
        """Whether this refused request is carried out."""
        return False


@seeded(
    "flag-checked-after-the-move",
    "STATE-6",
    "A flag of a wrong type is answered 422 when the service has been moved already.",
)
class _FlagCheckedAfterTheMove(_ActsThenRefuses):
    def acts(self, request: Attach, refused: Refused) -> bool:
        return refused.requirement == "ERR-4"


@seeded(
    "body-parsed-after-the-move", "STATE-6", "Malformed JSON is answered 400 when the service has been moved already."
)
class _BodyParsedAfterTheMove(_ActsThenRefuses):
    def acts(self, request: Attach, refused: Refused) -> bool:
        return refused.requirement == "ERR-5"


@seeded(
    "array-refused-after-the-move",
    "STATE-6",
    "A body that is no object is answered 422 when the service has been moved already.",
)
class _ArrayRefusedAfterTheMove(_ActsThenRefuses):
    def acts(self, request: Attach, refused: Refused) -> bool:
        return refused.requirement == "ERR-6"


@seeded(
    "credential-checked-after-the-write",
    "STATE-6",
    "A missing or worthless credential is answered 401 after the write.",
    accepts=("AUTH-1",),
)
class _CredentialCheckedAfterTheWrite(_ActsThenRefuses):
    def acts(self, request: Attach, refused: Refused) -> bool:
        return refused.requirement == "AUTH-1"


@seeded(
    "expiry-checked-after-the-write",
    "STATE-6",
    "The expiry of a JWT is looked at when the write is done.",
    accepts=("AUTH-2",),
)
class _ExpiryCheckedAfterTheWrite(_ActsThenRefuses):
    def acts(self, request: Attach, refused: Refused) -> bool:
        return refused.requirement == "AUTH-2"


@seeded(
    "owner-checked-after-a-skip",
    "STATE-6",
    "Another organization's skip is answered 404 after the flag was set.",
    accepts=("AUTH-3",),
)
class _OwnerCheckedAfterASkip(_ActsThenRefuses):
    def acts(self, request: Attach, refused: Refused) -> bool:
        return request.caller == FOREIGN and request.form is Form.TRUE


@seeded(
    "post-acts-before-405",
    "STATE-6",
    "A POST on the path is carried out by the shared handler and then answered 405.",
    accepts=("ERR-7",),
)
class _PostActsBefore405(_ActsThenRefuses):
    def act(self, request: Request, refused: Refused) -> None:
        if isinstance(request, OtherMethod) and request.method == "POST" and request.caller == OWN:
            super().act(request, refused)

    def acts(self, request: Attach, refused: Refused) -> bool:
        return True


@seeded(
    "unknown-stage-unskips",
    "STATE-6",
    "The flag is reset before the stage is looked up, so an unknown stage un-skips and is answered 404.",
)
class _UnknownStageUnskips(_ActsThenRefuses):
    def acts(self, request: Attach, refused: Refused) -> bool:
        return refused.requirement == "ERR-2" and request.service in self.world.placements and request.caller == OWN

    def carry_out(self, request: Attach) -> None:
        here = self.world.placements[request.service]
        super().carry_out(replace(request, stage=here.stage, form=Form.FALSE))


@seeded(
    "malformed-stage-moves-to-the-first",
    "STATE-6",
    "A stage id that is no UUID falls back to the first stage before it is answered 400.",
)
class _MalformedStageMovesToTheFirst(_ActsThenRefuses):
    def acts(self, request: Attach, refused: Refused) -> bool:
        return refused.requirement == "ERR-3" and request.service in self.world.placements and request.caller == OWN

    def carry_out(self, request: Attach) -> None:
        here = self.world.placements[request.service]
        super().carry_out(replace(request, stage=self.sisters(here.stage)[0], form=Form.FALSE))


@seeded(
    "conflict-after-the-move",
    "STATE-6",
    "True to another stage is refused with 409, but the service has been moved.",
    accepts=("SKIP-2",),
)
class _ConflictAfterTheMove(_ActsThenRefuses):
    def decide(self, request: Request) -> Outcome:
        right = super().decide(request)
        if not isinstance(request, Attach) or isinstance(right.answer, Refused) or request.form is not Form.TRUE:
            return right
        if in_place(request, self.world.placements[request.service]):
            return right
        return Outcome(self.world, Refused((), "SKIP-2", 409))

    def acts(self, request: Attach, refused: Refused) -> bool:
        return refused.requirement == "SKIP-2"

    def carry_out(self, request: Attach) -> None:
        super().carry_out(replace(request, form=Form.ABSENT))
