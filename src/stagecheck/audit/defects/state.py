"""Defects of keeping services whole: copies and losses (STATE-1), neighbours (STATE-2)."""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stagecheck.audit.defect import seeded
from stagecheck.audit.defects.wrong import Misplaces, in_place
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import CREATED_AT, Scenario, stable_id
from stagecheck.model.requests import Attach, Form
from stagecheck.model.state import Placement, World

# ---------------------------------------------------------------------- in exactly one stage, STATE-1


class _Copies(Misplaces):
    """Stages keep `copies`: services that they show besides those that are in them."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.copies: set[tuple[str, str]] = set()

    def members(self, stage_id: str) -> tuple[str, ...]:
        right = super().members(stage_id)
        return (*right, *sorted(service for stage, service in self.copies if stage == stage_id))

    def commit(self, request: Attach, world: World) -> None:
        was = self.world.placements[request.service].stage
        super().commit(request, world)
        self.copies.discard((request.stage, request.service))
        if was != self.world.placements[request.service].stage:
            self.moved(request, was)

    def moved(self, request: Attach, was: str) -> None:
        """A service has just left the stage `was`."""


@seeded("old-entry-stays", "STATE-1", "A move adds the service to the new stage and never takes it out of the old one.")
class _OldEntryStays(_Copies):
    def moved(self, request: Attach, was: str) -> None:
        self.copies.add((was, request.service))


@seeded("skipped-entry-stays", "STATE-1", "A move of a skipped service leaves its old entry behind.")
class _SkippedEntryStays(_Copies):
    skipped = False

    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        self.skipped = was.skipped
        return right

    def moved(self, request: Attach, was: str) -> None:
        if self.skipped:
            self.copies.add((was, request.service))


@seeded(
    "third-move-leaves-a-copy",
    "STATE-1",
    "The third move in a row of one service to a stage it was not in just before leaves its entry behind.",
)
class _ThirdMoveLeavesACopy(_Copies):
    def moved(self, request: Attach, was: str) -> None:
        run = [past.service for past in self.past[-3:]]
        stages = {past.stage for past in self.past[-3:]}
        if run == [request.service] * 3 and len(stages) == 3:
            self.copies.add((was, request.service))


@seeded(
    "return-makes-a-second-entry",
    "STATE-1",
    "A return to a stage revives the old entry beside the new one, twice in one stage.",
)
class _ReturnMakesASecondEntry(_Copies):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.left: set[tuple[str, str]] = set()

    def moved(self, request: Attach, was: str) -> None:
        self.left.add((was, request.service))
        if (request.stage, request.service) in self.left:
            self.copies.add((request.stage, request.service))


@seeded(
    "repeat-attaches-again",
    "STATE-1",
    "A service sent to the stage it is in already is appended to it once more.",
    accepts=("STATE-4",),
)
class _RepeatAttachesAgain(_Copies):
    def commit(self, request: Attach, world: World) -> None:
        here = self.world.placements[request.service].stage == request.stage
        super().commit(request, world)
        if here and request.form.moves:
            self.copies.add((request.stage, request.service))


@seeded(
    "skipped-services-hidden",
    "STATE-1",
    "Stages are joined with their un-skipped services, so a skipped one is in no stage.",
)
class _SkippedServicesHidden(Mock):
    def members(self, stage_id: str) -> tuple[str, ...]:
        return tuple(key for key in super().members(stage_id) if not self.world.placements[key].skipped)


@seeded("lost-in-the-last-stage", "STATE-1", "A service that is moved to the last stage falls off the end of the list.")
class _LostInTheLastStage(_Copies):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.lost: set[str] = set()

    def members(self, stage_id: str) -> tuple[str, ...]:
        return tuple(key for key in super().members(stage_id) if key not in self.lost)

    def moved(self, request: Attach, was: str) -> None:
        self.lost.discard(request.service)
        if request.stage == self.sisters(request.stage)[-1]:
            self.lost.add(request.service)


@seeded(
    "capitals-make-a-second-thing",
    "STATE-1",
    "Entries are keyed by the id as it was spelled, so an id in capitals is attached beside the one in small letters.",
    accepts=("STATE-2",),
)
class _CapitalsMakeASecondThing(_Copies):
    spelled = ""

    def identifier(self, segment: str) -> str:
        self.spelled = segment
        return super().identifier(segment)

    def moved(self, request: Attach, was: str) -> None:
        if self.spelled != request.service:
            self.copies.add((was, request.service))


# ---------------------------------------------------------------------- nobody else changes, STATE-2


class _Disturbs(Misplaces):
    """Every attach request that is carried out also changes what `disturbed` says."""

    def commit(self, request: Attach, world: World) -> None:
        was = self.world.placements[request.service]
        super().commit(request, world)
        for service, placement in self.disturbed(request, was).items():
            moved = self.world.placements[service].stage != placement.stage
            self.world = self.world.placed(service, placement.stage, skipped=placement.skipped)
            if moved:
                self.attachments[service] = self.attachment(service)

    def disturbed(self, request: Attach, was: Placement) -> dict[str, Placement]:
        """Services that change though they were not addressed, with their new placement."""
        return {}

    def neighbours(self, request: Attach, stage: str | None = None) -> list[str]:
        """The other services of a stage, by default of the addressed one."""
        return [key for key in self.world.services_in(stage or request.stage) if key != request.service]


@seeded("skip-without-a-where", "STATE-2", "Skipping updates every row of the stage, not only the one of the service.")
class _SkipWithoutAWhere(_Disturbs):
    def disturbed(self, request: Attach, was: Placement) -> dict[str, Placement]:
        if request.form is not Form.TRUE:
            return {}
        return {key: Placement(request.stage, skipped=True) for key in self.neighbours(request)}


@seeded("unskip-without-a-where", "STATE-2", "A move into a stage un-skips every service that is there.")
class _UnskipWithoutAWhere(_Disturbs):
    def disturbed(self, request: Attach, was: Placement) -> dict[str, Placement]:
        if in_place(request, was) or not request.form.moves:
            return {}
        return {key: Placement(request.stage, skipped=False) for key in self.neighbours(request)}


@seeded(
    "neighbours-skipped-on-leaving",
    "STATE-2",
    "When a skipped service leaves, the flag stays on the others of its old stage.",
)
class _NeighboursSkippedOnLeaving(_Disturbs):
    def disturbed(self, request: Attach, was: Placement) -> dict[str, Placement]:
        if in_place(request, was) or not was.skipped:
            return {}
        return {key: Placement(was.stage, skipped=True) for key in self.neighbours(request, was.stage)}


@seeded(
    "shared-entry", "STATE-2", "The first two services share one entry object, so the flag of one is the flag of both."
)
class _SharedEntry(_Disturbs):
    def disturbed(self, request: Attach, was: Placement) -> dict[str, Placement]:
        pair = list(self.world.placements)[:2]
        if request.service not in pair:
            return {}
        (other,) = (key for key in pair if key != request.service)
        return {other: replace(self.world.placements[other], skipped=self.world.placements[request.service].skipped)}


@seeded(
    "entries-shared-after-a-meeting",
    "STATE-2",
    "Services that have met in a stage share its flag object: skipping one of them later skips the other elsewhere.",
)
class _EntriesSharedAfterAMeeting(_Disturbs):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.met: dict[str, str] = {}

    def disturbed(self, request: Attach, was: Placement) -> dict[str, Placement]:
        if not in_place(request, was):
            company = self.neighbours(request)
            if company:
                self.met[request.service] = company[0]
            return {}
        friend = self.met.get(request.service)
        if request.form is not Form.TRUE or friend is None:
            return {}
        return {friend: replace(self.world.placements[friend], skipped=True)}


@seeded("neighbour-taken-along", "STATE-2", "A move takes the first other service of the old stage along.")
class _NeighbourTakenAlong(_Disturbs):
    def disturbed(self, request: Attach, was: Placement) -> dict[str, Placement]:
        neighbours = self.neighbours(request, was.stage)
        if in_place(request, was) or not neighbours:
            return {}
        return {neighbours[0]: replace(self.world.placements[neighbours[0]], stage=request.stage)}


@seeded(
    "move-swaps", "STATE-2", "A move into a stage with one service swaps the two, as dragging one onto the other would."
)
class _MoveSwaps(_Disturbs):
    def disturbed(self, request: Attach, was: Placement) -> dict[str, Placement]:
        neighbours = self.neighbours(request)
        if in_place(request, was) or len(neighbours) != 1:
            return {}
        return {neighbours[0]: replace(self.world.placements[neighbours[0]], stage=was.stage)}


@seeded(
    "oldest-evicted", "STATE-2", "A stage holds three services; the fourth one pushes the oldest into the first stage."
)
class _OldestEvicted(_Disturbs):
    def disturbed(self, request: Attach, was: Placement) -> dict[str, Placement]:
        neighbours = self.neighbours(request)
        first = self.sisters(request.stage)[0]
        if in_place(request, was) or len(neighbours) < 3 or request.stage == first:
            return {}
        return {neighbours[0]: replace(self.world.placements[neighbours[0]], stage=first)}


@seeded(
    "last-mover-follows",
    "STATE-2",
    "The service that was moved just before follows the next one that is moved from the same stage.",
)
class _LastMoverFollows(_Disturbs):
    def disturbed(self, request: Attach, was: Placement) -> dict[str, Placement]:
        before = self.past[-2] if len(self.past) > 1 else None
        if in_place(request, was) or before is None or before.service == request.service or before.stage != was.stage:
            return {}
        return {before.service: replace(self.world.placements[before.service], stage=request.stage)}


@seeded(
    "deleted-service-reappears",
    "STATE-2",
    "A move into the last stage brings back a service that was deleted there long ago.",
)
class _DeletedServiceReappears(Misplaces):
    def members(self, stage_id: str) -> tuple[str, ...]:
        right = super().members(stage_id)
        last = stage_id == self.sisters(stage_id)[-1]
        return (*right, stable_id("deleted")) if last and any(past.stage == stage_id for past in self.past) else right

    def entry(self, service_id: str) -> dict[str, Any]:
        if service_id in self.world.services:
            return super().entry(service_id)
        dates = {"created_at": CREATED_AT, "updated_at": CREATED_AT}
        return {"id": stable_id("deleted entry"), **dates, "service_id": service_id, "is_skipped": False}
