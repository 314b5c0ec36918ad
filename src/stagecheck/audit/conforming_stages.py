"""Mocks that manage stages in their own way, each by a freedom that the contract leaves; `variants` names them."""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stagecheck.audit.defects.stage import Arranges, numbered
from stagecheck.mock.app import Answer, Call
from stagecheck.mock.scenario import Scenario
from stagecheck.model.management import deleted
from stagecheck.model.requests import CreateStage, DeleteStage, EditStage, Manage, ReadStage, Request
from stagecheck.model.state import Placement, World
from stagecheck.model.step import Accepted, Outcome, Refused, step

Home = Callable[[list[str], Placement], Placement]
"""Where a service of a deleted stage goes: the stages that are left, in their order, and where it was."""


def to_the_first(left: list[str], was: Placement) -> Placement:
    """To the first stage, with the flag it had."""
    return Placement(left[0], was.skipped)


def to_the_last_unskipped(left: list[str], was: Placement) -> Placement:
    """To the last stage, un-skipped: a move is a move."""
    del was
    return Placement(left[-1], skipped=False)


class Empties(Arranges):
    """Deletes stages with services in them, which go where `home` says."""

    def __init__(self, scenario: Scenario, home: Home = to_the_first) -> None:
        super().__init__(scenario)
        self.home = home

    def decide(self, request: Request) -> Outcome:
        """The plainest outcome, but for a stage that holds services."""
        right = super().decide(request)
        chosen = isinstance(right.answer, Refused) and right.answer.requirement is None
        if not isinstance(request, DeleteStage) or not chosen:
            return right
        return Outcome(deleted(self.world, request.stage), Accepted())

    def arranged(self, request: Manage, before: World, right: World) -> World:
        """The services of the deleted stage find another."""
        if not isinstance(request, DeleteStage):
            return right
        left = [stage.id for stage in right.stages_of(self.scenario.environment)]
        for service in before.services_in(request.stage):
            place = self.home(left, before.placements[service])
            right = right.placed(service, place.stage, skipped=place.skipped)
        return right


class RefusesDeletion(Arranges):
    """Refuses to delete a stage that holds services with a status of its own."""

    def __init__(self, scenario: Scenario, status: int) -> None:
        super().__init__(scenario)
        self.status = status

    def decide(self, request: Request) -> Outcome:
        """The plainest outcome, in other words."""
        right = super().decide(request)
        if isinstance(request, DeleteStage) and isinstance(right.answer, Refused) and right.answer.requirement is None:
            return replace(right, answer=replace(right.answer, preferred=self.status))
        return right


class Numbers(Arranges):
    """Numbers the stages its own way: a new one where `place` says, all of them by `number` after every change."""

    def __init__(
        self, scenario: Scenario, *, first: bool = False, number: Callable[[int], int] = lambda at: at
    ) -> None:
        super().__init__(scenario)
        self.first = first
        self.number = number

    def arranged(self, request: Manage, before: World, right: World) -> World:
        """Everything numbered anew; an edit changes no number."""
        if isinstance(request, EditStage):
            return right
        order = [stage.id for stage in right.stages_of(self.scenario.environment)]
        if isinstance(request, CreateStage) and self.first:
            order = [order[-1], *order[:-1]]
        again = numbered(right, order)
        stages = {key: replace(stage, order=self.number(stage.order or 0)) for key, stage in again.stages.items()}
        return replace(again, stages={key: stages[key] if key in order else right.stages[key] for key in stages})


class EmptiesDescriptions(Arranges):
    """Takes an edit without a description for one that empties it, and shows an empty one as null or not at all."""

    def __init__(self, scenario: Scenario, *, shown: bool) -> None:
        super().__init__(scenario)
        self.shown = shown

    def decide(self, request: Request) -> Outcome:
        """The last outcome of an edit."""
        return step(self.world, request)[-1] if isinstance(request, EditStage) else super().decide(request)

    def stage(self, stage_id: str) -> dict[str, Any]:
        """One stage, with null for an empty description, or without it."""
        shown = super().stage(stage_id)
        if not shown["description"]:
            shown["description"] = None
            if not self.shown:
                del shown["description"]
        return shown


class Answers(Arranges):
    """Answers some requests with another status, and perhaps another body, that say the same."""

    def __init__(self, scenario: Scenario, kind: type, status: int, payload: Any = None) -> None:
        super().__init__(scenario)
        self.kind, self.status, self.payload = kind, status, payload

    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        """The answer in other words."""
        right = super().answer(call, request, outcome)
        if isinstance(request, self.kind) and right.status < 300:
            return Answer(self.status, right.payload if self.payload is None else self.payload)
        return right


class RemembersTheDeleted(Arranges):
    """Answers 410 for what was deleted."""

    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        """410 where the stage is gone."""
        right = super().answer(call, request, outcome)
        gone = isinstance(request, ReadStage) and request.stage in self.world.gone
        return replace(right, status=410) if gone and right.status == 404 else right


class WantsUniqueNames(Arranges):
    """Refuses a name that another stage has."""

    def decide(self, request: Request) -> Outcome:
        """The refusal, where there is one."""
        outcomes = step(self.world, request)
        return next((o for o in outcomes if isinstance(o.answer, Refused)), outcomes[0])


class Lacks(Arranges):
    """Answers some kinds of management requests with a status that says that there is no such thing."""

    def __init__(self, scenario: Scenario, kinds: tuple[type, ...], status: int) -> None:
        super().__init__(scenario)
        self.kinds, self.status = kinds, status

    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        """The refusal."""
        if isinstance(request, self.kinds):
            return Answer(self.status, {"message": "no such thing"})
        return super().answer(call, request, outcome)
