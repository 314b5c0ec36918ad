"""Defects of skipping: in place (SKIP-1), and of following no reading, or more than one (SKIP-2)."""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

from stagecheck.audit.defect import seeded
from stagecheck.audit.defects.wrong import Denies, Misplaces, in_place
from stagecheck.mock.app import Call
from stagecheck.mock.scenario import Scenario
from stagecheck.model.requests import Attach, Form
from stagecheck.model.state import Placement

# ---------------------------------------------------------------------- in place, SKIP-1


@seeded(
    "skip-in-place-ignored",
    "SKIP-1",
    "A service addressed to its current stage is left as it is, so it is never skipped.",
)
class _SkipInPlaceIgnored(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        return was if in_place(request, was) and request.form is Form.TRUE else right


@seeded("skipping-parks", "SKIP-1", "Skipping parks the service in the first stage instead of leaving it where it is.")
class _SkippingParks(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        if not (in_place(request, was) and request.form is Form.TRUE):
            return right
        return Placement(self.sisters(was.stage)[0], skipped=True)


@seeded(
    "skip-in-the-last-stage-ignored",
    "SKIP-1",
    "In the last stage nothing can be skipped, and the answer does not say so.",
)
class _SkipInTheLastStageIgnored(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        last = right.stage == self.sisters(right.stage)[-1]
        return Placement(right.stage, skipped=False) if last and in_place(request, was) else right


@seeded(
    "databases-cannot-be-skipped", "SKIP-1", "Skipping a service of type DATABASE is answered 422.", accepts=("SKIP-2",)
)
class _DatabasesCannotBeSkipped(Denies):
    def denied(self, request: Attach, was: Placement) -> int | None:
        database = self.world.services[request.service].type == "DATABASE"
        return 422 if database and request.form is Form.TRUE else None


@seeded(
    "skipped-once-only",
    "SKIP-1",
    "A service that was skipped in a stage and un-skipped again cannot be skipped there any more.",
)
class _SkippedOnceOnly(Misplaces):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.used: set[tuple[str, str]] = set()

    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        key = (request.service, right.stage)
        if was.skipped and not right.skipped:
            self.used.add((request.service, was.stage))
        if in_place(request, was) and request.form is Form.TRUE and key in self.used:
            return Placement(right.stage, was.skipped)
        return right


@seeded(
    "flag-must-come-first", "SKIP-1", "is_skipped counts only as the first property of the body.", accepts=("SKIP-2",)
)
class _FlagMustComeFirst(Misplaces):
    def read_body(self, call: Call) -> tuple[Form, bool]:
        form, other_media = super().read_body(call)
        hidden = form is Form.TRUE and not call.body.lstrip(b" \t\r\n{").startswith(b'"is_skipped"')
        return (Form.OMITTED if hidden else form), other_media


@seeded(
    "one-skipped-service-per-stage",
    "SKIP-1",
    "While another service of the stage is skipped, skipping one more does nothing.",
)
class _OneSkippedServicePerStage(Misplaces):
    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        company = [key for key in self.world.services_in(right.stage) if key != request.service]
        taken = any(self.world.placements[key].skipped for key in company)
        return was if taken and in_place(request, was) and request.form is Form.TRUE else right


@seeded(
    "skip-right-after-a-move-lost",
    "SKIP-1",
    "A skip that follows a move of the same service is overwritten when the move settles.",
)
class _SkipRightAfterAMoveLost(Misplaces):
    moved: str | None = None

    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        lost = self.moved == request.service and in_place(request, was) and request.form is Form.TRUE
        self.moved = None if in_place(request, was) else request.service
        return was if lost else right


# ---------------------------------------------------------------------- true to another stage, SKIP-2


class _TrueElsewhere(Misplaces):
    """`elsewhere` says what true to another stage does."""

    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        if in_place(request, was) or request.form is not Form.TRUE:
            return right
        return self.elsewhere(request, was)

    def elsewhere(self, request: Attach, was: Placement) -> Placement:
        return Placement(request.stage, skipped=True)


@seeded(
    "reading-depends-on-direction",
    "SKIP-2",
    "True to a later stage moves and skips; true to an earlier one skips in place.",
)
class _ReadingDependsOnDirection(_TrueElsewhere):
    def elsewhere(self, request: Attach, was: Placement) -> Placement:
        later = self.order(request.stage) > self.order(was.stage)
        return Placement(request.stage if later else was.stage, skipped=True)


@seeded(
    "reading-depends-on-the-flag",
    "SKIP-2",
    "True to another stage moves and skips an un-skipped service, but un-skips a skipped one as it moves it.",
)
class _ReadingDependsOnTheFlag(_TrueElsewhere):
    def elsewhere(self, request: Attach, was: Placement) -> Placement:
        return Placement(request.stage, skipped=not was.skipped)


@seeded("reading-depends-on-the-service", "SKIP-2", "True to another stage moves and skips, but containers only move.")
class _ReadingDependsOnTheService(_TrueElsewhere):
    def elsewhere(self, request: Attach, was: Placement) -> Placement:
        container = self.world.services[request.service].type == "CONTAINER"
        return Placement(request.stage, skipped=not container)


@seeded(
    "reading-depends-on-an-empty-stage",
    "SKIP-2",
    "True to an empty stage skips in place; to any other it moves and skips.",
)
class _ReadingDependsOnAnEmptyStage(_TrueElsewhere):
    def elsewhere(self, request: Attach, was: Placement) -> Placement:
        empty = not self.world.services_in(request.stage)
        return Placement(was.stage if empty else request.stage, skipped=True)


@seeded(
    "reading-changes-after-the-third-time",
    "SKIP-2",
    "The first three times true to another stage moves and skips a service, from then on it skips in place.",
)
class _ReadingChangesAfterTheThirdTime(_TrueElsewhere):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.times: dict[str, int] = {}

    def elsewhere(self, request: Attach, was: Placement) -> Placement:
        times = self.times[request.service] = self.times.get(request.service, 0) + 1
        return Placement(request.stage if times <= 3 else was.stage, skipped=True)


@seeded(
    "true-elsewhere-does-nothing",
    "SKIP-2",
    "True to another stage is answered 200 and changes nothing: no reading at all.",
)
class _TrueElsewhereDoesNothing(_TrueElsewhere):
    def elsewhere(self, request: Attach, was: Placement) -> Placement:
        return was


@seeded(
    "true-elsewhere-unskips-in-place",
    "SKIP-2",
    "True to another stage un-skips the service where it is: no reading at all.",
)
class _TrueElsewhereUnskipsInPlace(_TrueElsewhere):
    def elsewhere(self, request: Attach, was: Placement) -> Placement:
        return Placement(was.stage, skipped=False)


@seeded(
    "true-elsewhere-lands-in-the-first-stage",
    "SKIP-2",
    "True to another stage skips the service in the first stage of the environment: no reading at all.",
)
class _TrueElsewhereLandsInTheFirstStage(_TrueElsewhere):
    def elsewhere(self, request: Attach, was: Placement) -> Placement:
        return Placement(self.sisters(was.stage)[0], skipped=True)


@seeded(
    "refused-only-when-skipped",
    "SKIP-2",
    "True to another stage is refused for a skipped service, and carried out for any other.",
)
class _RefusedOnlyWhenSkipped(Denies):
    def denied(self, request: Attach, was: Placement) -> int | None:
        return 409 if was.skipped and request.form is Form.TRUE and not in_place(request, was) else None
